"""`make migration`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from storage.migrations import new


@pytest.fixture
def colours() -> Iterator[sa.Table]:
    """A table that no migration makes."""
    table = sa.Table("colours", SQLModel.metadata, sa.Column("name", sa.String(), primary_key=True))
    yield table
    SQLModel.metadata.remove(table)


def test_the_migrations_give_what_the_tables_ask_for(tmp_path: Path) -> None:
    assert new.write("nothing to do", folder=tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_new_table_becomes_the_next_migration(colours: sa.Table, tmp_path: Path) -> None:
    newest = max(path.name[:4] for path in new.VERSIONS.glob("*.py"))
    path = new.write("add colours", folder=tmp_path)
    assert path == tmp_path / f"{int(newest) + 1:04d}_add_colours.py"
    text = path.read_text(encoding="utf-8")
    assert f"down_revision = '{newest}'" in text
    assert 'op.create_table("colours"' in text.replace("'", '"')


def test_it_wants_to_know_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert new.main([" "]) == 2
    assert "make migration" in capsys.readouterr().err
