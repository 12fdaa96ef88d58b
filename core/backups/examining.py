"""Looking at one backup: whether it is whole, what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.backups.making import verify
from core.backups.manifest import Kind, Manifest, digest, read
from core.errors import Invalid, NotFound
from core.texts import T, Text
from storage.sqlite_copy import DamagedError

MAGIC: tuple[tuple[bytes, Kind], ...] = ((b"SQLite format 3\0", "sqlite"), (b"PGDMP", "postgresql"))
"""How such files begin."""


@dataclass(frozen=True)
class Examined:
    """A backup that is whole. `counts` and `revision`: as it holds them, or of PostgreSQL as its manifest says."""

    file: Path
    kind: Kind
    manifest: Manifest | None
    revision: str | None
    counts: dict[str, int]


def examine(file: Path) -> Examined:
    """Read a backup as a whole and compare it with its manifest; raise `Invalid` that says what is wrong with it."""
    kind = _kind(file)
    manifest = read(file)
    if manifest is not None and file.stat().st_size != manifest.size:
        raise _damaged(
            file,
            T("it has {size} bytes, and its manifest says {meant}", size=file.stat().st_size, meant=manifest.size),
        )
    if manifest is not None and digest(file) != manifest.sha256:
        raise _damaged(file, T("its SHA-256 is not the one in its manifest"))
    try:
        found = verify(file, kind)
    except DamagedError as error:
        raise _damaged(file, T("{reason}", reason=str(error))) from None
    if found is None:
        return Examined(
            file, kind, manifest, manifest.revision if manifest else None, manifest.counts if manifest else {}
        )
    if found.revision is None:
        raise _damaged(file, T("it holds no database of the engine's"))
    if manifest is not None and found.counts != manifest.counts:
        raise _damaged(file, T("it does not hold as much as its manifest says"))
    return Examined(file, kind, manifest, found.revision, found.counts)


def _kind(file: Path) -> Kind:
    try:
        with file.open("rb") as reading:
            head = reading.read(16)
    except OSError as error:
        raise NotFound(
            T("{file} cannot be read: {reason}.", file=str(file), reason=error.strerror or type(error).__name__)
        ) from None
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    raise _damaged(file, T("it is neither a SQLite database nor a dump of pg_dump's custom format"))


def _damaged(file: Path, why: Text) -> Invalid:
    return Invalid(
        T("{file} is no good backup: {reason}. Take another one: `ccb backup list`.", file=str(file), reason=why),
        error="Backup damaged",
        file=str(file),
    )
