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


def page(
    template: str, *, language: str, package: str = "core.http", folder: str = "web", **values: Any
) -> web.Response:
    """Return a page under a Content-Security-Policy that lets in its own style sheet and nothing else.

    `package`, `folder`: where the template and `style.css` are.
    """
    templates = _templates(package, folder)
    style = _source(templates, _STYLE)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    html = templates.get_template(template).render(language=language, style=Markup(style), **values)  # noqa: S704 - our own file
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
def _templates(package: str, folder: str) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _source(templates: jinja2.Environment, name: str) -> str:
    assert templates.loader is not None
    return templates.loader.get_source(templates, name)[0]
