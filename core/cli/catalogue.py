"""`make texts`: bring the catalogues in `core/locales` up to date with the texts in the code.

Every `T("…")` and `TN("…", "…", n)` is found in the syntax tree: babel's own extractor reads tokens, and misses what
stands inside an f-string. New texts come in untranslated, old ones are dropped; nothing is guessed.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po

from core.texts import DEFAULT_LANGUAGE, LANGUAGES, LOCALES

ROOT = LOCALES.parent.parent
PACKAGES = ("chatbot", "core")
MARKS = {"T": 1, "TN": 2}
"""The functions that mark texts, and how many of their arguments are texts."""
_HEADER = """\
# Written by `make texts`; the translations are written by people.
msgid ""
msgstr ""
"Language: {language}\\n"
"Plural-Forms: {plurals}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def extracted() -> Catalog:
    """Return every text of the code, with the files it stands in; raise ValueError for one that is no literal."""
    found = Catalog()
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for message in texts_in(path.read_text(encoding="utf-8"), name):
                found.add(message, locations=[(name, 0)])
    return found


def texts_in(source: str, name: str) -> Iterator[str | tuple[str, ...]]:
    """Return the texts that a module marks: one, or singular and plural."""
    for node in ast.walk(ast.parse(source, name)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in MARKS:
            continue
        wanted = node.args[: MARKS[node.func.id]]
        texts = tuple(arg.value for arg in wanted if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
        if len(texts) != MARKS[node.func.id]:
            raise ValueError(f"{name}:{node.lineno}: a text must be written out where it is marked")
        yield texts if len(texts) > 1 else texts[0]


def path_of(language: str) -> Path:
    """Return the catalogue's file."""
    return LOCALES / language / "LC_MESSAGES" / "ccb.po"


def stored(language: str) -> Catalog:
    """Return the catalogue of a language as it is in its file, empty where there is none."""
    path = path_of(language)
    if not path.is_file():
        return Catalog(locale=language, fuzzy=False)
    with path.open("rb") as source:
        return read_po(source, locale=language)


def update(catalogue: Catalog, path: Path) -> list[str]:
    """Write `catalogue` with the code's texts of now to `path`; return those that have no translation in it."""
    catalogue.update(extracted(), no_fuzzy_matching=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as target:
        target.write(_HEADER.format(language=catalogue.locale_identifier, plurals=catalogue.plural_forms).encode())
        write_po(
            target, catalogue, width=120, omit_header=True, ignore_obsolete=True, include_lineno=False, sort_output=True
        )
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
        path = path_of(language)
        for text in update(stored(language), path):
            sys.stderr.write(f"{path.relative_to(ROOT)}: not translated: {text!r}\n")
            left += 1
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
