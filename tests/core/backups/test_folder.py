"""The folder of backups: what is kept, what is cleared away, what counts as one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backups import folder as places
from core.backups.manifest import Maker, Manifest, beside, digest, free_name, read
from core.clock import moment
from core.errors import CcbError, Conflict

DAY = 86_400.0
START = 1_700_000_000.0


def put(folder: Path, at: float, content: bytes = b"whole") -> Path:
    """Put a backup into the folder, as far as the folder is concerned."""
    path = folder / free_name(folder, "sqlite", at)
    path.write_bytes(content)
    made = Manifest(
        id=f"bak_{path.stem}", kind="sqlite", file=path.name, made_at=moment(at), seconds=1.0, version="1",
        made_by=Maker(kind="system", id="system", name="system"), revision="0012", key_fingerprints=(), counts={},
        size=len(content), sha256=digest(path),
    )  # fmt: skip
    beside(path).write_text(made.model_dump_json())
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(st.lists(st.floats(START, START + 40 * DAY), max_size=60).map(sorted), st.integers(1, 10))
def test_what_is_kept(moments: list[float], keep: int) -> None:
    kept = places.chosen(moments, keep)
    assert kept <= set(range(len(moments)))
    assert set(range(max(0, len(moments) - keep), len(moments))) <= kept
    days = sorted({datetime.fromtimestamp(at, UTC).date() for at in moments})[-keep:]
    assert {datetime.fromtimestamp(moments[place], UTC).date() for place in kept} >= set(days)
    assert len(kept) <= 2 * keep


def test_many_on_one_day_do_not_push_out_the_days_before(tmp_path: Path) -> None:
    daily = [put(tmp_path, START + day * DAY) for day in range(5)]
    many = [put(tmp_path, START + 5 * DAY + minute * 60) for minute in range(6)]
    gone = places.prune(tmp_path, 3)
    assert [path.name for path, _ in places.whole(tmp_path)] == [path.name for path in (*daily[3:], *many[3:])]
    assert len(gone) == 6 and len(names(tmp_path)) == 2 * 5


def test_two_of_one_second_have_names_of_their_own(tmp_path: Path) -> None:
    assert [put(tmp_path, START).name for _ in range(3)] == [
        "ccb-20231114T221320Z.db", "ccb-20231114T221320Z-2.db", "ccb-20231114T221320Z-3.db",
    ]  # fmt: skip
    assert len(places.whole(tmp_path)) == 3


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    whole = put(tmp_path, START)
    alone = put(tmp_path, START + 60)
    beside(alone).unlink()
    mine = [tmp_path / name for name in ("notes.json", "ccb.part", "ccb-20231114T221320Z.db.bak", "other.db.part")]
    left = [tmp_path / name for name in (
        "ccb-20231115T000000Z.db.part", "ccb-20231115T000000Z.db.part-journal", "ccb-20231115T000000Z.db.json",
        "ccb-20231115T000000Z.db.json.part", "ccb-20231115T000000Z-2.dump.part",
    )]  # fmt: skip
    for path in (*mine, *left):
        path.write_text("x")
    with places.taken(tmp_path):
        pass
    assert names(tmp_path) == sorted(
        [places.LOCK, whole.name, beside(whole).name, alone.name, *(path.name for path in mine)]
    )


def test_a_short_file_and_one_without_a_manifest_are_no_backups(tmp_path: Path) -> None:
    short, alone = put(tmp_path, START), put(tmp_path, START + 60)
    short.write_bytes(b"who")
    beside(alone).write_text("{")
    assert read(alone) is None
    assert places.whole(tmp_path) == []
    assert places.prune(tmp_path, 1) == [] and short.exists() and alone.exists()
    assert places.whole(tmp_path / "nowhere") == []


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        places.taken(tmp_path),
        pytest.raises(Conflict, match="Another process makes a backup"),
        places.taken(tmp_path),
    ):
        pass
    with places.taken(tmp_path):
        assert (tmp_path / places.LOCK).stat().st_mode & 0o777 == 0o600


def test_room(tmp_path: Path) -> None:
    places.room_for(tmp_path, 0)
    with pytest.raises(CcbError, match=r"no room for a backup in .* needs about 1099511627776 MB"):
        places.room_for(tmp_path, 1 << 60)


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="in the middle"), places.writing(tmp_path / "ccb-x.db") as part:
        assert part.stat().st_mode & 0o777 == 0o600
        raise ValueError("in the middle")
    assert names(tmp_path) == []
