"""Pictures in Slack: uploaded there, for it has no way to our charts. Needs the scope `files:write` alone.

https://docs.slack.dev/messaging/working-with-files. A picture that is shared in a thread is seen at once. One
that is to stand in a message's block (`blocks.file_image`) is uploaded for nobody, and refused until Slack has taken it
in, which lasts for a second or two (https://github.com/slackapi/python-slack-sdk/issues/1521).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot import blocks
from chatbot.failures import data

NAME = "chart.png"
TRIES = 6
"""How often a message with a new picture is tried, a second apart."""
NO_PICTURE = frozenset({"invalid_blocks", "invalid_arguments"})
"""How chat.update and views.update refuse a picture that Slack has not taken in, or no longer has."""
_MOST_ALT = 1_000
"""Characters of a file's own alt text (https://docs.slack.dev/reference/methods/files.getUploadURLExternal)."""


async def share(client: AsyncWebClient, png: bytes, *, alt: str, channel: str, thread: str) -> None:
    """Upload a picture into a thread; `alt` says what it shows, beside it too."""
    await client.files_upload_v2(
        file=png, filename=NAME, title=NAME, alt_txt=blocks.cut(alt, _MOST_ALT), channel=channel, thread_ts=thread,
        initial_comment=blocks.cut(blocks.plain(alt), _MOST_ALT),
    )  # fmt: skip


async def place(
    client: AsyncWebClient, png: bytes, *, alt: str, channel: str, ts: str, thread: str | None, text: str,
    around: Callable[[Sequence[blocks.Block]], Sequence[blocks.Block]],
) -> str | None:  # fmt: skip
    """Edit the message at `ts` so that it shows the picture, and return the file's id.

    Where Slack takes none, the picture goes into the thread, and None is returned. `around`: makes the message's blocks
    around those that it is given.
    """
    picture = await _uploaded(client, png, alt)

    async def edit() -> None:
        await client.chat_update(channel=channel, ts=ts, text=text, blocks=around([picture]))

    if await _once_taken_in(edit):
        return str(picture["slack_file"]["id"])
    await client.chat_update(channel=channel, ts=ts, text=text, blocks=around([]))
    await share(client, png, alt=alt, channel=channel, thread=thread or ts)
    return None


async def place_in_view(
    client: AsyncWebClient, png: bytes, *, alt: str, view_id: str, around: Callable[[blocks.Block], dict[str, Any]]
) -> None:
    """Update a modal so that it shows the picture; where Slack takes none, or it was closed, all stays as it is.

    `around`: makes the modal with the picture's block in it.
    """
    picture = await _uploaded(client, png, alt)

    async def edit() -> None:
        try:
            await client.views_update(view_id=view_id, view=around(picture))
        except SlackApiError as error:
            if data(error).get("error") != "not_found":
                raise

    await _once_taken_in(edit)


async def _uploaded(client: AsyncWebClient, png: bytes, alt: str) -> blocks.Block:
    """Upload a picture for nobody yet; return the block that shows it."""
    answer = await client.files_upload_v2(file=png, filename=NAME, title=NAME, alt_txt=blocks.cut(alt, _MOST_ALT))
    return blocks.file_image(str(answer["files"][0]["id"]), alt)


async def _once_taken_in(edit: Callable[[], Awaitable[None]]) -> bool:
    """Show a new picture as soon as Slack has taken it in; say whether it did."""
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(1)  # Slack says nowhere when it has taken a file in: only trying again tells
        try:
            await edit()
        except SlackApiError as error:
            if data(error).get("error") not in NO_PICTURE:
                raise
        else:
            return True
    return False
