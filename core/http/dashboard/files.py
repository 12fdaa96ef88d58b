"""The files that pages load: ours, and the script that draws charts. Their addresses hold a digest of what they are."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from core.aside import AsideError
from core.aside.draw import VEGA_LITE
from core.context import Context
from core.errors import Unavailable
from core.texts import T

KINDS = {"style.css": "text/css", "dashboard.js": "text/javascript", "chart.js": "text/javascript"}
"""Files of ours, and what they are."""
CHARTS = "vega.js"
SECONDS = 30.0
"""The script takes two seconds to be made on a slow machine."""
_MODULE = "core.aside.bundle"
_KEPT_SECONDS = 30 * 86400.0


def address(name: str) -> str:
    """Return where a file is loaded from: another address whenever it changes, so that it may be kept for ever."""
    return f"/dashboard/static/{_tag(name)}/{name}"


@cache
def content(name: str) -> bytes:
    """Return a file of ours."""
    return (files("core.http") / "web" / "dashboard" / name).read_bytes()


async def charts(ctx: Context) -> bytes:
    """Return the script that draws charts, compressed with gzip; made when it is first asked for.

    Raises `Unavailable`; the page shows the picture then.
    """
    kept: bytes | None = ctx.memo.get(_MODULE)
    return kept if kept is not None else await ctx.memo.share(_MODULE, lambda: _made(ctx))


async def _made(ctx: Context) -> bytes:
    try:
        made = await ctx.aside.ask(_MODULE, b"", timeout=SECONDS)
    except AsideError:
        raise Unavailable(T("What draws charts is not there. Ask again in a moment."), retry_after=10) from None
    packed = gzip.compress(made, 6)
    ctx.memo.put(_MODULE, packed, seconds=_KEPT_SECONDS)
    return packed


@cache
def _tag(name: str) -> str:
    what = f"{version('vl-convert-python')} {VEGA_LITE}".encode() if name == CHARTS else content(name)
    return hashlib.blake2b(what, digest_size=8).hexdigest()
