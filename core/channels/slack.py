"""The channel `slack`: messages of the bot to a Slack channel."""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.alert_message import AlertMessage
from core.channels import CHANNELS, Channel, Message, Picture, Sent, Target
from core.config import Settings
from core.context import Context, SlackPicture, SlackPlace, SlackPort
from core.errors import Invalid, NotConfigured, Upstream
from core.texts import T, Text

_ID = re.compile(r"[CGDUW][A-Z0-9]{6,20}")
_NAME = re.compile(r"[\w-]{1,80}")
"""Slack's own rule, but for letters that are not Latin (https://docs.slack.dev/reference/methods/conversations.create)."""

_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class Slack(Channel):
    """Posts with `SLACK_BOT_TOKEN`; the bot must be in the channel."""

    name = "slack"
    summary = T("A message to a Slack channel.")
    form = "slack://dev-alerts"
    setting = "CCB_ALERT_SLACK_CHANNEL"
    illustrates = True

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
        slack, channel = self._port(ctx), self._channel(ctx, target)
        text = f"*{_escaped(message.subject)}*\n{_escaped(message.text)}"
        await slack.post(channel=channel, text=text, blocks=None, token=None, key=message.key, repeated=False)
        return T("Posted to {channel}.", channel=channel)

    async def deliver(self, ctx: Context, target: Target, message: Message) -> Sent:
        """Post it, or edit the message that stands there and add what has happened to its thread.

        A message that somebody has deleted is posted anew.
        """
        slack, channel, alert = self._port(ctx), self._channel(ctx, target), message.alert
        assert alert is not None, "deliver is for alerts"
        if message.place is not None:
            place = SlackPlace(message.place["channel"], message.place["ts"])
            try:
                await slack.update(place, alert=alert, picture=_picture(message.place))
            except Upstream as error:
                if error.details.get("slack_error") not in _GONE:
                    raise
            else:
                if message.story:
                    await slack.reply(
                        place, text=_escaped(message.story), key=message.key, repeated=message.repeated,
                        broadcast=message.again,
                    )  # fmt: skip
                return Sent(T("Edited in {channel}.", channel=channel), message.place)
        place = await slack.tell(channel=channel, alert=alert, key=message.key, repeated=message.repeated)
        return Sent(T("Posted to {channel}.", channel=channel), {"channel": place.channel, "ts": place.ts})

    async def illustrate(
        self, ctx: Context, place: Mapping[str, str], picture: Picture, alert: AlertMessage
    ) -> Mapping[str, str]:
        """Put it into the message."""
        where = SlackPlace(place["channel"], place["ts"])
        shown = await self._port(ctx).illustrate(where, png=picture.png, alt=picture.alt, alert=alert)
        return place if shown is None else {**place, "file": shown.file, "alt": shown.alt}

    def _port(self, ctx: Context) -> SlackPort:
        if ctx.slack is None:
            raise NotConfigured(
                T("Slack is not connected: {setting} is not set. → ccb init slack", setting="SLACK_BOT_TOKEN"),
                service="slack",
                settings=("SLACK_BOT_TOKEN",),
            )
        return ctx.slack

    def _channel(self, ctx: Context, target: Target) -> str:
        (name,) = self.resolved(ctx.settings, target)
        return name if _ID.fullmatch(name) else f"#{name}"


def _picture(place: Mapping[str, str]) -> SlackPicture | None:
    return SlackPicture(place["file"], place["alt"]) if "file" in place else None


def _escaped(text: str) -> str:
    """Take away from a text what would call people or make links (https://docs.slack.dev/messaging/formatting-message-text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


CHANNELS.add("slack", Slack())
