"""The messages of jobs, edited until the jobs have ended: by one node at a time, whichever of them began a job.

Who holds the duty finds each message's place beside its job. When that node dies its term ends, and another goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot import answers, following, people
from chatbot.asked import Asked
from chatbot.failures import data
from core import jobs
from core.context import Context
from core.duties import Duty
from storage.jobs import Job

log = structlog.get_logger()

DUTY = "slack-jobs"
RENEW_SECONDS = 3.0
TERM_SECONDS = 10.0
LOOK_SECONDS, IDLE_SECONDS = 0.5, 2.0
EDIT_SECONDS = 2.0
"""Between two edits: Slack takes about one a second in a channel, and others want to be said too."""
LONGEST_SECONDS = 3600.0
"""How long a message is edited by itself; after that its button does."""
_LOOKED_AT = 100
_GONE = frozenset({"message_not_found", "channel_not_found", "is_archived", "cant_update_message"})


class JobMessages:
    """Campaigns for the duty, and does it while it holds it."""

    def __init__(self, ctx: Context, client: AsyncWebClient) -> None:
        self._ctx, self._client = ctx, client
        self._duty = Duty(ctx, DUTY, term=TERM_SECONDS)
        self._holds = False
        self._shown: dict[str, tuple[int, float]] = {}
        """Of each job the revision that its message tells, and when that was edited."""
        self._editing: dict[str, asyncio.Task[None]] = {}
        self._loops: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Campaign, and look."""
        self._loops = [
            asyncio.create_task(self._campaign(), name="slack-jobs-campaign"),
            asyncio.create_task(self._look(), name="slack-jobs"),
        ]

    async def end(self) -> None:
        """Stop, and let another take over at once."""
        left = [*self._loops, *self._editing.values()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._holds:
            await self._duty.resign()

    async def _campaign(self) -> None:
        while True:
            self._holds = await self._duty.campaign() is not None
            await asyncio.sleep(RENEW_SECONDS)

    async def _look(self) -> None:
        while True:
            busy = False
            try:
                if self._holds:
                    busy = await self._round()
                else:
                    self._shown.clear()
            except Exception:  # the loop must outlive a database that is away for a moment
                log.exception("messages of jobs not looked at")
            await asyncio.sleep(LOOK_SECONDS if busy or not self._holds else IDLE_SECONDS)

    async def _round(self) -> bool:
        """Edit what is to be edited; return whether a message is followed at all."""
        since = self._ctx.clock.now() - LONGEST_SECONDS
        followed = [
            (job, told)
            for job in await jobs.page(self._ctx, limit=_LOOKED_AT)
            if job.created_at >= since and (told := jobs.told(job)) and told["door"] == "slack" and "ended" not in told
        ]
        for job, told in followed:
            if job.id not in self._editing and self._is_due(job):
                self._editing[job.id] = asyncio.create_task(self._edit(job, told), name=f"slack-job-{job.id}")
        self._shown = {job.id: self._shown[job.id] for job, _ in followed if job.id in self._shown}
        return bool(followed)

    def _is_due(self, job: Job) -> bool:
        revision, edited = self._shown.get(job.id, (-1, -EDIT_SECONDS))
        late, moved = time.monotonic() - edited >= EDIT_SECONDS, job.revision != revision
        return (late or moved) if job.finished_at is not None else (late and moved)

    async def _edit(self, job: Job, told: Mapping[str, str]) -> None:
        """Edit one message; the last time when its job has ended, or when it was deleted."""
        try:
            if await self._edited(job, told):
                await jobs.tell_no_more(self._ctx, job.id)
        except Exception:  # the border of this task: the next look tries again
            log.exception("job's message not edited", job_id=job.id)
        finally:
            self._shown[job.id] = (job.revision, time.monotonic())
            del self._editing[job.id]

    async def _edited(self, job: Job, told: Mapping[str, str]) -> bool:
        """Edit it, and return whether that was the last time."""
        try:
            actor, language = await people.actor(self._ctx, self._client, told["user"])
            # As a press on the message would: what stands there is replaced.
            here = Asked(
                actor=actor, language=language, slack=self._client, channel=told["channel"], message={"ts": told["ts"]}
            )
            await answers.deliver(here, await following.message(self._ctx, here, job, to="pressed"))
        except SlackApiError as error:
            log.warning("job's message not edited", job_id=job.id, reason=str(error))
            return data(error).get("error") in _GONE
        except answers.EXPECTED as error:
            log.warning("job's message not edited", job_id=job.id, reason=str(error))
            return False
        return job.finished_at is not None
