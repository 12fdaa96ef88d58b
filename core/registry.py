"""Registries: what can be added by adding one file.

A package of modules (`core.actions`, `core.sources`, …) holds one file per thing; each file registers itself, and
whoever needs the whole list (help, OpenAPI, prompts, docs) reads the registry.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Generic, TypeVar

from core.errors import Invalid
from core.texts import T

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """Names and what they stand for, in the order of the names."""

    def __init__(self, noun: str, package: str) -> None:
        """`noun` names one entry in an error; `package` is the dotted package whose modules register entries."""
        self.noun = noun
        self._package = package
        self._entries: dict[str, Entry] = {}
        self._loaded = False

    def add(self, name: str, entry: Entry) -> None:
        """Register `entry`; a name taken twice is a programming error."""
        if name in self._entries:
            raise ValueError(f"{self.noun} {name!r} is registered twice")
        self._entries[name] = entry

    def get(self, name: str) -> Entry:
        """Return the entry called `name`; raise `Invalid` that lists the known ones."""
        self._load()
        try:
            return self._entries[name]
        except KeyError:
            raise Invalid(
                T(
                    "There is no {noun} called {name}. Known: {known}.",
                    noun=self.noun,
                    name=repr(name),
                    known=", ".join(self.names()),
                )
            ) from None

    def names(self) -> list[str]:
        """Return all names, sorted."""
        self._load()
        return sorted(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter([self._entries[name] for name in self.names()])

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._entries

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
