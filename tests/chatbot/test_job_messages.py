"""The messages of jobs on two nodes of one PostgreSQL: whoever is left edits them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from chatbot.job_messages import DUTY, TERM_SECONDS
from core import jobs
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BOT_TOKEN, SlackStandIn
from storage import leader
from tests.chatbot.conftest import House, text_of
from tests.contexts import MovableClock
from tests.engines import Client, running
from tests.packages import package

pytestmark = pytest.mark.slow

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""


async def test_another_node_goes_on_with_the_message(tmp_path: Path, postgres_url: str, clock: MovableClock) -> None:
    async with SlackStandIn() as slack:
        given = {
            "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url,
            "CCB_SLACK_ADMINS": ANNA, "CCB_DATABASE_URL": postgres_url,
            "CCB_SECRET_KEY": Fernet.generate_key().decode(), "CCB_ROLES": "http,worker,slack",
        }  # fmt: skip
        async with running(tmp_path / "a", clock=clock, **given) as one:
            await slack.connected(2)
            house = House(one, slack, clock)
            made = await one.install(package(LOG, "example.com", expected=[{"type": "log", "message": "got 0"}]))
            await one.ended((await one.deliver(made["id"], {"n": 1})).json["event_id"])
            await one.ask("POST", f"/v1/integrations/{made['id']}/pause")
            progress = await house.press(await house.type("replay forward from 1h"), "replay_many:again", confirm=True)
            async with running(tmp_path / "b", clock=clock, **given) as other:
                await slack.connected(4)
                ctx = other.engine.ctx
                held = await ctx.db.read(leader.current, DUTY)
                assert held is not None
                # As if the node that edits had died with its term: neither of these is it.
                await ctx.db.write(leader.resign, duty=DUTY, holder=held.holder)
                until = clock.now() + TERM_SECONDS
                await ctx.db.write(leader.campaign, duty=DUTY, holder="dead", now=clock.now(), expires_at=until)
                await jobs.advance(ctx)
                clock.move(TERM_SECONDS + 1)
                await slack.until(lambda: "It waits: " in text_of(progress), 15)
            clock.move(60)
            await one.ask("POST", f"/v1/integrations/{made['id']}/activate")
            async with asyncio.timeout(20):
                while not await _ended(one):
                    await jobs.advance(one.engine.ctx)
                    clock.move(1)
                    await asyncio.sleep(0.1)
            assert ":large_green_circle: done" in text_of(progress)
        assert slack.refused == []


async def _ended(client: Client) -> bool:
    """Say whether the job's message has been edited for the last time."""
    return all("ended" in (jobs.told(job) or {}) for job in await jobs.page(client.engine.ctx, limit=10))
