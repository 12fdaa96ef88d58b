"""Integrations, and the packages they run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage import audit
from storage.dialect import upsert
from storage.events import table


class Package(SQLModel, table=True):
    """The files of one version, by their digest."""

    __tablename__: ClassVar[str] = "packages"

    digest: str = Field(primary_key=True)
    files: str
    """JSON: path → text."""
    created_at: float


class Integration(SQLModel, table=True):
    """One installation of a package, with its configuration. Times are seconds since the epoch."""

    __tablename__: ClassVar[str] = "integrations"

    id: str = Field(primary_key=True)
    slug: str = Field(unique=True)
    name: str
    status: str
    package: str = Field(foreign_key="packages.digest")
    provenance: str
    """JSON: where the package came from (`gallery`, `post`, a pull request with its commit) and who installed it."""
    config: str = "{}"
    """JSON: the manifest's keys and the engine's own, all but the secret ones."""
    sealed: str
    """Encrypted JSON: `{"config": {key: value}, "webhook": [{"secret", "expires_at"}]}`, the present secret first."""
    grants: str = "{}"
    """JSON: what it may do, fixed at activation."""
    monitoring: str = Field("{}", sa_column_kwargs={"server_default": "{}"})
    """JSON: what differs from `core.monitoring`'s defaults."""
    pending: str | None = None
    """JSON: a version that may do more than was approved, and waits for somebody to activate it."""
    error_details: str | None = None
    created_at: float
    updated_at: float


OWN = "github"
"""The id of the row that is the bot's own GitHub webhook: `POST /webhooks/github`. It is in no list and no count."""

INTEGRATIONS = table(Integration)
PACKAGES = table(Package)


def add(
    connection: sa.Connection,
    *,
    package: Mapping[str, Any],
    integration: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]],
) -> bool:
    """Store an integration with its package; return False, storing nothing, when its slug is another's slug or id."""
    slug = integration["slug"]
    taken = sa.select(INTEGRATIONS.c.id).where(sa.or_(INTEGRATIONS.c.slug == slug, INTEGRATIONS.c.id == slug))
    if connection.execute(taken).first():
        return False
    connection.execute(upsert(connection, PACKAGES).values(**package).on_conflict_do_nothing())
    connection.execute(sa.insert(INTEGRATIONS).values(**integration))
    for entry in entries:
        audit.add(connection, entry)
    return True


def find(connection: sa.Connection, reference: str) -> tuple[Integration, str] | None:
    """Return the integration with this id or slug, and its package's files (JSON)."""
    query = (
        sa.select(INTEGRATIONS, PACKAGES.c.files)
        .join(PACKAGES, PACKAGES.c.digest == INTEGRATIONS.c.package)
        .where(sa.or_(INTEGRATIONS.c.id == reference, INTEGRATIONS.c.slug == reference))
        .order_by(sa.case((INTEGRATIONS.c.id == reference, 0), else_=1))
    )
    row = connection.execute(query).mappings().first()
    return _pair(row) if row else None


def ids(connection: sa.Connection) -> list[str]:
    """Return the ids of all integrations but the bot's own, oldest first."""
    query = sa.select(INTEGRATIONS.c.id).where(INTEGRATIONS.c.id != OWN).order_by(INTEGRATIONS.c.id)
    return list(connection.execute(query).scalars())


def monitoring(connection: sa.Connection) -> dict[str, str]:
    """Return every integration's monitoring settings (JSON) by its id."""
    return {
        row.id: row.monitoring for row in connection.execute(sa.select(INTEGRATIONS.c.id, INTEGRATIONS.c.monitoring))
    }


@dataclass(frozen=True, slots=True)
class Label:
    """An integration in a few words."""

    id: str
    slug: str
    status: str


def labels(connection: sa.Connection) -> list[Label]:
    """Return every integration in a few words, the engine's own included, the oldest first."""
    query = sa.select(INTEGRATIONS.c.id, INTEGRATIONS.c.slug, INTEGRATIONS.c.status)
    return [Label(*row) for row in connection.execute(query.order_by(INTEGRATIONS.c.id))]


def files_of(connection: sa.Connection, digest: str) -> str:
    """Return the files of a package (JSON)."""
    return str(connection.execute(sa.select(PACKAGES.c.files).where(PACKAGES.c.digest == digest)).scalar_one())


def from_repository(connection: sa.Connection, repository: str, slug: str) -> str | None:
    """Return the id of the integration that came from a folder of a repository by a pull request."""
    query = sa.select(INTEGRATIONS.c.id, INTEGRATIONS.c.provenance).where(
        INTEGRATIONS.c.provenance.contains(f'"repository":{json.dumps(repository)}', autoescape=True)
    )
    for row in connection.execute(query):
        if json.loads(row.provenance).get("folder") == slug:
            return str(row.id)
    return None


def change(
    connection: sa.Connection,
    integration_id: str,
    *,
    expected: Mapping[str, Any],
    values: Mapping[str, Any],
    entries: Sequence[Mapping[str, Any]] = (),
    package: Mapping[str, Any] | None = None,
) -> bool:
    """Set columns if the row still has the `expected` ones, and keep the audit's `entries` beside the change.

    `package`: one that the columns name, stored before them.
    """
    if package is not None:
        connection.execute(upsert(connection, PACKAGES).values(**package).on_conflict_do_nothing())
    conditions = [INTEGRATIONS.c[name] == value for name, value in expected.items()]
    result = connection.execute(
        sa.update(INTEGRATIONS).where(INTEGRATIONS.c.id == integration_id, *conditions).values(**values)
    )
    if result.rowcount:
        for entry in entries:
            audit.add(connection, entry)
    return bool(result.rowcount)


def _pair(row: sa.RowMapping) -> tuple[Integration, str]:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    files: str = values.pop("files")
    return Integration(**values), files
