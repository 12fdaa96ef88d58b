"""The dashboard's two cookies, and whether a form was sent by one of its own pages.

The session's cookie is `SameSite=Lax`, not `Strict`: a link in an alert's mail or Slack message must open the page it
names, and with `Strict` the first request from there carries no cookie, so that everybody would be asked for a key
again at each alert. `Lax` sends it with such a navigation (a GET changes nothing here) and with no form, picture or
script of another site. That is not relied on alone: every POST must say that it comes from this very origin.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from core.config import Settings
from core.errors import Denied
from core.sessions import LONGEST_SECONDS
from core.texts import LANGUAGES, T, preferred

SESSION = "ccb_session"
LANGUAGE = "ccb_language"
PATH = "/dashboard"
_YEAR = 365 * 86400
_HERE = ("localhost", "127.0.0.1", "::1")


def put_session(response: web.StreamResponse, raw: web.Request, settings: Settings, secret: str) -> None:
    """Sign the browser in."""
    response.set_cookie(
        SESSION, secret, path=PATH, max_age=int(LONGEST_SECONDS), httponly=True, samesite="Lax",
        secure=secure(raw, settings),
    )  # fmt: skip


def drop_session(response: web.StreamResponse, raw: web.Request, settings: Settings) -> None:
    """Sign the browser out."""
    response.del_cookie(SESSION, path=PATH, httponly=True, samesite="Lax", secure=secure(raw, settings))


def put_language(response: web.StreamResponse, raw: web.Request, settings: Settings, language: str) -> None:
    """Keep which language somebody chose."""
    response.set_cookie(
        LANGUAGE, language, path=PATH, max_age=_YEAR, httponly=True, samesite="Lax", secure=secure(raw, settings)
    )


def language_of(raw: web.Request) -> str:
    """Return the language that was chosen, else the browser's."""
    chosen = raw.cookies.get(LANGUAGE)
    return chosen if chosen in LANGUAGES else preferred(raw.headers.get("Accept-Language", ""))


def secure(raw: web.Request, settings: Settings) -> bool:
    """Say whether the cookie may travel over https alone: not where this very request came without, on this machine."""
    if raw.secure or raw.headers.get("X-Forwarded-Proto", "").lower() == "https":
        return True
    public = settings.public_url or ""
    return public.startswith("https://") and urlsplit(f"//{raw.host}").hostname not in _HERE


def refuse_foreign(raw: web.Request, settings: Settings) -> None:
    """Raise `Denied` unless a form was sent by a page of this origin, as the browser itself says."""
    site, origin = raw.headers.get("Sec-Fetch-Site"), raw.headers.get("Origin")
    if site is not None:
        own = site == "same-origin"
    else:  # an older browser, or one that reaches us without https
        known = {raw.host, urlsplit(settings.public_url or "").netloc} - {""}
        own = origin is not None and urlsplit(origin).netloc in known
    if not own:
        raise Denied(
            T("This form was not sent from the dashboard itself. Open the page anew and press the button there."),
            error="Foreign form refused",
        )
