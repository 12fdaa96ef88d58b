"""The gallery: integrations that are ready to install. Each folder here is a package, data and not Python's kind."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core import manifest
from core.errors import NotFound
from core.texts import T

_HERE = Path(__file__).parent
_MANIFEST = "integration.yaml"
_WORD = re.compile(r"\w[\w-]*")


@dataclass(frozen=True)
class Entry:
    """What a list of the gallery shows of one integration. `config`: the JSON Schema of what a person fills in."""

    name: str
    title: str
    description: str
    source: str
    config: dict[str, Any]
    samples: tuple[str, ...]


def names() -> list[str]:
    """Return the names of all ready-made integrations, sorted."""
    return sorted(path.parent.name for path in _HERE.glob(f"*/{_MANIFEST}"))


def load(name: str) -> Mapping[str, str]:
    """Return the files (path → text) of the integration `name`; raise `NotFound` that lists the names."""
    known = names()
    if name not in known:
        missing = T("There is no ready-made integration {name}. There are: {known}.", name=name, known=", ".join(known))
        near = difflib.get_close_matches(name, known, n=1)
        message = T("{missing} Did you mean {near}?", missing=missing, near=near[0]) if near else missing
        raise NotFound(message, known=known)
    return _files(name)


def entries() -> list[Entry]:
    """Return what there is, in the order of the names."""
    return [_entry(name) for name in names()]


def fitting(text: str) -> list[Entry]:
    """Return those whose sender a text names, the likeliest first."""
    said = set(_WORD.findall(text.lower()))
    scored = []
    for entry in entries():
        words = _WORD.findall(entry.title.lower())
        if words[0] in said:
            scored.append((-len(said & set(words)), entry.name, entry))
    return [entry for _, _, entry in sorted(scored, key=lambda found: found[:2])]


@cache
def _entry(name: str) -> Entry:
    files = _files(name)
    parsed = manifest.parse(files[_MANIFEST])
    samples = tuple(sorted(Path(path).stem for path in files if path.startswith("samples/")))
    return Entry(name, parsed.name, parsed.description, parsed.source["kind"], parsed.config, samples)


@cache
def _files(name: str) -> Mapping[str, str]:
    folder = _HERE / name
    paths = [folder / _MANIFEST, folder / "handler.py", folder / "README.md", *sorted(folder.glob("samples/*.json"))]
    return MappingProxyType({path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths})
