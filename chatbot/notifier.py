"""Messages to Slack for the engine: the action `slack_message` and alerts go out here."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from chatbot import access, alert_blocks, blocks, pictures, request_blocks
from chatbot.failures import INTEGRATION_TOKEN, data, failure
from core.alert_message import AlertMessage
from core.clock import Clock
from core.config import Settings
from core.context import SlackAccess, SlackPicture, SlackPlace
from core.errors import NotConfigured, Upstream
from core.request_message import RequestMessage, Steps
from core.texts import T, Text

EVENT_TYPE = "ccb_effect"
"""The type of our messages' metadata (https://docs.slack.dev/messaging/message-metadata)."""
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
_ID = re.compile(r"[CGD][A-Z0-9]{6,}")
_USER = re.compile(r"[UW][A-Z0-9]{5,}")
_CANNOT_LOOK = frozenset({"missing_scope", "not_in_channel", "channel_not_found", "thread_not_found"})
Answer = TypeVar("Answer")


class SlackNotifier:
    """One connection pool to `SLACK_API_URL`; fills `core.context.SlackPort`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def post(
        self,
        *,
        channel: str,
        text: str,
        blocks: list[dict[str, Any]] | None,
        token: str | None,
        key: str,
        repeated: bool,
        thread_ts: str | None = None,
    ) -> str:
        """Post one message and return its `ts`; see `core.context.SlackPort`.

        With `repeated` it first looks for `key` in the metadata of the channel's last 100 messages (of the thread's
        first 1000). Where the bot may not look (no `channels:history`, no such channel) it posts.
        """
        credential, client = self._client(token)
        posting = self._post(client, channel, key, repeated, text=text, blocks=blocks, thread_ts=thread_ts)
        return (await self._asked(posting, credential=credential, channel=channel)).ts

    async def tell(self, *, channel: str, alert: AlertMessage, key: str, repeated: bool) -> SlackPlace:
        """Post a message about alerts; see `core.context.SlackPort`."""
        credential, client = self._client(None)
        content = alert_blocks.rendered(alert, self._settings.language)
        posting = self._post(client, channel, key, repeated, **content, thread_ts=None)
        return await self._asked(posting, credential=credential, channel=channel)

    async def update(self, place: SlackPlace, *, alert: AlertMessage, picture: SlackPicture | None = None) -> None:
        """Edit the message that stands at `place`; see `core.context.SlackPort`."""
        credential, client = self._client(None)
        shown = [] if picture is None else [blocks.file_image(picture.file, picture.alt)]

        async def edit(shown: Sequence[blocks.Block]) -> None:
            content = alert_blocks.rendered(alert, self._settings.language, shown)
            await client.chat_update(channel=place.channel, ts=place.ts, **content)

        async def either() -> None:
            try:
                await edit(shown)
            except SlackApiError as error:
                if not shown or data(error).get("error") not in pictures.NO_PICTURE:
                    raise
                await edit([])  # somebody has deleted the file: the message matters more

        await self._asked(either(), credential=credential, channel=place.channel)

    async def reply(self, place: SlackPlace, *, text: str, key: str, repeated: bool, broadcast: bool = False) -> None:
        """Add a line to the thread of the message at `place`; see `core.context.SlackPort`."""
        credential, client = self._client(None)
        posting = self._post(
            client, place.channel, key, repeated, text=blocks.dated(text), thread_ts=place.ts, reply_broadcast=broadcast
        )
        await self._asked(posting, credential=credential, channel=place.channel)

    async def tell_request(
        self, *, channel: str, request: RequestMessage, key: str, repeated: bool, thread_ts: str | None = None
    ) -> SlackPlace:
        """Post the message that follows a request; see `core.context.SlackPort`."""
        credential, client = self._client(None)
        content = request_blocks.rendered(request)
        posting = self._post(client, channel, key, repeated, **content, thread_ts=thread_ts)
        return await self._asked(posting, credential=credential, channel=channel)

    async def update_request(self, place: SlackPlace, *, request: RequestMessage) -> None:
        """Edit the message that stands at `place`; see `core.context.SlackPort`."""
        credential, client = self._client(None)
        editing = client.chat_update(channel=place.channel, ts=place.ts, **request_blocks.rendered(request))
        await self._asked(editing, credential=credential, channel=place.channel)

    async def tell_steps(self, place: SlackPlace, *, steps: Steps, key: str, repeated: bool) -> None:
        """Add steps of a request's way to a thread; see `core.context.SlackPort`."""
        credential, client = self._client(None)
        content = request_blocks.steps_rendered(steps)
        posting = self._post(client, place.channel, key, repeated, **content, thread_ts=place.ts)
        await self._asked(posting, credential=credential, channel=place.channel)

    async def illustrate(self, place: SlackPlace, *, png: bytes, alt: str, alert: AlertMessage) -> SlackPicture | None:
        """Upload a picture and show it in the message at `place`; see `core.context.SlackPort`."""
        credential, client = self._client(None)
        language = self._settings.language

        def around(shown: Sequence[blocks.Block]) -> Sequence[blocks.Block]:
            made: list[blocks.Block] = alert_blocks.rendered(alert, language, shown)["blocks"]
            return made

        placing = pictures.place(
            client, png, alt=alt, channel=place.channel, ts=place.ts, thread=None,
            text=alert_blocks.rendered(alert, language)["text"], around=around,
        )  # fmt: skip
        file = await self._asked(placing, credential=credential, channel=place.channel)
        return None if file is None else SlackPicture(file, alt)

    async def access(self, channels: Sequence[str], *, token: str | None) -> SlackAccess:
        """Return what the token grants; see `core.context.SlackPort`."""
        credential, client = self._client(token)
        return await self._asked(access.ask(client, channels), credential=credential)

    async def who(self) -> Text:
        """Return who the bot is and where, `@ccb in Acme`; raise `Upstream` or `NotConfigured`."""
        credential, client = self._client(None)
        answer = await self._asked(client.auth_test(), credential=credential)
        return T("@{user} in {team}", user=answer["user"], team=answer["team"])

    async def open_socket(self, app_token: str) -> str:
        """Return a Socket Mode address, good for one connection; raise `Upstream`."""
        client = self._web(app_token)
        opening = client.apps_connections_open(app_token=app_token)
        return str((await self._asked(opening, credential="SLACK_APP_TOKEN"))["url"])

    async def _post(self, client: AsyncWebClient, channel: str, key: str, repeated: bool, **message: Any) -> SlackPlace:
        if repeated:
            found = await _find(client, channel, key, message["thread_ts"])
            if found is not None:
                return found
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        answer = await client.chat_postMessage(channel=channel, metadata=metadata, **message)
        return SlackPlace(str(answer["channel"]), str(answer["ts"]))

    def _client(self, token: str | None) -> tuple[str, AsyncWebClient]:
        """Return the setting that the token comes from, and a client with it."""
        if token:
            return INTEGRATION_TOKEN, self._web(token)
        own = self._settings.slack_bot_token
        if own is None:
            raise NotConfigured(
                T("Slack is not connected: {setting} is not set. → ccb init slack", setting="SLACK_BOT_TOKEN"),
                service="slack",
                settings=("SLACK_BOT_TOKEN",),
            )
        return "SLACK_BOT_TOKEN", self._web(own.get_secret_value())

    def _web(self, token: str) -> AsyncWebClient:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False)
        client = AsyncWebClient(
            token=token,
            base_url=self._settings.slack_api_url.rstrip("/") + "/",
            session=self._session,
            # Only where no connection was made: after a broken one the message may be there, and the event's own
            # retry looks for it. Nor is a rate limit slept on here: that retry waits durably.
            retry_handlers=[AsyncConnectionErrorRetryHandler(error_types=[aiohttp.ClientConnectorError])],
        )
        # The client would take a proxy from the environment; SLACK_API_URL is how a proxy is set.
        client.proxy = None
        return client

    async def _asked(self, asking: Awaitable[Answer], *, credential: str, channel: str = "") -> Answer:
        url = self._settings.slack_api_url
        try:
            return await asking
        except SlackApiError as error:
            raise failure(error, credential=credential, channel=channel, now=self._clock.now()) from None
        except TimeoutError:
            raise Upstream(T("Slack did not answer in time. Try again later.")) from None
        except aiohttp.ClientError as error:
            raise Upstream(T("Slack cannot be reached at {url}: {reason}.", url=url, reason=str(error))) from None
        except (AttributeError, ValueError):
            # slack_sdk reads any 200 as a JSON object, also plain text.
            raise Upstream(
                T("What answers at {url} is not Slack's API. Check {setting}.", url=url, setting="SLACK_API_URL")
            ) from None


