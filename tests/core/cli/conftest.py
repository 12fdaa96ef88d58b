"""The terminal of these tests: English, and none of the settings of whoever runs them."""

from __future__ import annotations

import os
from collections.abc import Iterator

os.environ["CCB_LANGUAGE"] = "en"  # help texts are read when the commands are imported

import pytest

from core.cli.language import language
from core.config import setting_names


@pytest.fixture(autouse=True)
def _own_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*setting_names(), "CCB_URL", "CCB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CCB_LANGUAGE", "en")
    language.cache_clear()
    yield
    language.cache_clear()
