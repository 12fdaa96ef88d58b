"""All of an integration's dead events: tried again, or set aside; each asks first, and says how many they are."""

from __future__ import annotations

from collections.abc import Sequence

from core import integrations
from core.context import Context
from core.events import replay
from core.events.replay import Wish
from core.http.dashboard import rerun
from core.http.dashboard.door import Shown, action, page
from core.http.dashboard.replays import STAYS
from core.http.dashboard.rerun import Question
from core.http.routes import Request
from core.integrations import Installed
from core.texts import TN, T, Text

_NONE = T("None of its events is dead now.")
_LOST: Sequence[Text] = (
    T("What they had still to do is then not done, and they are dead no longer. What they have done stays done."),
    T("Until they are deleted with age, each can be run again from its own page."),
)


@page("/dashboard/integrations/{id}/retry", permission="events.replay", section="integrations")
async def ask_retry(ctx: Context, request: Request) -> Shown:
    """Ask whether all are to be tried again."""
    return await _ask(ctx, request, "retry")


@action("/dashboard/integrations/{id}/retry", permission="events.replay", section="integrations")
async def retry(ctx: Context, request: Request) -> str | Shown:
    """Try them again, as a job."""
    return await _do(ctx, request, "retry")


@page("/dashboard/integrations/{id}/discard", permission="events.replay", section="integrations")
async def ask_discard(ctx: Context, request: Request) -> Shown:
    """Ask whether all are to be set aside."""
    return await _ask(ctx, request, "discard")


@action("/dashboard/integrations/{id}/discard", permission="events.replay", section="integrations")
async def discard(ctx: Context, request: Request) -> str | Shown:
    """Set them aside, as a job."""
    return await _do(ctx, request, "discard")


async def _ask(ctx: Context, request: Request, kind: str) -> Shown:
    installed, until = await integrations.find(ctx, request.path["id"]), ctx.clock.now() + replay.MOMENT
    count = await rerun.counted(ctx, installed, _dead(until))
    return rerun.asked(_question(installed, kind, count), count, until)


async def _do(ctx: Context, request: Request, kind: str) -> str | Shown:
    now = ctx.clock.now()
    installed, until = await integrations.find(ctx, request.path["id"]), rerun.until(request, now)
    wish = _dead(until)
    if not rerun.named(request, count := await rerun.counted(ctx, installed, wish)):
        return rerun.asked(_question(installed, kind, count), count, until, changed=True)
    start = replay.retry if kind == "retry" else replay.discard
    return f"/dashboard/jobs/{(await start(ctx, installed, wish, actor=request.actor)).id}"


def _dead(until: float) -> Wish:
    return Wish(statuses=("dead",), received_to=until)


def _question(installed: Installed, kind: str, count: int) -> Question:
    back = f"/dashboard/integrations/{installed.id}"
    are = TN("{count} event of {name} is dead.", "{count} events of {name} are dead.", count, name=installed.name)
    if kind == "retry":
        button = TN("Try {count} event again", "Try {count} events again", count)
        return Question(T("Try all dead events again?"), [are, STAYS], button, _NONE, f"{back}/retry", back)
    button = TN("Discard {count} event", "Discard {count} events", count)
    return Question(T("Discard all dead events?"), [are, *_LOST], button, _NONE, f"{back}/discard", back)
