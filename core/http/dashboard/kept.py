"""A form that was sent after its session had ended: the sign-in page keeps it, and it is sent again after that.

It stays in the browser: the page that answers has it in hidden fields, and the next one too. Only a form that came from
a page of the dashboard's own gets this far, and it goes to no other address than the one that it was for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from core.http.dashboard import cookies

_DEED, _FIELD = "kept-deed", "kept."


@dataclass(frozen=True)
class Kept:
    """A form: the address that it was for, and its fields."""

    deed: str
    fields: Mapping[str, str]

    @property
    def hidden(self) -> Mapping[str, str]:
        """Return the hidden fields by which the sign-in page hands it on."""
        return {_DEED: self.deed, **{_FIELD + name: text for name, text in self.fields.items()}}


def of(raw: web.Request, form: Mapping[str, str] | None) -> Kept | None:
    """Return the form of a request that nobody signed in sent; None where it is none."""
    return None if form is None else Kept(back_to(raw.rel_url.raw_path), form)


def handed_on(form: Mapping[str, str]) -> Kept | None:
    """Return the form that a sign-in page kept; None where it kept none."""
    deed = form.get(_DEED)
    if deed is None or back_to(deed) != deed:
        return None
    return Kept(deed, {name.removeprefix(_FIELD): text for name, text in form.items() if name.startswith(_FIELD)})


def back_to(wanted: str) -> str:
    """Return where a form leads back to: a page of the dashboard's, never another host."""
    own = wanted == cookies.PATH or wanted.startswith((f"{cookies.PATH}/", f"{cookies.PATH}?"))
    return wanted if own and wanted.isprintable() and wanted.isascii() and "\\" not in wanted else cookies.PATH
