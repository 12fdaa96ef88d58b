"""What somebody does on the page: each act is one JSON body, checked here and done with the stand-in's own people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.demo.page.seen import language_of
from core.demo.page.typed import names, sent
from core.demo.stand_ins.slack import Impossible, Outcome, SlackStandIn
from core.texts import T, Text

Answer = dict[str, Any]
_INVITE = "/invite"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: str


class Typed(_Body):
    """A line in a channel, a thread, or (without a channel) to the app."""

    text: str = Field(min_length=1, max_length=12_000)
    channel: str = ""
    thread: str | None = None


class Where(BaseModel):
    """A message by its ts, or a modal or Home by its id."""

    model_config = ConfigDict(extra="forbid")

    type: str = "message"
    ts: str = ""
    id: str = ""


class Pressed(_Body):
    """A button. `values`: what stands in the modal's fields, by block id."""

    where: Where
    action_id: str
    block_id: str
    confirm: bool | None = None
    values: dict[str, Any] = {}


class Chosen(Pressed):
    """Something chosen or typed in an element."""

    given: Any


class Searched(_Body):
    """Letters typed into a menu that the app fills."""

    where: Where
    action_id: str
    text: str = ""


class Submitted(_Body):
    """A modal that is sent."""

    view: str
    values: dict[str, Any] = {}


class Closed(_Body):
    """A modal that is closed: the topmost, or all."""

    view: str
    everything: bool = False


class Used(_Body):
    """An entry of a message's menu."""

    ts: str
    callback_id: str


class Opened(_Body):
    """The app's Home."""


async def type_(slack: SlackStandIn, act: Typed) -> Answer:
    """Send a line: a command where it begins with `/`, else a message."""
    text = sent(act.text.strip(), names(slack))
    channel = act.channel or slack.direct(act.user).id
    if not text.startswith("/"):
        said = await slack.say(act.user, channel, text, thread_ts=act.thread)
        return _told(said) if said.sent else {}
    command, _, rest = text.partition(" ")
    if act.thread:
        return _failed(T("{command} does not work in threads. Mention the bot there instead: {example}",
                         command=command, example="@ccb help"))  # fmt: skip
    if command == _INVITE:
        return await _invited(slack, act.user, channel, rest.strip())
    if command not in slack.commands:
        known = ", ".join([*sorted(slack.commands), _INVITE])
        return _failed(T("{command} is no command here. There are: {known}.", command=command, known=known))
    return _told(await slack.command(command, rest.strip(), user=act.user, channel=channel))


async def _invited(slack: SlackStandIn, user: str, channel: str, whom: str) -> Answer:
    found = next((one.id for one in slack.users if whom == f"<@{one.id}>"), None)
    if found is None or slack.channel(channel).user:
        return _failed(T("Whom? In a channel, {example} lets the bot in.", example=f"{_INVITE} @ccb"))
    await slack.join(found, channel, inviter=user)
    slack.changes.note("joined", channel=channel, user=found)
    return {}


async def press(slack: SlackStandIn, act: Pressed) -> Answer:
    """Press a button."""
    where = _where(slack, act)
    return _told(await slack.press(act.user, where, act.action_id, block_id=act.block_id, confirm=act.confirm))


async def select(slack: SlackStandIn, act: Chosen) -> Answer:
    """Choose in a menu, tick a box, pick a date."""
    where = _where(slack, act)
    done = await slack.select(act.user, where, act.action_id, act.given, block_id=act.block_id, confirm=act.confirm)
    return _told(done) if done.sent else {}


async def suggest(slack: SlackStandIn, act: Searched) -> Answer:
    """Ask the app for a menu's entries."""
    before = slack.offered.get(act.action_id, [])
    done = await slack.suggest(act.user, act.where.model_dump(), act.action_id, act.text)
    offered = slack.offered[act.action_id]
    # What was chosen from an earlier list can stay chosen.
    slack.offered[act.action_id] = [*offered, *(one for one in before if one not in offered)][:500]
    return {**_told(done), "options": offered}


async def submit(slack: SlackStandIn, act: Submitted) -> Answer:
    """Send a modal."""
    done = await slack.submit(act.user, act.view, act.values)
    return {"errors": done.errors} if done.errors else _told(done)


async def close(slack: SlackStandIn, act: Closed) -> Answer:
    """Close a modal."""
    await slack.close(act.user, act.view, everything=act.everything)
    return {}


async def use(slack: SlackStandIn, act: Used) -> Answer:
    """Use an entry of a message's menu."""
    seen = (message for place in slack.channels for message in place.messages if message["ts"] == act.ts)
    message = next(seen, {"ts": act.ts})
    return _told(await slack.message_shortcut(act.user, message, act.callback_id))


async def home(slack: SlackStandIn, act: Opened) -> Answer:
    """Open the app's Home."""
    done = await slack.open_home(act.user)
    return _told(done) if done.sent else {}


@dataclass(frozen=True)
class Act:
    """What its body is, and what it does."""

    body: type[_Body]
    run: Callable[[SlackStandIn, Any], Awaitable[Answer]]


ACTS: Mapping[str, Act] = {
    "type": Act(Typed, type_),
    "press": Act(Pressed, press),
    "select": Act(Chosen, select),
    "suggest": Act(Searched, suggest),
    "submit": Act(Submitted, submit),
    "close": Act(Closed, close),
    "use": Act(Used, use),
    "home": Act(Opened, home),
}


async def done(slack: SlackStandIn, act: Act, body: bytes, roles: Mapping[str, Text]) -> Answer:
    """Do an act as the one who is named in it; raise pydantic's error for a body that is none, `Impossible` for more.

    `failed` in the answer says what Slack would tell the person.
    """
    given = act.body.model_validate_json(body)
    if given.user not in roles:
        raise Impossible(f"nobody here is {given.user}")
    answer = await act.run(slack, given)
    failed = answer.get("failed")
    return {**answer, "failed": failed.render(language_of(slack.user(given.user)))} if failed else answer


def _where(slack: SlackStandIn, act: Pressed) -> dict[str, Any]:
    where = act.where.model_dump()
    if act.values and act.where.type == "modal":
        slack.fill(act.user, act.values, where)
    return where


def _told(outcome: Outcome) -> Answer:
    """Return what the person learns when the app did not do as it should."""
    if not outcome.error and outcome.acked:
        return {}
    code = outcome.error or "not_acknowledged"
    return _failed(T("The app did not answer ({code}). The terminal with the demonstration may say why.", code=code))


def _failed(why: Text) -> Answer:
    return {"failed": why}
