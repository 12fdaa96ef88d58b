"""What stands beside each backup: of when it is, of which schema and key, what is in it, and its digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from core.actors import Actor
from storage.sqlite_copy import Pace, StoppedError

Kind = Literal["sqlite", "postgresql"]
ENDING: dict[Kind, str] = {"sqlite": ".db", "postgresql": ".dump"}
NAME = re.compile(r"ccb-\d{8}T\d{6}Z(?:-\d+)?\.(?:db|dump)", re.ASCII)
"""What a backup's file is called."""
BLOCK = 1 << 20


class Maker(BaseModel):
    """Who asked for it."""

    model_config = ConfigDict(frozen=True)

    kind: str
    id: str
    name: str


class Manifest(BaseModel):
    """The manifest. `counts`: rows of the larger tables. `key_fingerprints`: of the secrets' keys of that time."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    id: str
    kind: Kind
    file: str
    made_at: str
    made_by: Maker
    seconds: float
    version: str
    revision: str | None
    key_fingerprints: tuple[str, ...]
    counts: dict[str, int]
    size: int
    sha256: str

    @property
    def at(self) -> float:
        """Of when its contents are, in seconds since the epoch."""
        return datetime.fromisoformat(self.made_at).timestamp()


def maker(actor: Actor) -> Maker:
    """Return an actor as a manifest keeps it."""
    return Maker(kind=actor.kind, id=actor.id, name=actor.name)


def beside(file: Path) -> Path:
    """Return where the manifest of a backup is."""
    return file.with_name(f"{file.name}.json")


def read(file: Path) -> Manifest | None:
    """Return the manifest of a backup; None where there is none, or none that can be read."""
    try:
        return Manifest.model_validate_json(beside(file).read_bytes())
    except (OSError, ValidationError):
        return None


def free_name(folder: Path, kind: Kind, at: float) -> str:
    """Return a name for a backup of this moment that no other has."""
    stem = f"ccb-{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"
    name, number = f"{stem}{ENDING[kind]}", 1
    while (folder / name).exists():
        number += 1
        name = f"{stem}-{number}{ENDING[kind]}"
    return name


def digest(file: Path, *, stopped: Callable[[], bool] = bool) -> str:
    """Return a file's SHA-256; raise `StoppedError` once `stopped()`."""
    found, pace = hashlib.sha256(), Pace()
    with file.open("rb") as reading:
        while block := reading.read(BLOCK):
            if stopped():
                raise StoppedError
            found.update(block)
            pace.rest()
    return found.hexdigest()
