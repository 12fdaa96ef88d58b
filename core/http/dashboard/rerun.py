"""The questions before many events are run again or set aside: how many, and no more than were named are taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.context import Context
from core.errors import Conflict
from core.events import replay
from core.events.replay import Wish
from core.http.dashboard.confirm import confirm
from core.http.dashboard.door import Shown
from core.http.routes import Request
from core.integrations import Installed
from core.texts import T, Text


@dataclass(frozen=True)
class Question:
    """What is asked of `count` events. `nothing`: what is said where there is none."""

    title: Text
    lines: Sequence[Text]
    button: Text
    nothing: Text
    deed: str
    back: str


def asked(question: Question, count: int, until: float, *, changed: bool = False) -> Shown:
    """Ask. `changed`: it was another number when it was asked before."""
    note = T("Meanwhile it is another number of events: {count}. Nothing was begun.", count=count) if changed else None
    return confirm(
        question.title,
        question.lines if count else [question.nothing],
        deed=question.deed,
        button=question.button if count else None,
        back=question.back,
        hidden={"until": repr(until), "named": str(count)} if count else None,
        changed=note,
    )


async def counted(ctx: Context, installed: Installed, wish: Wish) -> int:
    """Return how many events it is now."""
    return (await replay.preview(ctx, installed, wish)).would_run


def until(request: Request, now: float) -> float:
    """Return the time that was asked about: what has failed since is not meant."""
    try:
        meant = float(request.body.get("until", ""))
    except ValueError:
        meant = -1.0
    if not 0 <= meant <= now + replay.MOMENT:
        raise Conflict(T("The form cannot be read. Send it again from the page."))
    return meant


def named(request: Request, count: int) -> bool:
    """Say whether the form is for so many events, and for any."""
    return bool(count) and request.body.get("named") == str(count)
