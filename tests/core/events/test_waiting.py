"""Integrations that cannot be read, or have lost a grant, while their events wait."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from storage.events import EVENTS
from tests.engines import running
from tests.packages import FORWARD_TWICE, forwarded, package
from tests.stand_ins.receiver import Received, receiving

pytestmark = pytest.mark.slow

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
LOGGED = [{"type": "log", "message": "got 0"}]
KEY = Fernet.generate_key().decode()


async def test_an_event_whose_integration_cannot_be_read_does_not_go_round_for_ever(tmp_path: Path) -> None:
    """The secret key is another one than before: an event that waits keeps to its attempts and says why it fails; it is
    not held, reaped and claimed again without end."""

    async def fail(_: Received) -> int:
        return 500

    async with receiving() as receiver:
        receiver.before_answer = fail
        common: dict[str, Any] = {
            "CCB_OUTBOUND_ALLOW": receiver.host,
            "CCB_LEASE_SECONDS": "1",
            "CCB_RETRY_BASE_SECONDS": "0.2",
        }
        async with running(tmp_path, CCB_SECRET_KEY=Fernet.generate_key().decode(), **common) as client:
            made = await client.install(
                package(FORWARD_TWICE, receiver.host, expected=forwarded(receiver.host)),
                config={"retry_attempts": 2, "retry_backoff": "fixed"},
            )
            await client.ended((await client.deliver(made["id"], {"n": 1})).json["event_id"], "failed")
        async with running(tmp_path, CCB_SECRET_KEY=Fernet.generate_key().decode(), **common) as client:
            await asyncio.sleep(12)
            attempt, status = await client.engine.ctx.db.read(
                lambda c: c.execute(sa.select(EVENTS.c.attempt, EVENTS.c.status)).one()
            )
            assert attempt <= 3, f"attempt {attempt} of 2, {status}"


async def test_an_effect_that_is_done_needs_no_grant_any_more(tmp_path: Path) -> None:
    """The first of two actions is done, the second failed; then the grants lose the first one's host. The retry skips
    the first and does the second."""
    state = {"fail": True}

    async with receiving() as one, receiving() as two:

        async def second(_: Received) -> int:
            return 500 if state["fail"] else 200

        two.before_answer = second
        handler = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"] == {"n": 0}:
        return []
    return [{"type": "http_request", "url": config["a"]}, {"type": "http_request", "url": config["b"]}]
"""
        text = {"type": "string"}
        made_of = package(
            handler, "x", config={"a": f"http://{one.host}/", "b": f"http://{two.host}/"},
            capabilities={"actions": ["http_request"], "hosts": [{"$config": "a"}, {"$config": "b"}]},
        )  # fmt: skip

        manifest = json.loads(made_of["files"]["integration.yaml"])
        manifest.pop("config", None)
        manifest["config"] = {"type": "object", "properties": {"a": text, "b": text}}
        made_of["files"]["integration.yaml"] = json.dumps(manifest)
        both = {"a": f"http://{one.host}/", "b": f"http://{two.host}/"}
        async with running(
            tmp_path, CCB_OUTBOUND_ALLOW=f"{one.host},{two.host}", CCB_RETRY_BASE_SECONDS="0.4"
        ) as client:
            made = await client.install(made_of, config={**both, "retry_backoff": "fixed"})
            event = (await client.deliver(made["id"], {"n": 1})).json["event_id"]
            await client.ended(event, "failed")
            state["fail"] = False
            await client.ask("PATCH", f"/v1/integrations/{made['id']}/config", {"a": f"http://{two.host}/"})
            done = await client.until(event, lambda e: e["status"] in ("succeeded", "dead"))
            assert done["status"] == "succeeded", done["error"]
