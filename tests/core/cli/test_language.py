"""Which language the terminal gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.language import language


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "ru"}, "ru"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "ru_RU.UTF-8"}, "en"),
        ({"LC_MESSAGES": "ru_RU.UTF-8", "LANG": "en_US.UTF-8"}, "ru"),
        ({"CCB_LANGUAGE": "ru", "LC_ALL": "en_US.UTF-8"}, "ru"),
        ({"CCB_LANGUAGE": "en", "LANG": "ru_RU.UTF-8"}, "en"),
        ({"CCB_LANGUAGE": "", "LANG": "ru_RU.UTF-8"}, "ru"),
    ],
)
def test_the_setting_goes_before_the_locale(
    environment: dict[str, str], spoken: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CCB_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    language.cache_clear()
    assert language() == spoken


def test_the_setting_may_stand_in_the_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CCB_LANGUAGE")
    (tmp_path / ".env").write_text("CCB_LANGUAGE=ru\n")
    language.cache_clear()
    assert language() == "ru"
