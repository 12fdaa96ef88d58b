"""How long Slack waits for acknowledgements from an engine whose hands are full of webhooks and their handlers."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path

from bench import engine, load, processes
from bench.pipeline import SIZE
from bench.report import Figure
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BORIS, BOT_TOKEN, CAROL, SlackStandIn

COMMANDS = 200
"""Typed at the same moment, and again as soon as they are answered."""
LINES = ("status", "list", "help", "health", "staus")
TARGET_MS = 3000.0
"""https://docs.slack.dev/interactivity/implementing-slash-commands: Slack waits three seconds."""


def measure(folder: Path, *, seconds: float) -> list[Figure]:
    """Let 64 senders deliver as fast as they are answered, and people type meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    taken, rate = asyncio.run(_typed(folder, seconds))
    return [
        Figure(
            "chat.p99", f"{COMMANDS} Slack commands at once, acknowledged, p99, at {rate:,.0f} deliveries/s",
            load.percentile(taken, 0.99), " ms", at_most=TARGET_MS,
            shown=f"p50 {load.percentile(taken, 0.5):.0f} ms, longest {taken[-1]:.0f} ms, {len(taken):,} commands",
        )
    ]  # fmt: skip


async def _typed(folder: Path, seconds: float) -> tuple[list[float], float]:
    """Return how long each acknowledgement took in milliseconds, the shortest first, and the deliveries a second."""
    async with SlackStandIn() as slack:
        tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        with ExitStack() as stack:
            receiver = await asyncio.to_thread(stack.enter_context, processes.running(processes.module("receiver")))
            host = f"127.0.0.1:{receiver['port']}"
            roles = "http,worker,scheduler,slack"
            starting = engine.started(folder, roles=roles, allow=host, more=tokens)
            server = await asyncio.to_thread(stack.enter_context, starting)
            path = await asyncio.to_thread(server.install, host)
            await slack.connected(2)
            wish = load.Wish(server.port, path, SIZE, seconds=seconds)
            loading = asyncio.create_task(asyncio.to_thread(processes.outcome, processes.module("load", asdict(wish))))
            taken: list[float] = []
            while not loading.done():
                taken += await _wave(slack)
            accepted = load.Found(**await loading).accepted
    return sorted(taken), accepted / seconds


async def _wave(slack: SlackStandIn) -> list[float]:
    """Type all commands, and wait until everybody is answered."""
    before = sum(map(len, slack.ephemerals.values()))
    lines, users = islice(cycle(LINES), COMMANDS), cycle((ANNA, BORIS, CAROL))
    typing = (slack.command("/ccb", line, user=user) for line, user in zip(lines, users, strict=False))
    outcomes = await asyncio.gather(*typing)
    if not all(outcome.acked for outcome in outcomes):
        raise SystemExit("not every command was acknowledged")
    await slack.until(lambda: sum(map(len, slack.ephemerals.values())) == before + COMMANDS, 120)
    return [outcome.seconds * 1e3 for outcome in outcomes]
