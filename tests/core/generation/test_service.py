from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from core.demo.stand_ins.claude import API_KEY, ClaudeStandIn
from core.errors import NotConfigured, Upstream
from core.generation import service
from core.services import SERVICES
from tests.contexts import settings


@pytest.fixture
async def claude() -> AsyncIterator[ClaudeStandIn]:
    async with ClaudeStandIn() as stand_in:
        yield stand_in


async def _check(claude: ClaudeStandIn, **more: str) -> str:
    given = {"ANTHROPIC_API_KEY": API_KEY, "ANTHROPIC_BASE_URL": claude.url, **more}
    return str(await SERVICES["claude"].check(settings(**given)))


async def test_the_model_is_there(claude: ClaudeStandIn) -> None:
    assert await _check(claude) == "claude-sonnet-5-5 is available"


async def test_a_wrong_key_is_said_without_it(claude: ClaudeStandIn) -> None:
    with pytest.raises(Upstream, match="ANTHROPIC_API_KEY is wrong or revoked") as caught:
        await _check(claude, ANTHROPIC_API_KEY="sk-ant-wrong")
    assert "sk-ant-wrong" not in str(caught.value)


async def test_a_model_that_the_key_does_not_have(claude: ClaudeStandIn) -> None:
    with pytest.raises(Upstream, match=r"no model claude-9 for this key. Check CCB_CLAUDE_MODEL\."):
        await _check(claude, CCB_CLAUDE_MODEL="claude-9")


async def test_a_rate_limit_says_how_long(claude: ClaudeStandIn) -> None:
    claude.retry_after = 12
    with pytest.raises(Upstream, match="rate limit") as caught:
        await _check(claude)
    assert caught.value.retry_after == 12


async def test_claudes_own_trouble(claude: ClaudeStandIn) -> None:
    claude.broken = 529
    with pytest.raises(Upstream, match=r"overloaded \(529\)"):
        await _check(claude)


async def test_nobody_listens(claude: ClaudeStandIn, unused_tcp_port: int) -> None:
    with pytest.raises(Upstream, match="cannot be reached"):
        await _check(claude, ANTHROPIC_BASE_URL=f"http://127.0.0.1:{unused_tcp_port}")


async def test_nothing_set() -> None:
    with pytest.raises(NotConfigured) as caught:
        await service.check(settings())
    assert caught.value.settings == ("ANTHROPIC_API_KEY",)


_WHERE = """
import asyncio, sys, threading
from core.errors import NotConfigured
from core.generation import service
from tests.contexts import settings

class Spy:
    def find_spec(self, name, path=None, target=None):
        if name == "anthropic":
            print("in the loop" if threading.current_thread() is threading.main_thread() else "beside the loop")

sys.meta_path.insert(0, Spy())
try:
    asyncio.run(service.check(settings()))
except NotConfigured:
    print("checked")
"""


@pytest.mark.slow
async def test_the_library_is_imported_beside_the_loop() -> None:
    """It takes seconds where the machine is busy, and deliveries come in meanwhile."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _WHERE, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert out.decode().split("\n")[:2] == ["beside the loop", "checked"]
