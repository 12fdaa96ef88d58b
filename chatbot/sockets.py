"""The connections to Slack together, and how they are."""

from __future__ import annotations

import asyncio

import aiohttp

from chatbot.app import SlackApp
from chatbot.blocks import utc
from chatbot.socket import CONNECTIONS, Connection, asked
from core.context import Context
from core.errors import Connecting, Upstream
from core.texts import T, Text

NAME_SECONDS = 60.0
"""How often Slack is asked whether the bot's token is still good, at most."""


class Sockets:
    """Several connections, so that one is there while Slack renews another."""

    def __init__(self, ctx: Context, app: SlackApp, session: aiohttp.ClientSession) -> None:
        self._ctx, self._client = ctx, app.client
        self._all = [Connection(ctx, app, session, number) for number in range(1, CONNECTIONS + 1)]

    def begin(self) -> None:
        """Connect, however long it takes."""
        for one in self._all:
            one.begin()

    async def end(self) -> None:
        """Close them."""
        await asyncio.gather(*(one.end() for one in self._all))

    async def check(self) -> Text:
        """Return who we are at Slack, and how many connections are open since when; raise `Upstream` if none is.

        It is `Connecting` as long as nothing has stood in the way of the first.
        """
        open_ = [one.open_since for one in self._all if one.open_since is not None]
        trouble = max(self._all, key=lambda one: one.problem_at)
        if not open_:
            if trouble.problem is not None:
                raise Upstream(T("No connection to Slack is open. {problem}", problem=trouble.problem))
            await self._who()
            raise Connecting(T("Connecting to Slack; no connection is open yet."))
        said = T(
            "{who}: {open} of {all} connections open since {since}",
            who=await self._who(),
            open=len(open_),
            all=len(self._all),
            since=utc(max(open_)),
        )
        if trouble.problem is None:
            return said
        return T(
            "{said}. Last trouble, {at}: {problem}", said=said, at=utc(trouble.problem_at), problem=trouble.problem
        )

    async def _who(self) -> Text:
        kept: Text | None = self._ctx.memo.get("slack-who")
        if kept is None:
            answer = await asked(self._ctx, "SLACK_BOT_TOKEN", self._client.auth_test())
            kept = T("@{user} in {team}", user=answer["user"], team=answer["team"])
            self._ctx.memo.put("slack-who", kept, seconds=NAME_SECONDS)
        return kept
