"""The door to Slack, found by core through the entry point group `ccb.doors`."""

from __future__ import annotations

from chatbot.notifier import SlackNotifier
from core.clock import SystemClock
from core.config import Settings
from core.errors import NotConfigured
from core.services import Service, register
from core.texts import T, Text


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
    """What core asks of Slack: the service to configure, and a port to post through."""

    service = Service(name="slack", title="Slack", required=("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"), check=check)

    def port(self, settings: Settings) -> SlackNotifier:
        """Return the engine's way to Slack; its `close` is to be awaited at the end."""
        return SlackNotifier(settings, SystemClock())


register(SlackDoor.service)
