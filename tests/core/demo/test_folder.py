"""The demonstration's folder: its own is emptied, nobody else's."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from core.demo.folder import MARKER, prepare, usual
from core.errors import Conflict


def test_it_is_made_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    assert not prepare(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_an_earlier_demonstration_is_replaced(tmp_path: Path) -> None:
    folder, outside = tmp_path / "demo", tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    prepare(folder)
    (folder / "ccb.db").touch()
    (folder / "sub").mkdir()
    (folder / "sub" / "file").touch()
    (folder / "link").symlink_to(outside)
    assert prepare(folder)
    assert [path.name for path in folder.iterdir()] == [MARKER]
    assert (outside / "kept").is_file()


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert not prepare(tmp_path)


def test_what_is_not_a_demonstrations_stays(tmp_path: Path) -> None:
    (tmp_path / "ccb.db").write_text("mine")
    with pytest.raises(Conflict, match="would be lost"):
        prepare(tmp_path)
    assert (tmp_path / "ccb.db").read_text() == "mine"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_folder_is_refused(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.touch()
    else:
        place.symlink_to(tmp_path)
    with pytest.raises(Conflict, match="no folder"):
        prepare(place)


def test_one_that_runs_keeps_its_data(tmp_path: Path) -> None:
    prepare(tmp_path)
    with (tmp_path / "ccb.lock").open("w") as lock:
        lock.write("4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="4711"):
            prepare(tmp_path)
    assert prepare(tmp_path)


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="too long"):
        prepare(tmp_path / ("x" * 100))
    assert not list(tmp_path.iterdir())


def test_the_usual_one_has_room_for_a_socket() -> None:
    assert len(os.fsencode(usual() / "ccb.sock")) < 100
