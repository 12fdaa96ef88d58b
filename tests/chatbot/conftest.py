"""An engine and a Slack that are connected, with people of every role: what every command is tried with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.context import Context
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BOT_TOKEN, SlackStandIn
from tests.chatbot import manners
from tests.contexts import MovableClock
from tests.engines import Client, running

Message = dict[str, Any]
MANIFEST = yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class House:
    """Anna is an admin (English), Boris an operator by his group (Russian), Carol may look (English)."""

    client: Client
    """The engine's REST, to prepare things: `await house.client.install(…)`, `deliver`, `ended`."""
    slack: SlackStandIn
    clock: MovableClock

    @property
    def ctx(self) -> Context:
        """The engine's context."""
        return self.client.engine.ctx

    async def type(self, line: str, *, user: str = ANNA, channel: str = "general") -> Message:
        """Type `/ccb line`; return the next message that the user sees in the channel."""
        return await self.after(user, channel, lambda: self.slack.command("/ccb", line, user=user, channel=channel))

    async def mention(self, line: str, *, user: str = ANNA, channel: str = "general", **more: Any) -> Message:
        """Write `@ccb line`; return what is answered."""
        return await self.after(user, channel, lambda: self.slack.mention(user, channel, line, **more), skip=1)

    async def press(self, message: Message, action_id: str | None = None, *, user: str = ANNA, channel: str = "general",
                    **more: Any) -> Message:  # fmt: skip
        """Press a button of a message; return the next message that the user sees."""
        return await self.after(user, channel, lambda: self.slack.press(user, message, action_id, **more))

    async def after(self, user: str, channel: str, act: Callable[[], Any], *, skip: int = 0) -> Message:
        """Do something; return the next new message that the user sees in the channel (`skip`: after their own)."""
        seen = {message["ts"] for message in self.slack.seen_by(user, channel)}
        outcome = await act()
        assert outcome.acked, outcome
        assert outcome.seconds < 3

        def new() -> list[Message]:
            return [m for m in self.slack.seen_by(user, channel) if m["ts"] not in seen][skip:]

        return (await self.slack.until(new))[0]

    async def modal(self, name: str, *, user: str = ANNA) -> dict[str, Any]:
        """Wait until the user sees this modal, filled."""

        def there() -> dict[str, Any] | None:
            view = self.slack.view(user)
            return (
                view
                if view and view["callback_id"] == name and ":hourglass_flowing_sand:" not in str(view["blocks"])
                else None
            )

        found = await self.slack.until(there)
        assert found is not None
        return found


@asynccontextmanager
async def connected(folder: Path, clock: MovableClock, **more: str) -> AsyncIterator[House]:
    """Run an engine on SQLite that is connected to a Slack; `more`: settings."""
    async with SlackStandIn() as slack:
        slack.install(MANIFEST)  # the app may do what its manifest says, and nothing else
        tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(folder, clock=clock, **tokens, **more) as client:
            await slack.connected(2)
            yield House(client, slack, clock)
        assert slack.refused == []
        assert manners.complaints(slack) == []
        assert slack.sockets.faults == []


@pytest.fixture
async def house(tmp_path: Path, clock: MovableClock) -> AsyncIterator[House]:
    """An engine and a Slack with an admin, an operator and a viewer; fails if Slack refused anything of ours."""
    async with connected(tmp_path / "data", clock, CCB_SLACK_ADMINS=ANNA, CCB_SLACK_OPERATORS="S0OPS") as house:
        yield house


@pytest.fixture
async def unclaimed(tmp_path: Path, clock: MovableClock) -> AsyncIterator[House]:
    """The same before anybody is an admin; everybody may look."""
    async with connected(tmp_path / "data", clock) as house:
        yield house


def text_of(message: Message) -> str:
    """Return everything that a message or view says, its blocks and buttons too, in their order."""
    return "\n".join(_texts([message.get("text", ""), message.get("blocks", [])]))


def _texts(part: Any) -> list[str]:
    if isinstance(part, str):
        return [part]
    if isinstance(part, list):
        return [text for one in part for text in _texts(one)]
    if isinstance(part, dict):
        keys = (
            "text",
            "fields",
            "accessory",
            "elements",
            "label",
            "element",
            "placeholder",
            "hint",
            "title",
            "alt_text",
        )
        return [text for key in keys if key in part for text in _texts(part[key])]
    return []
