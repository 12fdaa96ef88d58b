"""Whether a hook at GitHub sends to an integration, or nearly does. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from core.texts import T, Text

REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
"""`owner/repo` as GitHub names them: nothing in it leads elsewhere in a path."""
LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")


def nearly(url: str, *, expected: str, slug: str, public: bool) -> Text | bool | None:
    """Return True when `url` is the integration's address, what is wrong with it when it nearly is, None otherwise.

    `public`: whether `expected` is known to be how the engine is reached; if not, only its path is compared.
    """
    try:
        given, wanted = urlsplit(url), urlsplit(expected)
    except ValueError:
        return None
    wrong = _wrong_path(given.path, wanted.path, slug)
    if wrong is None:
        return None
    if wrong is True and (not public or _origin(given) == _origin(wanted)):
        return True
    if wrong is not True:
        return wrong
    if given.netloc.lower() == wanted.netloc.lower():
        return T("it begins with {given}://, not with {wanted}://", given=given.scheme, wanted=wanted.scheme)
    return T("its host is {given}, not {wanted}", given=given.netloc, wanted=wanted.netloc)


def _wrong_path(given: str, wanted: str, slug: str) -> Text | bool | None:
    """Return True for the path itself, what is wrong with one that means it, None for any other."""
    if given == wanted:
        return True
    integration = wanted.rpartition("/")[2]
    last = given.rstrip("/").rpartition("/")[2]
    if last.lower() == integration.lower():
        return T("its path is {given}, not {wanted}", given=given, wanted=wanted)
    if last == slug and "webhook" in given:
        return T("its path ends with the name {slug}, not with the id {id}", slug=slug, id=integration)
    return None


def _origin(parts: SplitResult) -> tuple[str, str]:
    return parts.scheme.lower(), parts.netloc.lower()
