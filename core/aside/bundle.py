"""The process that makes the script which draws charts in a browser: Vega, Vega-Lite and Vega-Embed in one file."""

from __future__ import annotations

from core.aside.draw import VEGA_LITE
from core.aside.serving import serve


def bundle(_: bytes) -> bytes:
    """Return the script; it leaves `vegaEmbed` behind in the window."""
    import vl_convert  # only this process loads it

    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE).encode()


if __name__ == "__main__":
    serve(bundle, idle=5.0)  # nobody asks twice
