"""The channel `slack`: messages of the bot to a Slack channel."""

from __future__ import annotations

import re

from core.channels import CHANNELS, Channel, Message, Target
from core.config import Settings
from core.context import Context
from core.errors import Invalid, NotConfigured
from core.texts import T, Text

_ID = re.compile(r"[CGDUW][A-Z0-9]{6,20}")
_NAME = re.compile(r"[\w-]{1,80}")
"""Slack's own rule, but for letters that are not Latin (https://docs.slack.dev/reference/methods/conversations.create)."""


class Slack(Channel):
    """Posts with `SLACK_BOT_TOKEN`; the bot must be in the channel."""

    name = "slack"
    summary = T("A message to a Slack channel.")
    form = "slack://dev-alerts"
    setting = "CCB_ALERT_SLACK_CHANNEL"

    def places(self, where: str) -> tuple[str, ...]:
        """Take one channel's name, with or without #, or its id."""
        name = where.removeprefix("#")
        if not _ID.fullmatch(name) and (not _NAME.fullmatch(name) or name != name.lower()):
            raise Invalid(
                T(
                    "{where} is no Slack channel. Write its name in lower-case letters, or its id: {form}.",
                    where=repr(where[:80]),
                    form=self.form,
                )
            )
        return (name,)

    def default(self, settings: Settings) -> str | None:
        """Return `CCB_ALERT_SLACK_CHANNEL`."""
        return settings.alert_slack_channel

    async def send(self, ctx: Context, target: Target, message: Message) -> Text:
        """Post it."""
        (name,) = self.resolved(ctx.settings, target)
        if ctx.slack is None:
            raise NotConfigured(
                T("Slack is not connected: {setting} is not set. → ccb init slack", setting="SLACK_BOT_TOKEN"),
                service="slack",
                settings=("SLACK_BOT_TOKEN",),
            )
        channel = name if _ID.fullmatch(name) else f"#{name}"
        text = f"*{_escaped(message.subject)}*\n{_escaped(message.text)}"
        await ctx.slack.post(channel=channel, text=text, blocks=None, token=None, key=message.key, repeated=False)
        return T("Posted to {channel}.", channel=channel)


def _escaped(text: str) -> str:
    """Take away from a text what would call people or make links (https://docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


CHANNELS.add("slack", Slack())
