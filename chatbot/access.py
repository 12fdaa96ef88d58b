"""What a Slack token really grants, asked of Slack."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from core.context import SlackAccess

_TYPES = {"public_channel": "channels:read", "private_channel": "groups:read"}
"""The kinds of channel, and the scope that each is listed with (https://docs.slack.dev/reference/methods/users.conversations)."""
_DIRECT = re.compile(r"[UWD][A-Z0-9]{6,}")
"""Ids of people and of direct messages: there is no channel to be in."""
PAGE = 200
_MOST = 10 * PAGE
"""Channels that are looked through; who is in more is not told of the rest."""


async def ask(client: AsyncWebClient, channels: Sequence[str]) -> SlackAccess:
    """Return who the token is, its scopes, and whether it may post to `channels` (ids or names)."""
    answer = await client.auth_test()
    header = answer.headers.get("x-oauth-scopes") or answer.headers.get("X-OAuth-Scopes") or ""
    scopes = frozenset(scope.strip() for scope in header.split(",") if scope.strip())
    types = [kind for kind, scope in _TYPES.items() if scope in scopes]
    unsure = len(types) < len(_TYPES) or "chat:write.public" in scopes  # that scope posts where nobody invited it
    wanted = {name: name.removeprefix("#") for name in channels if not _DIRECT.fullmatch(name)}
    inside: set[str] = set()
    if types and wanted:
        count = 0
        async for channel in own_channels(client, types):
            inside |= {str(channel["id"]), str(channel["name"])}
            count += 1
            if set(wanted.values()) <= inside or count >= _MOST:
                break
        unsure = unsure or count >= _MOST
    return SlackAccess(
        user=str(answer["user"]),
        team=str(answer["team"]),
        scopes=scopes,
        channels={
            name: True if name not in wanted or wanted[name] in inside else None if unsure else False
            for name in channels
        },
    )


async def own_channels(client: AsyncWebClient, types: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
    """Give the channels that the bot is in.

    users.conversations lists the bot's own channels only, so it stays short where conversations.list has thousands.
    """
    cursor = None
    while True:
        answer = await client.users_conversations(
            types=",".join(types), exclude_archived=True, limit=PAGE, cursor=cursor
        )
        for channel in answer["channels"]:
            yield channel
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
