"""Integrations, the packages they run, and every change of their state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.dialect import BIG_ID, upsert
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
    error_details: str | None = None
    created_at: float
    updated_at: float


class StateChange(SQLModel, table=True):
    """A change of an integration's state: who, when, why."""

    __tablename__: ClassVar[str] = "state_changes"
    __table_args__ = (sa.Index("ix_state_changes_integration", "integration_id", "id"),)

    id: int | None = Field(default=None, sa_column=sa.Column(BIG_ID, primary_key=True, autoincrement=True))
    integration_id: str
    before: str | None = None
    after: str
    at: float
    who: str
    why: str


INTEGRATIONS = table(Integration)
PACKAGES = table(Package)
CHANGES = table(StateChange)


def add(
    connection: sa.Connection, *, package: Mapping[str, Any], integration: Mapping[str, Any], change: Mapping[str, Any]
) -> bool:
    """Store an integration with its package; return False, storing nothing, when its slug is taken."""
    taken = connection.execute(sa.select(INTEGRATIONS.c.id).where(INTEGRATIONS.c.slug == integration["slug"])).first()
    if taken:
        return False
    connection.execute(upsert(connection, PACKAGES).values(**package).on_conflict_do_nothing())
    connection.execute(sa.insert(INTEGRATIONS).values(**integration))
    connection.execute(sa.insert(CHANGES).values(**change))
    return True


def find(connection: sa.Connection, reference: str) -> tuple[Integration, str] | None:
    """Return the integration with this id or slug, and its package's files (JSON)."""
    query = (
        sa.select(INTEGRATIONS, PACKAGES.c.files)
        .join(PACKAGES, PACKAGES.c.digest == INTEGRATIONS.c.package)
        .where(sa.or_(INTEGRATIONS.c.id == reference, INTEGRATIONS.c.slug == reference))
    )
    row = connection.execute(query).mappings().first()
    return _pair(row) if row else None


def change(
    connection: sa.Connection,
    integration_id: str,
    *,
    expected: Mapping[str, Any],
    values: Mapping[str, Any],
    state: Mapping[str, Any] | None = None,
) -> bool:
    """Set columns if the row still has the `expected` ones; with `state`, keep the change of state beside it."""
    conditions = [INTEGRATIONS.c[name] == value for name, value in expected.items()]
    result = connection.execute(
        sa.update(INTEGRATIONS).where(INTEGRATIONS.c.id == integration_id, *conditions).values(**values)
    )
    if result.rowcount and state is not None:
        connection.execute(sa.insert(CHANGES).values(**state))
    return bool(result.rowcount)


def state_changes(connection: sa.Connection, integration_id: str) -> Sequence[StateChange]:
    """Return the changes of state, oldest first."""
    query = sa.select(CHANGES).where(CHANGES.c.integration_id == integration_id).order_by(CHANGES.c.id)
    return [StateChange(**row) for row in connection.execute(query).mappings()]


def _pair(row: sa.RowMapping) -> tuple[Integration, str]:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    files: str = values.pop("files")
    return Integration(**values), files