async def _find(client: AsyncWebClient, channel: str, key: str, thread_ts: str | None) -> SlackPlace | None:
    """Return the place of the message with `key`, or None where there is none or we may not look."""
    try:
        channel_id = await _channel_id(client, channel)
        if channel_id is None:
            return None
        if thread_ts is None:
            answer = await client.conversations_history(channel=channel_id, limit=100, include_all_metadata=True)
        else:
            answer = await client.conversations_replies(
                channel=channel_id, ts=thread_ts, limit=1000, include_all_metadata=True
            )
    except SlackApiError as error:
        if data(error).get("error") in _CANNOT_LOOK:
            return None
        raise
    found = next((str(message["ts"]) for message in answer["messages"] if _key(message) == key), None)
    return None if found is None else SlackPlace(channel_id, found)


def _key(message: dict[str, Any]) -> str | None:
    metadata = message.get("metadata") or {}
    key: str | None = metadata.get("event_payload", {}).get("key") if metadata.get("event_type") == EVENT_TYPE else None
    return key


async def _channel_id(client: AsyncWebClient, channel: str) -> str | None:
    """Return the id of a channel that the bot is in, or of its talk with a user: a history is read by id alone."""
    if _ID.fullmatch(channel):
        return channel
    if _USER.fullmatch(channel):
        return str((await client.conversations_open(users=channel))["channel"]["id"])
    name = channel.removeprefix("#")
    async for one in access.own_channels(client, ("public_channel", "private_channel")):
        if one["name"] == name:
            return str(one["id"])
    return None
