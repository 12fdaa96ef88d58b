"""`make texts`: bring the catalogues in `core/locales` up to date with the texts in the code.

Every `T("…")` and `TN("…", "…", n)` is found by babel's extractor. New ones come in untranslated, old ones are
dropped; nothing is guessed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from core.texts import DEFAULT_LANGUAGE, LANGUAGES, LOCALES

ROOT = LOCALES.parent.parent
PACKAGES = ("chatbot", "core")
KEYWORDS = {"T": None, "TN": (1, 2)}


def extracted() -> Catalog:
    """Return every text of the code, with the files it stands in."""
    found = Catalog()
    for package in PACKAGES:
        folder = ROOT / package
        for name, _, message, _, _ in extract_from_dir(folder, [("**.py", "python")], keywords=KEYWORDS):
            found.add(message, locations=[(f"{package}/{Path(name).as_posix()}", 0)])
    return found


def path_of(language: str) -> Path:
    """Return the catalogue's file."""
    return LOCALES / language / "LC_MESSAGES" / "ccb.po"


def stored(language: str) -> Catalog:
    """Return the catalogue of a language as it is in its file, empty where there is none."""
    path = path_of(language)
    if not path.is_file():
        return Catalog(locale=language, project="claude-code-bot", fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=language)


def update(language: str) -> list[str]:
    """Write the catalogue anew; return the texts that have no translation in it."""
    catalogue = stored(language)
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    path = path_of(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        write_po(target, catalogue, width=120, ignore_obsolete=True, include_lineno=False, sort_output=True)
    return missing(catalogue)


def missing(catalogue: Catalog) -> list[str]:
    """Return the texts of `catalogue` that are not translated, or not for certain (fuzzy)."""
    return [
        forms(message.id)[0]
        for message in catalogue
        if message.id and (message.fuzzy or not all(forms(message.string)))
    ]


def forms(strings: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the forms of one text: one, or one for each plural."""
    return (strings or "",) if isinstance(strings, str | None) else tuple(strings)


def main() -> int:
    """Update every catalogue; say what is left to translate."""
    left = 0
    for language in LANGUAGES:
        if language == DEFAULT_LANGUAGE:  # the texts themselves
            continue
        for text in update(language):
            sys.stderr.write(f"{path_of(language).relative_to(ROOT)}: not translated: {text!r}\n")
            left += 1
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
