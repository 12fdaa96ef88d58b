"""The action `slack_message`: one message to a channel."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from core.context import Context
from core.effects import ACTIONS, Action, ActionParams, Call, Outcome
from core.errors import NotConfigured
from core.grants import Grants, require
from core.texts import T


class SlackMessageParams(ActionParams):
    """Where, and what. Slack's limits (https://docs.slack.dev/reference/methods/chat.postMessage)."""

    channel: str = Field(min_length=1, max_length=100, description="A channel's id or its name, such as #deploys.")
    text: str = Field(
        pattern=r"\S", max_length=40_000, description="The message; with blocks, what notifications and readers say."
    )
    blocks: list[dict[str, Any]] | None = Field(None, max_length=50, description="Block Kit blocks.")
    thread_ts: str | None = Field(
        None, pattern=r"^\d{1,12}\.\d{1,6}$", description="The ts of the message to answer in its thread."
    )


class SlackMessage(Action[SlackMessageParams]):
    """Posts with the integration's own `slack_token` where it has one, else with the bot's."""

    name = "slack_message"
    summary = T("Post a message to a Slack channel.")
    repeats = T(
        "Looks for itself in the channel's last 100 messages (in a thread: the first 1000) before it posts again. "
        "Where the bot may not read the channel's history, it may be posted a second time."
    )
    params = SlackMessageParams

    def permit(self, params: SlackMessageParams, grants: Grants) -> None:
        """The channel must be granted as it is written."""
        require(params.channel, grants.channels, noun="channels")

    def target(self, params: SlackMessageParams) -> str:
        """Return the channel."""
        return params.channel

    async def run(self, ctx: Context, call: Call[SlackMessageParams]) -> Outcome:
        """Post it."""
        if ctx.slack is None:
            raise NotConfigured(
                T("Slack is not connected: {setting} is not set. → ccb init slack", setting="SLACK_BOT_TOKEN"),
                service="slack",
                settings=("SLACK_BOT_TOKEN",),
            )
        params = call.params
        ts = await ctx.slack.post(
            channel=params.channel,
            text=params.text,
            blocks=params.blocks,
            token=call.tokens.get("slack_token"),
            key=call.key,
            repeated=call.repeated,
            thread_ts=params.thread_ts,
        )
        return Outcome(detail=params.channel, answer={"channel": params.channel, "ts": ts})


ACTIONS.add("slack_message", SlackMessage())
