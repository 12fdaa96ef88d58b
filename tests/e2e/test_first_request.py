"""The first request that an engine works on, as its own process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.demo.stand_ins.claude import API_KEY, ClaudeStandIn
from core.demo.stand_ins.github.hub import BOT_TOKEN, GitHubStandIn
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import FIELDS, REPOSITORY
from tests.e2e.engine import running

pytestmark = pytest.mark.slow
WATCH = """
import os, sys, threading

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "anthropic":
            with open(os.environ["IMPORTED_BY"], "a") as told:
                told.write("the loop" if threading.current_thread() is threading.main_thread() else "a thread")

sys.meta_path.insert(0, Watch())
"""


async def test_claudes_library_is_loaded_beside_the_loop(tmp_path: Path) -> None:
    """It takes seconds: deliveries would wait for it, and the request's lease would end meanwhile."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(WATCH)
    told = tmp_path / "imported"
    async with GitHubStandIn() as hub, ClaudeStandIn() as claude:
        claude.answers = [answer(draft())]
        settings = {
            "ANTHROPIC_API_KEY": API_KEY,
            "ANTHROPIC_BASE_URL": claude.url,
            "GITHUB_TOKEN": BOT_TOKEN,
            "GITHUB_API_URL": hub.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]),
            "IMPORTED_BY": str(told),
        }
        async with running(tmp_path / "data", **settings) as engine:
            assert not told.exists(), "no start waits for it"
            await engine.ask("POST", "/v1/integrations", {"request": FIELDS}, status=201)
            await engine.until("/v1/requests", lambda found: [one["status"] for one in found] == ["inactive"])
    assert told.read_text() == "a thread"
