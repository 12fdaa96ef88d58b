"""What may be read once and by its asker alone, such as a new key: never a message that stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from chatbot import blocks
from chatbot.asked import Asked, Reply
from chatbot.failures import data

log = structlog.get_logger()

_NOT_IN_THERE = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived"})


async def tell(asked: Asked, reply: Reply) -> bool:
    """Show a message to the asker alone; return whether Slack took it. It is gone when Slack is opened anew.

    Unlike other answers it never becomes a direct message, whose history would keep it.
    """
    message = {"text": blocks.text_of(asked.say(reply.text)), "blocks": list(reply.blocks)}
    if asked.response_url:
        hook = AsyncWebhookClient(asked.response_url, session=asked.slack.session)
        hook.proxy = None
        answer = await hook.send_dict({**message, "response_type": "ephemeral", "replace_original": False})
        if answer.status_code < 400:
            return True
        log.warning("slack response_url refused", status=answer.status_code)
    return await _ephemeral(asked, message)


async def _ephemeral(asked: Asked, message: dict[str, Any]) -> bool:
    try:
        if asked.channel:
            await asked.slack.chat_postEphemeral(channel=asked.channel, user=asked.user, **message)
            return True
    except SlackApiError as error:
        if data(error).get("error") not in _NOT_IN_THERE:
            raise
    opened = await asked.slack.conversations_open(users=asked.user)
    direct = replace(asked, channel=str(opened["channel"]["id"]))
    try:
        await direct.slack.chat_postEphemeral(channel=direct.channel or "", user=direct.user, **message)
    except SlackApiError as error:
        log.warning("slack refuses what is shown once", code=data(error).get("error"))
        return False
    return True
