"""`/ccb queue`: what waits, for how long, whose it is, and what to do with what is dead."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, register
from chatbot.dispatch import run_button
from core import integrations
from core.context import Context
from core.events import queue_status
from core.events.queue_status import Status
from core.integrations import Installed
from core.texts import TN, T, Text
from storage.queue_status import COUNTED, Share

SHOWN = 10


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show the queue of all integrations with those in trouble first, or that of one."""
    if asked.words:
        one = await integrations.find(ctx, asked.words[0])
        found = await queue_status.of_integration(ctx, one)
        troubles = found.standing.troubles
        shares = [(one, Share(one.id, found.depth, troubles["failed"], troubles["dead"]))]
        title = asked.say(T("The queue of {name}", name=blocks.plain(one.name)))
    else:
        found = await queue_status.of_all(ctx)
        by_integration = await queue_status.by_integration(ctx, most=SHOWN)
        shares = [(await integrations.find(ctx, share.integration_id), share) for share in by_integration]
        title = asked.say(T("The queue"))
    lines = [f"*{title}* · {asked.say(_verdict(found))}", *(asked.say(line) for line in _facts(found))]
    rows = [_row(asked, one, share) for one, share in shares]
    shown = [blocks.section("\n".join(lines))]
    for number, (row, (one, share)) in enumerate(zip(rows, shares, strict=True)):
        shown.append(blocks.section(row))
        if buttons := _buttons(asked, one, share, at=number):
            shown.append(blocks.actions(buttons))
    again = ("queue", *asked.words[:1])
    shown.append(blocks.actions([run_button(asked, asked.say(T("Look again")), again, at="again")]))
    return Reply("\n".join([*lines, *rows]), shown)


def _verdict(found: Status) -> Text:
    if found.healthy:
        return T(":large_green_circle: all is well")
    return T(":large_yellow_circle: needs a look")


def _facts(found: Status) -> Sequence[Text]:
    standing = found.standing
    facts: list[Text] = [T("Nothing waits")]
    if found.depth:
        facts = [TN("{shown} event waits", "{shown} events wait", found.depth, shown=_shown(found.depth))]
    if found.oldest_age is not None:
        facts.append(T("The oldest has waited for {age}", age=queue_status.age(found.oldest_age)))
    if standing.processing:
        running = standing.processing
        facts.append(TN("{shown} is being worked on", "{shown} are being worked on", running, shown=_shown(running)))
    if standing.next_attempt is not None:
        facts.append(T("The next one is tried again {when}", when=blocks.date(standing.next_attempt)))
    if dead := standing.troubles["dead"]:
        facts.append(TN("{shown} is dead: mend the cause, then try it again",
                        "{shown} are dead: mend the cause, then try them again", dead, shown=_shown(dead)))  # fmt: skip
    for service, count in sorted(standing.waiting_for.items()):
        facts.append(TN("{shown} waits for {service}, which is not configured: `ccb init {service}`",
                        "{shown} wait for {service}, which is not configured: `ccb init {service}`",
                        count, shown=_shown(count), service=service))  # fmt: skip
    if found.paused:
        facts.append(T("Events of what is paused wait until it is activated"))
    return facts


def _row(asked: Asked, one: Installed, share: Share) -> str:
    parts: list[Text] = [T("nothing waits")]
    if share.waits:
        parts = [TN("{shown} waits", "{shown} wait", share.waits, shown=_shown(share.waits))]
    if share.failed:
        parts.append(TN("{shown} failed, will be tried again", "{shown} failed, will be tried again", share.failed,
                        shown=_shown(share.failed)))  # fmt: skip
    if share.dead:
        parts.append(TN("{shown} dead", "{shown} dead", share.dead, shown=_shown(share.dead)))
    counts = " · ".join(asked.say(part) for part in parts)
    return f"*{blocks.plain(one.name)}* {blocks.code(one.slug)}\n{counts}"


def _buttons(asked: Asked, one: Installed, share: Share, *, at: int) -> list[blocks.Element]:
    made: list[blocks.Element] = []
    for status, count in (("dead", share.dead), ("failed", share.failed)):
        if not count:
            continue
        value = f"{one.id}\n{status}"
        made.append(blocks.button(asked.say(_retry(status, count)), f"queue_retry:{at}{status}", value))
        asks = blocks.confirm(
            asked.say(_discard(status, count)),
            asked.say(
                TN(
                    "{shown} event of {name} is set aside and not tried any more. What of it is done stays done, what "
                    "is not is lost unless somebody replays it.",
                    "{shown} events of {name} are set aside and not tried any more. What of them is done stays done, "
                    "what is not is lost unless somebody replays them.",
                    count,
                    shown=_shown(count),
                    name=one.name,
                )
            ),
            asked.say(T("Discard")),
            asked.say(T("Keep")),
        )
        discard = blocks.button(asked.say(_discard(status, count)), f"queue_discard:{at}{status}", value,
                                style="danger", confirm=asks)  # fmt: skip
        made.append(discard)
    if made:
        made.append(run_button(asked, asked.say(T("Events")), ("events", one.slug), at=f"events{at}"))
    return made


def _retry(status: str, count: int) -> Text:
    if status == "dead":
        return TN("Try {shown} dead again", "Try {shown} dead again", count, shown=_shown(count))
    return TN("Try {shown} failed now", "Try {shown} failed now", count, shown=_shown(count))


def _discard(status: str, count: int) -> Text:
    if status == "dead":
        return TN("Discard {shown} dead", "Discard {shown} dead", count, shown=_shown(count))
    return TN("Discard {shown} failed", "Discard {shown} failed", count, shown=_shown(count))


def _shown(count: int) -> Text | int:
    return T("{count} or more", count=count) if count >= COUNTED else count


register(
    Command(
        name="queue",
        summary=T("Show what waits, since when and whose it is; try again or discard what failed"),
        run=show,
        permission="events.read",
        usage="[integration]",
        examples=("queue", "queue github-push-to-slack"),
    )
)
