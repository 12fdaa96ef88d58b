"""An engine that knows Slack, GitHub and Claude: the whole way of a request, pressed in Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from core.demo.stand_ins.claude import ClaudeStandIn
from core.demo.stand_ins.github.hub import GitHubStandIn
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BOT_TOKEN, SlackStandIn
from core.requests import service
from core.requests.model import Asked
from storage import request_messages
from storage.dialect import announce
from tests.chatbot.conftest import House, Message, text_of
from tests.contexts import MovableClock
from tests.core.requests.conftest import House as Work
from tests.core.requests.conftest import settings_of
from tests.engines import running

SENTENCE = "Write a line to the log for each event of My service."
FIELDS = {
    "description": SENTENCE,
    "service_name": "My service",
    "target_service": "the log",
    "api_endpoints": "none",
}


@dataclass(frozen=True)
class Flow:
    """What people see in Slack (`house`), and what happens on GitHub and at Claude (`work`)."""

    house: House
    work: Work

    @property
    def slack(self) -> SlackStandIn:
        """Slack."""
        return self.house.slack

    async def tick(self, seconds: float = 1.5) -> None:
        """Let time pass, and everybody look at once."""
        self.house.clock.move(seconds)
        for work in ("events", "requests"):
            await self.house.ctx.db.write(announce, work)

    async def ask(self, *, user: str = ANNA, channel: str = "general", **fields: str) -> Asked:
        """Ask for an integration in the modal; return the request."""
        await self.slack.command("/ccb", "request", user=user, channel=channel)
        await self.house.modal("request", user=user)
        given = {_input(name): value for name, value in {**FIELDS, **fields}.items()}
        outcome = await self.slack.submit(user, given=given)
        assert outcome.errors == {}, outcome
        return await self.newest()

    async def newest(self) -> Asked:
        """Return the newest request, as soon as there is one."""
        for _ in range(500):
            found = await service.newest(self.house.ctx, limit=1)
            if found:
                return found[0]
            await self.house.ctx.db.write(announce, "requests")
        raise AssertionError("there is no request")

    async def message(self, asked: Asked, *words: str, channel: str = "general") -> Message:
        """Wait until the request's message has all these words or ids; time passes meanwhile."""
        for _ in range(200):
            for message in self.slack.channel(channel).messages:
                shown = f"{text_of(message)} {message.get('blocks')}"
                if f"`{asked.id}`" in shown and all(word in shown for word in words):
                    return message
            await self.tick()
            try:
                await self.slack.changes.until(self._changed(), 0.05)
            except TimeoutError:
                continue
        there = "\n---\n".join(text_of(message) for message in self.slack.channel(channel).messages)
        raise AssertionError(f"nothing says {words}:\n{there}")

    async def quiet(self, asked: Asked) -> None:
        """Wait until everything is told that there is to tell; time passes meanwhile."""
        for _ in range(60):
            await self.work.settled()
            kept = await self.house.ctx.db.read(request_messages.of, asked.id)
            if kept is not None and kept.told >= kept.wanted and kept.lease_token is None:
                return
            await self.tick()
        raise AssertionError("it never ends")

    def _changed(self) -> Callable[[], bool]:
        before = len(self.slack.called)
        return lambda: len(self.slack.called) > before

    def messages(self, asked: Asked, channel: str = "general") -> list[Message]:
        """Return the messages outside threads that are about a request."""
        there = self.slack.channel(channel).messages
        return [one for one in there if not one.get("thread_ts") and f"`{asked.id}`" in text_of(one)]

    def thread(self, message: Message, channel: str = "general") -> list[str]:
        """Return what stands in a message's thread."""
        there = self.slack.channel(channel).messages
        return [one["text"] for one in there if one.get("thread_ts") == message["ts"]]

    def everything(self) -> str:
        """Return everything that Slack holds: messages, what they said before, views, Homes."""
        slack: Any = self.slack
        held = [slack.versions, slack.ephemerals, slack.views, slack.homes, slack.files]
        return repr([*held, *(channel.messages for channel in slack.channels)])


def _input(name: str) -> str:
    return "request_form:service_name" if name == "service_name" else name


@asynccontextmanager
async def flowing(
    folder: Path, clock: MovableClock, slack: SlackStandIn, claude: ClaudeStandIn, hub: GitHubStandIn
) -> AsyncIterator[Flow]:
    """Run an engine that knows all three; Anna is an admin, Boris an operator, Carol a viewer."""
    tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
    roles = {"CCB_SLACK_ADMINS": ANNA, "CCB_SLACK_OPERATORS": "S0OPS"}
    async with running(folder, clock=clock, **tokens, **roles, **settings_of(claude, hub)) as client:
        await slack.connected(2)
        work = Work(client, claude, hub, clock)
        work.hook()
        yield Flow(House(client, slack, clock), work)


@asynccontextmanager
async def everybody() -> AsyncIterator[tuple[SlackStandIn, ClaudeStandIn, GitHubStandIn]]:
    """Give the three services; Slack has the app as `manifest.yml` installs it, and must refuse nothing."""
    async with SlackStandIn() as slack, ClaudeStandIn() as claude, GitHubStandIn() as hub:
        slack.install(yaml.safe_load((Path(__file__).parents[2] / "manifest.yml").read_text()))
        yield slack, claude, hub
        refused = [one for one in slack.refused if one[1] not in ("not_in_channel", "message_not_found")]
        assert refused == []
        assert slack.sockets.faults == []
