"""Two nodes on one PostgreSQL: requests at the same moment do not overrun a budget together."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.demo.stand_ins.claude import ClaudeStandIn
from core.demo.stand_ins.github.hub import GitHubStandIn
from core.errors import Conflict, Unavailable
from core.requests import budgets
from core.requests.model import Asked
from storage import calls
from tests.contexts import MovableClock
from tests.core.generation.drafts import answer, draft
from tests.core.requests.conftest import KEY, House, settings_of
from tests.engines import running

pytestmark = pytest.mark.slow

MONTH = 0.25
"""USD: what two calls may cost, of which each wishes for 10,000 tokens of output."""


async def test_a_months_budget_is_not_overrun_by_two_nodes(
    tmp_path: Path, postgres_url: str, clock: MovableClock, claude: ClaudeStandIn, hub: GitHubStandIn
) -> None:
    given = {
        **settings_of(claude, hub), "CCB_DATABASE_URL": postgres_url, "CCB_SECRET_KEY": KEY,
        "CCB_BUDGET_MONTH": str(MONTH), "CCB_CLAUDE_MAX_TOKENS": "10000",
    }  # fmt: skip
    claude.answers, claude.held = [answer(draft()) for _ in range(4)], asyncio.Event()
    async with (
        running(tmp_path / "a", clock=clock, **given) as one,
        running(tmp_path / "b", clock=clock, **given) as two,
    ):
        nodes = [House(client, claude, hub, clock) for client in (one, two)]
        asked = await asyncio.gather(
            *(node.ask(service_name=f"Service {number}") for number in range(2) for node in nodes)
        )
        async with asyncio.timeout(20):
            while len(claude.asked) + len([one for one in asked if (await nodes[0].now(one)).error_details]) < 4:
                await asyncio.sleep(0.02)
        price = one.engine.ctx.settings.claude_prices[1] / 1e6
        assert 0 < sum(call.body["max_tokens"] for call in claude.asked) * price <= MONTH
        set_aside = await one.engine.ctx.db.read(calls.reserved)
        assert 0 < set_aside <= MONTH
        await _at_once(nodes, asked)
        claude.held.set()


async def _at_once(nodes: list[House], asked: list[Asked]) -> None:
    """Let all reserve again and again at one moment, on both nodes: together they never have more than the budget."""

    async def reserve(node: House, one: Asked) -> int:
        ctx = node.client.engine.ctx
        try:
            async with budgets.paying(ctx, one, 1_000) as paid:
                held.append(paid.longest)
                await asyncio.wait_for(enough.wait(), 20)
        except (Conflict, Unavailable):
            refused.append(one.id)
        return 0

    ctx = nodes[0].client.engine.ctx
    price = ctx.settings.claude_prices[1] / 1e6
    for _ in range(10):
        held: list[int] = []
        refused: list[str] = []
        enough = asyncio.Event()
        tasks: list[Any] = [asyncio.create_task(reserve(nodes[i % 2], one)) for i, one in enumerate(asked)]
        while len(held) + len(refused) < len(asked):
            await asyncio.sleep(0.01)
        assert 0 < sum(held) * price <= MONTH and await ctx.db.read(calls.reserved) <= MONTH
        enough.set()
        await asyncio.gather(*tasks)
