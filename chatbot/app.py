"""The app: one listener for each kind of thing that Slack sends. Each acknowledges first and works afterwards."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from chatbot import answers, dispatch, incoming, late_answers, people, view
from chatbot.asked import Asked
from chatbot.turns import Turns
from chatbot.words import split
from core.context import Context
from core.errors import CcbError
from core.texts import Text
from storage import idempotency
from storage.idempotency import Kept

log = structlog.get_logger()

COMMAND = "/ccb"
CHECK_SECONDS = 2.0
"""How long a modal's fields may be looked at before it closes: Slack waits for three seconds."""
AT_ONCE = 32
"""How many are worked on at the same time. More would only share the processor, and late acknowledgements cost most."""
SEEN_SECONDS = 900.0
"""How long an event's id is remembered: Slack sends one again when its acknowledgement was lost."""
_ANY = re.compile(r".*", re.DOTALL)
Body = dict[str, Any]


def _quiet() -> logging.Logger:
    """Return a logger for bolt's errors alone: it warns of SLACK_BOT_TOKEN, which it finds in the environment too."""
    logger = logging.getLogger("ccb.slack_bolt")
    logger.setLevel(logging.ERROR)
    return logger


class SlackApp:
    """The listeners, and the work that they have begun."""

    def __init__(self, ctx: Context, client: AsyncWebClient) -> None:
        self.ctx = ctx
        self.client = client
        self.bot_user = ""
        """Our own id there, once it is known."""

        # Bolt looks at the names of a function's arguments, and takes no method here.
        async def authorized(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
            return AuthorizeResult(
                enterprise_id=enterprise_id, team_id=team_id, bot_user_id=self.bot_user, bot_token=client.token
            )

        self.bolt = AsyncApp(client=AsyncWebClient(token=None), authorize=authorized, logger=_quiet())
        self._working: set[asyncio.Task[Any]] = set()
        self._left: list[late_answers.LateAnswer] = []
        self._turns = Turns(AT_ONCE)
        self._listen()

    async def finish(self, *, grace: float) -> None:
        """Let what was begun end; what takes longer than `grace` seconds is cancelled, and its answers are kept."""
        if self._working:
            await asyncio.wait(self._working, timeout=grace)
        left = list(self._working)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        try:
            await late_answers.keep(self.ctx, self._left)
        except Exception:  # the border: the stop goes on
            log.exception("answers not kept", count=len(self._left))

    def resume(self) -> None:
        """Send the answers that an earlier process could not."""
        task = asyncio.create_task(self._resume(), name="slack-resume")
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _resume(self) -> None:
        late: list[late_answers.LateAnswer] = []
        try:
            late = await late_answers.take(self.ctx)
            while late:
                try:
                    await answers.deliver_late(self.client, late[0])
                except answers.EXPECTED as error:
                    log.warning("late answer refused", user=late[0].user, reason=str(error))
                del late[0]
        except asyncio.CancelledError:
            self._left += late
            raise
        except Exception:  # the border: commands work without it
            log.exception("late answers not sent")

    def _listen(self) -> None:
        bolt = self.bolt
        bolt.command(COMMAND)(self._command)
        bolt.action(_ANY)(self._action)
        bolt.view(_ANY)(self._submission)
        bolt.shortcut(_ANY)(self._shortcut)
        bolt.event("app_mention")(self._mention)
        bolt.event("message")(self._message)
        bolt.event("app_home_opened")(self._home)

    async def _command(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        words = split(str(body.get("text", "")))
        self._begin(incoming.of_command(body), lambda asked: dispatch.line(self.ctx, asked, words))

    async def _action(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        action_id = str(body["actions"][0]["action_id"])
        self._begin(incoming.of_press(body), lambda asked: dispatch.press(self.ctx, asked, action_id))

    async def _shortcut(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        name = str(body["callback_id"])
        self._begin(incoming.of_press(body), lambda asked: dispatch.use(self.ctx, asked, name))

    async def _submission(self, ack: AsyncAck, body: Body) -> None:
        # The one place that cannot acknowledge first: what is wrong with a field is said in the acknowledgement.
        name = str(body["view"]["callback_id"])
        asked: Asked | None = None
        problems: dict[str, Text] = {}
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                asked = await self._asked(incoming.of_submission(body))
                problems = await self._checked(asked, name, body)
        except TimeoutError:
            log.warning("slack modal not checked in time", view=name)
        if problems and asked is not None:
            await ack(response_action="errors", errors={block: asked.say(p) for block, p in problems.items()})
            return
        await ack()
        self._begin(incoming.of_submission(body), lambda asked: dispatch.submit(self.ctx, asked, name))

    async def _checked(self, asked: Asked, name: str, body: Body) -> dict[str, Text]:
        shown = view.VIEWS.get(name)
        if shown.check is None:
            return {}
        fields = [str(block["block_id"]) for block in body["view"]["blocks"] if block["type"] == "input"]
        try:
            people.require(asked.actor, shown.permission)
            return dict(await shown.check(self.ctx, asked))
        except CcbError as error:
            path = str(error.details.get("path", "")).rpartition(".")[2]
            where = path if path in fields else next(iter(fields), "")
            return {where: error.message} if where else {}
        except TimeoutError:
            raise
        except Exception:  # the border: submitting says what is wrong
            log.exception("slack modal not checked", view=name)
            return {}

    async def _mention(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        self._said(body, direct=False)

    async def _message(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        event = body["event"]
        if event.get("channel_type") == "im" and not event.get("subtype") and not event.get("bot_id"):
            self._said(body, direct=True)

    def _said(self, body: Body, *, direct: bool) -> None:
        event = body["event"]
        if not event.get("user"):
            return
        words = split(str(event.get("text", "")))
        if words and words[0] == f"@{self.bot_user}":
            words = words[1:]

        async def answer(asked: Asked) -> None:
            if await self._is_new(str(body["event_id"])):
                await dispatch.line(self.ctx, asked, words)

        self._begin(incoming.of_message(event, direct=direct), answer)

    async def _is_new(self, event_id: str) -> bool:
        """Say whether nobody has worked on this event yet, neither this process nor another."""
        now = self.ctx.clock.now()
        seen = Kept(
            scope="slack", key=event_id, fingerprint="", status=200, created_at=now, expires_at=now + SEEN_SECONDS
        )
        return await self.ctx.db.write(idempotency.claim, seen) is None

    async def _home(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        if body["event"].get("tab") == "home":
            came = incoming.of_message(body["event"], direct=True)
            self._begin(came, lambda asked: dispatch.home(self.ctx, asked))

    async def _asked(self, came: incoming.Incoming) -> Asked:
        actor, language = await people.actor(self.ctx, self.client, came.user, came.name)
        return Asked(actor=actor, language=language, slack=self.client, left=self._left, **came.rest)

    def _begin(self, came: incoming.Incoming, run: Callable[[Asked], Awaitable[None]]) -> None:
        """Work on it apart from the listener, which ends here: it has acknowledged."""
        task = asyncio.create_task(self._run(came, run), name="slack-work")
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _run(self, came: incoming.Incoming, run: Callable[[Asked], Awaitable[None]]) -> None:
        try:
            async with self._turns.taken():
                await run(await self._asked(came))
        except Exception:  # the border: not even who asks could be found, as when the database is away
            log.exception("slack request not worked on", user=came.user)
