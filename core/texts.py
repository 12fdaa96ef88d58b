"""Texts that people read, in their own language.

A text is written once, in English, where it is meant: `T("No integration {name}.", name=slug)`. It stays a value
(`Text`) until a door knows who reads it, and is rendered there. The catalogues are gettext `.po` files in
`core/locales`, read as they are, so there is no compile step to forget.
"""

from __future__ import annotations

import gettext
import io
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = ("en", "ru")
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True)
class Text:
    """A message and what fills its `{placeholders}`; `str()` gives the English one (logs, exceptions)."""

    message: str
    plural: str | None
    count: int
    values: tuple[tuple[str, Any], ...]
    width: int = 0
    """Not 0: of what it renders to the first line alone, and no more characters of that."""

    def render(self, language: str = DEFAULT_LANGUAGE) -> str:
        """Return the text in `language` (a code such as `ru` or `ru-RU`); English where it is not known."""
        catalogue = _catalogue(language.partition("-")[0].lower())
        if self.plural is None:
            template = catalogue.gettext(self.message) if self.message else ""
        else:
            template = catalogue.ngettext(self.message, self.plural, self.count)
        values = {key: v.render(language) if isinstance(v, Text) else v for key, v in self.values}
        whole = template.format(**values) if values else template
        return whole.partition("\n")[0][: self.width] if self.width else whole

    def headline(self, width: int) -> Text:
        """Return the text's first line, cut to so many characters."""
        return replace(self, width=width)

    def __str__(self) -> str:
        return self.render()

    def dump(self) -> str:
        """Return the text as it is stored, so that it can still be read in any language (`revive`)."""
        return orjson.dumps(self._parts(), default=str).decode()

    def _parts(self) -> list[Any]:
        values = {key: v._parts() if isinstance(v, Text) else str(v) for key, v in self.values}
        parts = [self.message, self.plural, self.count, values]
        return [*parts, self.width] if self.width else parts


def revive(stored: str, language: str = DEFAULT_LANGUAGE) -> str:
    """Render what `Text.dump` made."""
    return revive_text(stored).render(language)


def revive_text(stored: str) -> Text:
    """Return what `Text.dump` made as a text again."""
    return _revived(orjson.loads(stored))


def _revived(parts: list[Any]) -> Text:
    message, plural, count, values, *width = parts
    filled = tuple((key, _revived(v) if isinstance(v, list) else v) for key, v in values.items())
    return Text(message, plural, count, filled, *width)


def T(message: str, /, **values: Any) -> Text:  # noqa: N802 - short as gettext's `_`, which Python gives another meaning
    """Mark `message` for translation; `values` fill its `{placeholders}`."""
    return Text(message, None, 0, tuple(values.items()))


def TN(singular: str, plural: str, count: int, /, **values: Any) -> Text:  # noqa: N802 - see T
    """Like `T`, choosing the form by `count`, which is also there as `{count}`."""
    return Text(singular, plural, count, (("count", count), *values.items()))


def preferred(accept_language: str) -> str:
    """Return the first language of an `Accept-Language` header that we speak (RFC 9110 §12.5.4), or English."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag.partition("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for _, tag in sorted(wanted, key=lambda w: w[0]) if tag in LANGUAGES), DEFAULT_LANGUAGE)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    path = LOCALES / language / "LC_MESSAGES" / "ccb.po"
    if not path.is_file():
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
