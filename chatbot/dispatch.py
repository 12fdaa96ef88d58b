"""From what somebody asked to what they are answered: the border where errors become messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from chatbot import answers, blocks, button, command, opening, people, shortcut, view
from chatbot.asked import Answer, Asked, Open, Reply
from core.actors import Permission
from core.context import Context
from core.errors import NotFound
from core.ids import new_id
from core.texts import T

log = structlog.get_logger()

_CHANGING: frozenset[Permission | None] = frozenset({"integrations.write", "integrations.activate", "alerts.write"})
"""What needs one of these has changed something that the App Home shows."""


async def line(ctx: Context, asked: Asked, words: Sequence[str]) -> None:
    """Run the command that stands first; help where there is none, and a guess where it is not known."""
    name, *rest = words or ["help"]
    found = command.find(name)
    if found is None:
        await guarded(ctx, asked, None, lambda ctx, asked: unknown(asked, name, rest))
        return
    await guarded(ctx, asked.again(*rest), found.permission, found.run, command=found.name)


async def press(ctx: Context, asked: Asked, action_id: str) -> None:
    """Do what a pressed button means; a link needs nothing done."""
    found = button.find(action_id)
    if found is not None:
        await guarded(ctx, asked, found.permission, found.run)


async def use(ctx: Context, asked: Asked, callback_id: str) -> None:
    """Do what a shortcut means."""
    if callback_id in shortcut.SHORTCUTS:
        found = shortcut.SHORTCUTS.get(callback_id)
        await guarded(ctx, asked, found.permission, found.run)


async def submit(ctx: Context, asked: Asked, callback_id: str) -> None:
    """Do what a modal was filled in for."""
    found = view.VIEWS.get(callback_id)
    if found.submit is not None:
        await guarded(ctx, asked, found.permission, found.submit)


async def home(ctx: Context, asked: Asked) -> None:
    """Show the App Home, where there is one."""
    if view.HOME not in view.VIEWS:
        return
    await guarded(ctx, asked, view.VIEWS.get(view.HOME).permission, _publish)


async def _publish(ctx: Context, asked: Asked) -> Answer:
    built = await view.VIEWS.get(view.HOME).build(ctx, asked)
    shown = blocks.fitting(built, more=asked.say(T("There is more than fits here.")), most=blocks.MOST_VIEW_BLOCKS)
    await asked.slack.views_publish(user_id=asked.user, view={"type": "home", "blocks": shown})
    return None


async def guarded(
    ctx: Context,
    asked: Asked,
    permission: Permission | None,
    run: Callable[[Context, Asked], Awaitable[Answer]],
    *,
    command: str = "",
) -> None:
    """Run it for who may, and deliver what it answers, be it an error. `command`: the one that was typed."""
    try:
        try:
            people.require(asked.actor, permission)
            answer = await run(ctx, asked)
            await _answered(ctx, asked, answer)
            if permission in _CHANGING and not isinstance(answer, Open):
                await _refreshed(ctx, asked)
        except answers.EXPECTED as error:
            await answers.deliver(asked, _with_choice(asked, answers.expected(ctx, asked, error), error, command))
    except Exception:  # the border: whatever it is, somebody waits for an answer
        reference = new_id("err")
        log.exception("slack listener failed", reference=reference, user=asked.user)
        with suppress(*answers.EXPECTED):  # it may be Slack that fails
            await answers.deliver(asked, answers.unexpected(reference))


async def _refreshed(ctx: Context, asked: Asked) -> None:
    """Show in the user's App Home what they have just changed; they may never have looked at it."""
    home_permission = view.VIEWS.get(view.HOME).permission
    try:
        people.require(asked.actor, home_permission)
        await _publish(ctx, asked)
    except answers.EXPECTED as error:  # what was asked is done and answered
        log.warning("slack home not refreshed", user=asked.user, reason=str(error))


async def _answered(ctx: Context, asked: Asked, answer: Answer) -> None:
    match answer:
        case None:
            return
        case Open():
            offered = await opening.opened(ctx, asked, answer)
            if offered is not None:
                await answers.deliver(asked, offered)
        case Reply():
            await answers.deliver(asked, answer)
        case _:
            await answers.deliver_all(asked, answer)


def _with_choice(asked: Asked, reply: Reply, error: Exception, command: str) -> Reply:
    """Add what the command shows without an id, where the one that was given is not there."""
    if not (command and asked.words and isinstance(error, NotFound) and answers.SOUGHT & error.details.keys()):
        return reply
    choose = run_button(asked, asked.say(T("Show what there is")), (command,), at="choose")
    return replace(reply, blocks=[*reply.blocks, blocks.actions([choose])])


async def unknown(asked: Asked, name: str, rest: Sequence[str] = ()) -> Reply:
    """Say that there is no such command, and which may have been meant."""
    said = T("There is no command {name}.", name=blocks.code(blocks.cut(name, 50)))
    meant = command.meant(name)
    shown = [blocks.section(asked.say(said))]
    buttons = [
        run_button(asked, f"/ccb {one.name}", (one.name, *rest), at=str(number)) for number, one in enumerate(meant)
    ]
    if meant:
        shown.append(blocks.section(asked.say(T("Did you mean this?"))))
    buttons.append(run_button(asked, asked.say(T("Show all commands")), ("help",), at="help"))
    return Reply(said, [*shown, blocks.actions(buttons)])


def run_button(
    asked: Asked, said: str, words: Sequence[str], *, at: str = "0", primary: bool = False
) -> blocks.Element:
    """Return a button that runs a command, as if the presser had typed it; `at` tells two in one message apart."""
    value = "\n".join(words)[: blocks.MOST_VALUE]
    return blocks.button(said, f"run:{at}", value, style="primary" if primary else None)


async def again(ctx: Context, asked: Asked) -> Answer:
    """Run the command that `run_button` stands for."""
    await line(ctx, replace(asked, value=""), asked.value.split("\n"))
    return None
