"""The process that draws: a Vega-Lite spec as JSON in, a PNG out. vl-convert keeps Python's lock while it draws."""

from __future__ import annotations

import json

from core.aside.serving import serve

VEGA_LITE = "5.20"
SCALE = 2.0
"""Pixels for each of the spec's: sharp on a screen of today."""


def draw(message: bytes) -> bytes:
    """Return the picture. No address is allowed, so a spec reaches nothing outside."""
    import vl_convert  # only this process loads it

    return vl_convert.vegalite_to_png(json.loads(message), vl_version=VEGA_LITE, scale=SCALE, allowed_base_urls=[])


if __name__ == "__main__":
    serve(draw)
