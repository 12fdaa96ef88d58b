from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from core.config import Settings
from core.errors import CcbError, Invalid
from core.secret_box import SecretBox

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv("CCB_SECRET_KEY", raising=False)
    monkeypatch.setenv("CCB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_goes_in_comes_out(text: str) -> None:
    box = SecretBox([OLD])
    token = box.encrypt(text)
    assert box.decrypt(token) == text
    assert token != box.encrypt(text)


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    token = SecretBox.open(Settings()).encrypt("x")
    assert _mode(path) == 0o600
    assert _mode(path.parent) == 0o700
    assert SecretBox.open(Settings()).decrypt(token) == "x"


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    SecretBox.open(Settings())
    assert _mode(tmp_path / "data") == 0o755


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    SecretBox.open(Settings())
    path = tmp_path / "data" / "secret.key"
    key = path.read_text()
    path.chmod(mode)
    with pytest.raises(Invalid) as raised:
        SecretBox.open(Settings())
    assert f"chmod 600 {path}" in str(raised.value)
    assert key not in str(raised.value)
    path.chmod(0o600)
    SecretBox.open(Settings())


@pytest.mark.parametrize("content", ["", "short", "ä" * 44])
def test_a_damaged_key_is_not_replaced(tmp_path: Path, content: str) -> None:
    SecretBox.open(Settings())
    path = tmp_path / "data" / "secret.key"
    path.write_text(content)
    with pytest.raises(Invalid, match="does not hold a key"):
        SecretBox.open(Settings())
    assert path.read_text() == content


def test_the_setting_goes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CCB_SECRET_KEY", OLD)
    token = SecretBox.open(Settings()).encrypt("x")
    assert not (tmp_path / "data").exists()
    assert SecretBox([OLD]).decrypt(token) == "x"


def test_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    token = SecretBox([OLD]).encrypt("x")
    monkeypatch.setenv("CCB_SECRET_KEY", f"{NEW}, {OLD}")
    both = SecretBox.open(Settings())
    assert both.decrypt(token) == "x"
    rotated = both.rotate(token)
    assert SecretBox([NEW]).decrypt(rotated) == "x"
    assert SecretBox([NEW]).decrypt(both.encrypt("y")) == "y"
    with pytest.raises(CcbError):
        SecretBox([OLD]).decrypt(rotated)


@pytest.mark.parametrize(
    "token", [SecretBox([OLD]).encrypt("x"), "", "rubbish", "ä"], ids=["another key", "", "rubbish", "ä"]
)
def test_no_key_fits(token: str) -> None:
    for use in (SecretBox([OTHER]).decrypt, SecretBox([OTHER]).rotate):
        with pytest.raises(CcbError, match=r"CCB_SECRET_KEY has changed\. Add the former key") as raised:
            use(token)
        assert OTHER not in str(raised.value)


def test_its_repr_shows_no_key() -> None:
    box = SecretBox([OLD])
    assert OLD not in repr(box)
    assert OLD not in str(vars(box))
