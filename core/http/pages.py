"""HTML pages made on the server: one template, one style sheet in it, no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import Any

import jinja2
from aiohttp import web
from markupsafe import Markup

_STYLE = "style.css"


def page(template: str, *, language: str, **values: Any) -> web.Response:
    """Return a page under a Content-Security-Policy that lets in our own style sheet and nothing else."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    html = _templates().get_template(template).render(language=language, style=Markup(style), **values)  # noqa: S704 - our own file
    return web.Response(
        text=html,
        content_type="text/html",
        headers={
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            "Cache-Control": "no-cache",
            "Vary": "Accept-Language",
            "Content-Language": language,
        },
    )


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("core.http", "web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    loader = _templates().loader
    assert loader is not None
    return loader.get_source(_templates(), _STYLE)[0]
