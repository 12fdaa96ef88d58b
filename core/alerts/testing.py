"""The test of an alert: really sends through its channels, and says of each what became of it."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core import channels
from core.alerts.language import near
from core.alerts.measures import MEASURES
from core.alerts.rules import Stored, listed
from core.auth import Actor
from core.channels import CHANNELS, Message, Target
from core.context import Context
from core.errors import Conflict, Invalid, NotConfigured, Upstream
from core.ids import new_id
from core.texts import T, Text
from storage import alert_outbox

AT_ONCE = 8
"""Messages that are under way at a time."""


@dataclass(frozen=True)
class Delivery:
    """What became of the message to one channel, in words."""

    channel: str
    delivered: bool
    detail: Text


@dataclass(frozen=True)
class Tested:
    """What a test found."""

    alert_type: str | None
    results: tuple[Delivery, ...]

    @property
    def delivered(self) -> bool:
        """Say whether every message arrived."""
        return all(result.delivered for result in self.results)


async def test(
    ctx: Context,
    integration_id: str,
    *,
    name: str,
    actor: Actor,
    alert_type: str | None = None,
    channel: str | None = None,
) -> Tested:
    """Send a test message of the integration called `name`, and return what became of it; a failure is a result too.

    `alert_type`: a rule's name, or a metric's. `channel`: an address; without it, the channels of the named rule, or
    else of every rule. Raises `Invalid` for an unknown type or a wrong address, `Conflict` where no channel is known.
    """
    actor.require("alerts.write")
    rules = await listed(ctx, integration_id)
    _check_type(alert_type, rules)
    targets = [_target(channel)] if channel is not None else _targets(rules, alert_type)
    if not targets:
        raise Conflict(
            T("{name} has no alert rules, so there is no channel to test. Name one in {field}.", name=name,
              field="notification_channel"),
        )  # fmt: skip
    for target in targets:
        CHANNELS.get(target.channel).may_try(target, actor)
    message = _message(name, alert_type, actor, language=ctx.settings.language)
    gate = asyncio.Semaphore(AT_ONCE)

    async def send(target: Target) -> Delivery:
        async with gate:
            return await _send(ctx, target, message)

    return Tested(alert_type, tuple(await asyncio.gather(*map(send, targets))))


async def _send(ctx: Context, target: Target, message: Message) -> Delivery:
    try:
        detail = await CHANNELS.get(target.channel).send(ctx, target, message)
    except (Upstream, NotConfigured, Invalid) as error:
        return Delivery(str(target), False, error.message)
    # Who has mended a channel need not wait for the next alert to be told so.
    await ctx.db.write(alert_outbox.recovered, str(target), now=ctx.clock.now())
    return Delivery(str(target), True, detail)


def _check_type(alert_type: str | None, rules: Sequence[Stored]) -> None:
    known = [*(stored.rule.name for stored in rules), *MEASURES]
    if alert_type is None or alert_type in known:
        return
    meant = near(alert_type, known)
    hint = T("Did you mean {name}?", name=meant) if meant else T("There are: {known}.", known=", ".join(known))
    raise Invalid(
        T("alert_type: there is no rule and no metric {name}. {hint}", name=repr(alert_type[:80]), hint=hint),
        path="alert_type",
        known=known,
    )


def _target(address: str) -> Target:
    try:
        return channels.parse(address)
    except Invalid as error:
        raise Invalid(
            T("{path}: {reason}", path="notification_channel", reason=error.message), path="notification_channel"
        ) from None


def _targets(rules: Sequence[Stored], alert_type: str | None) -> list[Target]:
    named = [stored for stored in rules if stored.rule.name == alert_type]
    return list(dict.fromkeys(target for stored in named or rules for target in stored.rule.channels))


def _message(name: str, alert_type: str | None, actor: Actor, *, language: str) -> Message:
    of, who = _line(name), _line(actor.name)
    if alert_type is None:
        what = T("This is a test of the alerts of {name}, sent by {who}. Nothing is wrong.", name=of, who=who)
    else:
        what = T(
            "This is a test of the alert {alert} of {name}, sent by {who}. Nothing is wrong.",
            alert=_line(alert_type),
            name=of,
            who=who,
        )
    subject = T("Test of the alerts of {name}", name=of)
    return Message(new_id("alt"), subject.render(language), what.render(language))


def _line(text: str) -> str:
    """Return `text` on one line: a name may hold anything, a subject may not."""
    return " ".join(_plain(text).split())


def _plain(characters: Iterable[str]) -> str:
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in characters)
