"""Run by alembic, on the connection that `storage.migrate` hands over."""

from typing import Any, Literal

from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from storage import tables

assert tables.ALL


def plain_strings(kind: str, value: Any, _: Any) -> str | Literal[False]:
    """Write SQLModel's string type as SQLAlchemy's own, so that a migration needs nothing but SQLAlchemy."""
    return "sa.String()" if kind == "type" and isinstance(value, AutoString) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
    render_item=plain_strings,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
