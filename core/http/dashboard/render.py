"""Pages from templates: their frame, numbers and times in the reader's own form, the headers that guard them.

Nothing of a page is executed but the files under `/dashboard/static`: no script and no style in it, whoever wrote what
it shows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jinja2
from aiohttp import web
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from core import durations
from core.actors import ANONYMOUS, Actor
from core.alerting.engine_words import spoken
from core.alerting.subjects import ENGINE
from core.http.dashboard.files import address
from core.http.dashboard.marks import mark
from core.texts import T, Text

_MOMENT = re.compile(r"\b([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NAVIGATION = (
    ("integrations", "/dashboard", T("Integrations")),
    ("alerts", "/dashboard/alerts", T("Alerts")),
    ("system", "/dashboard/system", T("System")),
)
WORDS = {
    "navigation": T("Main"),
    "skip": T("Skip to the content"),
    "sign_out": T("Sign out"),
    "sign_in": T("Sign in"),
    "signed_in_as": T("Signed in as"),
    "language": T("Language"),
    "error": T("This did not work"),
    "home": T("All integrations"),
    "quote": T("Quote this id when you ask for help:"),
    "key": T("API key"),
    "key_hint": T("Such as ccb_8Jq…; it is kept in no page and no log."),
    "lead": T("Paste an API key. What you see and may do here is what the key may."),
    "no_key": T("No key at hand? On the machine that the engine runs on, `ccb dashboard` prints a link that signs in."),
    "kept": T(
        "Your session had ended, so nothing was done yet. What you typed is kept: you can send it after signing in."
    ),
    "kept_again": T("Send it again"),
    "kept_hint": T("once you have signed in in another tab."),
    "link_lead": T("Press the button to be signed in. The link works once, for five minutes."),
    "link_instead": T("You are signed in already as"),
    "link_code": T("What stands behind # in the link"),
}


@dataclass(frozen=True)
class Frame:
    """What every page has: `back` is where switching the language leads."""

    language: str
    actor: Actor
    section: str
    back: str


def rendered(
    frame: Frame, template: str, title: Text | str, values: Mapping[str, Any], *, status: int = 200
) -> web.Response:
    """Return a page. Texts among its values (and in its lists) are rendered by the filter `say` or as they stand.

    `called`: how a rule's name or condition is said, which of the engine's own are stored in English.
    """
    templates = _templates()
    language = frame.language
    html = templates.get_template(template).render(
        {
            "language": language,
            "title": title.render(language) if isinstance(title, Text) else title,
            "words": {name: text.render(language) for name, text in WORDS.items()},
            "navigation": [(name, link, text.render(language)) for name, link, text in NAVIGATION],
            "section": frame.section,
            "actor": frame.actor if frame.actor is not ANONYMOUS else None,
            "back": frame.back,
            "static": address,
            "say": lambda text: text.render(language) if isinstance(text, Text) else text,
            "called": lambda text, owner: spoken(text).render(language) if owner == ENGINE else text,
            "mark": lambda state: mark(state, language),
            "took": lambda ms: "–" if ms is None else durations.said(ms, language),
            "number": lambda value, places=0: number(value, language, places),
            **{name: _said(value, language) for name, value in values.items()},
        }
    )
    return web.Response(
        text=html,
        status=status,
        content_type="text/html",
        headers={
            "Content-Security-Policy": POLICY,
            "Content-Language": language,
            "Vary": "Cookie, Accept-Language",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
        },
    )


def number(value: float | None, language: str, places: int = 0) -> str:
    """Return a number as the reader writes it; a dash where there is none."""
    if value is None:
        return "–"
    return format_decimal(value, format="#,##0" + ("." + "#" * places if places else ""), locale=language)


def _time(value: float | str | None) -> Markup | str:
    """Return a moment (epoch seconds, or ISO 8601) that the page's script shows in the reader's own zone."""
    if value is None:
        return "–"
    at = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
    at = at.astimezone(UTC)
    plain = at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}">{}</time>').format(escape(at.isoformat(timespec="milliseconds")), plain)


def _ticks(text: str) -> Markup:
    """Show what stands between backticks, as our messages write commands, as code, and moments in the reader's zone."""
    parts = str(text).split("`")
    if len(parts) % 2 == 0:  # one that is not closed is nothing but a character
        return _moments(str(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(one) if odd % 2 else _moments(one) for odd, one in enumerate(parts)
    )


def _moments(text: str) -> Markup:
    """Show the moments in a text (`core.clock.moment`) as times; everything else is text."""
    parts = _MOMENT.split(text)
    return Markup("").join(_shown(one) if odd % 2 else escape(one) for odd, one in enumerate(parts))


def _shown(moment: str) -> Markup | str:
    try:
        return escape(_time(moment))
    except ValueError:  # it only looks like one
        return escape(moment)


def _said(value: Any, language: str) -> Any:
    if isinstance(value, Text):
        return value.render(language)
    if isinstance(value, Mapping):
        return {name: _said(one, language) for name, one in value.items()}
    return value


@cache
def _templates() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("core.http", "web/dashboard"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["time"] = _time
    made.filters["ticks"] = _ticks
    return made
