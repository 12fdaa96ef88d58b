"""The door to Slack, found by core through the entry point group `ccb.doors`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

import aiohttp
import structlog

from chatbot.app import SlackApp
from chatbot.client import interactive
from chatbot.command import COMMANDS
from chatbot.job_messages import JobMessages
from chatbot.notifier import TIMEOUT, SlackNotifier
from chatbot.shortcut import SHORTCUTS
from chatbot.sockets import Sockets
from core.clock import SystemClock
from core.config import Settings
from core.context import Context
from core.errors import NotConfigured
from core.services import Entry, Service, register
from core.texts import T, Text

log = structlog.get_logger()

GRACE_SECONDS = 4.0
"""How long what was begun may take to end at a stop."""
LINK_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10)
"""Of Socket Mode's connections, which last for hours."""


async def check(settings: Settings) -> Text:
    """Return `@ccb in Acme` when both tokens are good; raise `Upstream` or `NotConfigured`."""
    if settings.slack_app_token is None:
        raise NotConfigured(
            T("Slack is not connected: {setting} is not set. → ccb init slack", setting="SLACK_APP_TOKEN"),
            service="slack",
            settings=("SLACK_APP_TOKEN",),
        )
    slack = SlackNotifier(settings, SystemClock())
    try:
        who = await slack.who()
        await slack.open_socket(settings.slack_app_token.get_secret_value())
    finally:
        await slack.close()
    return who


class SlackDoor:
    """What core asks of Slack: the service to configure, and a port to post through, and ears."""

    service = Service(name="slack", title="Slack", required=("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"), check=check)

    def port(self, settings: Settings) -> SlackNotifier:
        """Return the engine's way to Slack; its `close` is to be awaited at the end."""
        return SlackNotifier(settings, SystemClock())

    async def serve(self, ctx: Context, stack: AsyncExitStack) -> None:
        """Take what people type and press, over Socket Mode; without tokens nothing happens but a line in the log."""
        if not self.service.configured(ctx.settings):
            log.info("slack not configured", settings=list(self.service.required))
            return
        session = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False)
        stack.push_async_callback(session.close)
        app = SlackApp(ctx, interactive(ctx.settings, session))
        stack.push_async_callback(app.finish, grace=GRACE_SECONDS)
        app.resume()
        messages = JobMessages(ctx, app.client)
        stack.push_async_callback(messages.end)
        messages.begin()
        link = aiohttp.ClientSession(timeout=LINK_TIMEOUT, trust_env=False)
        stack.push_async_callback(link.close)
        sockets = Sockets(ctx, app, link)
        stack.push_async_callback(sockets.end)
        ctx.checks[self.service.name] = sockets.check
        sockets.begin()

    def commands(self) -> Sequence[Entry]:
        """Return the words that `/ccb` knows."""
        return [Entry(one.name, one.summary, one.usage) for one in COMMANDS]

    def shortcuts(self) -> Sequence[Entry]:
        """Return the entries of a message's menu, each under its callback id."""
        return [Entry(one.name, one.title) for one in SHORTCUTS]


register(SlackDoor.service)
