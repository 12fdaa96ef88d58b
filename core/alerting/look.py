"""One look at all rules: read, decide, write. What is to be told is planned in the transaction of the state itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson
import structlog

from core.alerting import facts, plans
from core.alerting.judging import judged
from core.alerting.reader import Reader
from core.alerting.subjects import (
    ENGINE,
    Subject,
    by_id,
    differs,
    of_finding,
    of_rule,
    row_of,
    standing_of,
    status_before,
    verdict_of,
)
from core.alerting.values import LONG_WINDOW, Of, Values, needs
from core.alerting.watch import Watcher
from core.alerts.evaluation import Verdict, evaluate
from core.alerts.measures import FEWEST
from core.alerts.policy import Silence
from core.alerts.states import Outcome, Standing, advance
from core.context import Context
from core.ids import new_id
from core.texts import T
from storage import alert_outbox, alert_rules, alert_values, alerts
from storage.alert_rules import AlertRule
from storage.alert_values import Known
from storage.alerts import Alert, AlertStanding, Look

log = structlog.get_logger()

SLICE = 25
"""Rules that are decided on before the event loop is given to others."""
Thing = TypeVar("Thing")

FOLLOWED = ("condition", "severity", "channels", "description", "repeat_seconds")
"""What an alert has of its rule."""
ENDED: Mapping[str, str] = {
    "resolved": "resolved",
    "withdrawn": "withdrawn",
    "ended_without_data": "ended_without_data",
}


KEPT = ("state", "since", "looked_at", "fired", "loud", "blind_until")
"""What a standing keeps where its rule's condition is changed."""


@dataclass(frozen=True)
class _Read:
    """All rows that a look begins with, of one moment."""

    revision: int
    looked_at: float | None
    rules: Sequence[AlertRule]
    known: Mapping[str, Known]
    standings: Mapping[str, AlertStanding]
    open: Mapping[str, Alert]
    """By rule."""
    resolved: Mapping[str, float]
    """By rule: when its last alert was resolved, within the hour."""
    silences: Sequence[Silence]
    reached: Mapping[str, Sequence[str]]
    """By alert: the channels that it is told in."""


@dataclass
class _Writing:
    """What the look is going to write."""

    standings: list[dict[str, object]] = field(default_factory=list)
    new: dict[str, dict[str, Any]] = field(default_factory=dict)
    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    history: list[Mapping[str, Any]] = field(default_factory=list)
    plans: list[alert_outbox.Plan] = field(default_factory=list)
    loud: set[str] = field(default_factory=set)
    """Alerts that fire from now on and are not damped."""

    def set(self, alert: Alert, **columns: Any) -> None:
        """Set columns of an alert, new or not."""
        if not columns:
            return
        for name, value in columns.items():
            setattr(alert, name, value)
        if alert.id in self.new:
            self.new[alert.id] |= columns
        else:
            self.changed.setdefault(alert.id, {}).update(columns)

    def note(self, alert_id: str, at: float, kind: str, **data: Any) -> None:
        """Add to an alert's history."""
        self.history.append({"alert_id": alert_id, "at": at, "kind": kind, "data": orjson.dumps(data).decode()})


class Evaluator:
    """Looks at all rules whenever it is asked; one for each scheduler."""

    def __init__(self, ctx: Context, watcher: Watcher | None = None) -> None:
        """`watcher`: who tells what the engine says of itself; without one nobody does."""
        self._ctx = ctx
        self._reader = Reader(ctx)
        self._watcher = watcher

    async def look(self) -> bool:
        """Look once; return False when another look was written meanwhile, and this one is dropped."""
        ctx, began = self._ctx, time.perf_counter()
        now = ctx.clock.now()
        read = await _read(ctx, now)
        subjects = [
            of_rule(row, read.known[row.integration_id])
            async for row in _in_slices(read.rules)
            if row.integration_id in read.known
        ]
        values = await self._values(subjects, read.known)
        watcher = self._watcher
        findings = watcher.findings if watcher is not None else ()
        subjects += [of_finding(one) for one in findings]
        writing = _Writing()
        fired = [
            alert
            async for subject in _in_slices(subjects)
            if (alert := self._one(subject, read, values, writing, now)) is not None
        ]
        await self._add_facts(fired, values, writing)
        whole = watcher is not None and watcher.whole
        ended = _ended(read, {subject.id for subject in subjects}, engine_looked_at=whole)
        _remove(read, ended, writing, now)
        _tell(ctx, read, writing, now)
        seconds = time.perf_counter() - began
        written = await ctx.db.write(
            alerts.write,
            Look(
                revision=read.revision, at=now, seconds=round(seconds, 3), rules=len(subjects),
                standings=writing.standings, new=list(writing.new.values()), changed=writing.changed,
                history=writing.history, plans=writing.plans, ended=ended,
            ),
        )  # fmt: skip
        if not written:
            log.warning("look at alert rules dropped: another was written meanwhile")
        return written

    async def _values(self, subjects: Sequence[Subject], known: Mapping[str, Known]) -> Values:
        rules = [
            (subject.integration_id, rule)
            for subject in subjects
            for rule in (subject.rule, subject.ending)
            if rule is not None
        ]
        fewest = max([*FEWEST.values(), *(subject.fewest or 0 for subject in subjects)])
        return await self._reader.read(needs(rules), known, fewest=fewest)

    def _one(
        self, subject: Subject, read: _Read, values: Values, writing: _Writing, now: float
    ) -> tuple[Alert, Verdict] | None:
        """Decide on one subject; return its alert where it fires from now on."""
        row = read.standings.get(subject.id)
        before = _before(row, subject, read.looked_at, now)
        samples = values.of(subject.integration_id, status_before=status_before(row), blind_until=before.blind_until)
        verdict, resolve = _verdicts(subject, samples, before, now, read.resolved.get(subject.id))
        outcome = advance(before, verdict, resolve, now=now)
        alert = read.open.get(subject.id)
        fires = False
        if alert is not None and subject.rule is not None:
            _follow(alert, subject, writing, now)
        for change in outcome.changes:
            if change == "pending":
                alert = _new_alert(subject, now)
                writing.new[alert.id] = alert.model_dump()
            if alert is None:  # its row was deleted by hand: the next time begins a new one
                continue
            fires = fires or change == "firing"
            _apply(change, alert, subject, verdict, outcome, writing, now)
        ended = alert is None or alert.ended_at is not None
        if alert is not None and not ended and verdict.value is not None and verdict.would:
            _remember(alert, verdict, writing)
        known = values.known.get(subject.integration_id)
        made = row_of(
            subject, outcome.standing, verdict, alert_id=None if ended or alert is None else alert.id,
            status=known.status if known is not None else None,
        )  # fmt: skip
        if differs(row, made):
            writing.standings.append(made)
        return (alert, verdict) if fires and alert is not None else None

    async def _add_facts(self, fired: Sequence[tuple[Alert, Verdict]], values: Values, writing: _Writing) -> None:
        found = await facts.gather(self._ctx, [alert for alert, _ in fired], values)
        for alert, _ in fired:
            writing.set(alert, facts=found[alert.id])


async def _in_slices(things: Iterable[Thing]) -> AsyncIterator[Thing]:
    """Give all `things`, and the event loop to others between every few of them."""
    for number, thing in enumerate(things, 1):
        yield thing
        if number % SLICE == 0:
            await asyncio.sleep(0)


async def _read(ctx: Context, now: float) -> _Read:
    """Read one thing after another, the revision first: when it is the same at the end, so is what it stands for."""
    read = ctx.db.read
    last = await read(alerts.last_pass)
    return _Read(
        revision=last.revision if last is not None else 0,
        looked_at=last.at if last is not None else None,
        rules=await read(alert_rules.everything),
        known=await read(alert_values.integrations),
        standings=by_id(await read(alerts.standings)),
        open={alert.rule_id: alert for alert in await read(alerts.open_alerts)},
        resolved=await read(alerts.resolved, since=now - LONG_WINDOW),
        silences=[
            Silence(row.id, row.at_from, row.at_to, row.integration_id, row.rule, row.severity, row.comment)
            for row in await read(alerts.silences, ends_after=now)
        ],
        reached=await read(alerts.reached),
    )


def _ended(read: _Read, there: set[str], *, engine_looked_at: bool) -> list[str]:
    """Return the rules that are there no more; of its own conditions a scheduler that begins knows nothing yet."""
    return [
        row.rule_id
        for row in read.standings.values()
        if row.rule_id not in there and (engine_looked_at or row.integration_id != ENGINE)
    ]


def _before(row: AlertStanding | None, subject: Subject, looked_at: float | None, now: float) -> Standing:
    if row is None:
        return Standing(since=now)
    before = standing_of(row, looked_at=now if looked_at is None else looked_at)
    if row.condition != subject.text:  # another condition: what the former one has lasted says nothing
        kept = {name: getattr(before, name) for name in KEPT}
        before = Standing(**kept)
    return before.woken(now)


def _verdicts(
    subject: Subject, samples: Of, before: Standing, now: float, resolved_at: float | None
) -> tuple[Verdict, Verdict | None]:
    if subject.finding is not None:
        return verdict_of(subject.finding), None
    if subject.rule is None:  # one rule that cannot be read must not keep the others from being looked at
        return Verdict(None, None), None
    verdict = judged(subject.rule, samples, before, now=now, fewest=subject.fewest, resolved_at=resolved_at)
    if subject.ending is None:
        return verdict, None
    passed = before.passed(now)
    ending = evaluate(subject.ending, samples, lasted=before.resolve_lasted, passed=passed, fewest=subject.fewest)
    return verdict, ending


def _new_alert(subject: Subject, now: float) -> Alert:
    finding = subject.finding
    return Alert(
        id=new_id("alt", now),
        rule_id=subject.id,
        integration_id=subject.integration_id,
        integration=subject.integration,
        name=subject.name,
        condition=subject.condition,
        severity=subject.severity,
        channels=subject.channels,
        description=subject.description,
        repeat_seconds=subject.repeat_seconds,
        status="pending",
        started_at=now,
        detail=finding.detail.dump() if finding is not None else None,
    )


def _apply(
    change: str, alert: Alert, subject: Subject, verdict: Verdict, outcome: Outcome, writing: _Writing, now: float
) -> None:
    measured: dict[str, Any] = {"metric": verdict.metric, "value": verdict.value, "threshold": verdict.threshold,
                "samples": verdict.count, "state": outcome.standing.state}  # fmt: skip
    if subject.finding is not None and verdict.holds:
        measured["detail"] = orjson.loads(subject.finding.detail.dump())
    writing.note(alert.id, now, change, **measured)
    if change in ENDED:
        writing.set(alert, status=ENDED[change], ended_at=now)
        if change != "withdrawn":
            writing.plans.append(plans.ending(alert, now))
    elif change == "firing":
        writing.set(alert, status="firing", fired_at=now, flapping=outcome.flapping)
        if subject.finding is not None:
            writing.set(alert, detail=subject.finding.detail.dump())
        if outcome.damped:
            writing.note(alert.id, now, "damped", fired=len(outcome.standing.fired))
        else:
            writing.loud.add(alert.id)
    elif change in ("no_data", "data_again"):
        writing.set(alert, without_data=change == "no_data")
        story = T("There is no data any more.") if change == "no_data" else T("There is data again.")
        writing.plans.append(plans.everywhere(alert, change, story))


def _follow(alert: Alert, subject: Subject, writing: _Writing, now: float) -> None:
    """Bring an alert up to date with its rule, which may have been changed meanwhile."""
    changed = [name for name in FOLLOWED if getattr(alert, name) != getattr(subject, name)]
    if not changed:
        return
    writing.note(alert.id, now, "rule_changed", what=changed, condition=subject.condition)
    writing.set(alert, **{name: getattr(subject, name) for name in changed})
    if alert.told_at is not None:
        writing.plans.append(plans.everywhere(alert, "rule_changed", T("Its rule was changed.")))


def _remember(alert: Alert, verdict: Verdict, writing: _Writing) -> None:
    """Keep the newest value, for who looks at the alert."""
    newest = {"metric": verdict.metric, "value": verdict.value, "threshold": verdict.threshold,
              "samples": verdict.count}  # fmt: skip
    if any(getattr(alert, name) != value for name, value in newest.items()):
        writing.set(alert, **newest)


def _remove(read: _Read, ended: Iterable[str], writing: _Writing, now: float) -> None:
    """End the alerts of rules that are there no more."""
    for rule_id in ended:
        alert = read.open.get(rule_id)
        if alert is not None:
            writing.note(alert.id, now, "removed")
            writing.set(alert, status="removed", ended_at=now)
            writing.plans.append(plans.ending(alert, now))


def _tell(ctx: Context, read: _Read, writing: _Writing, now: float) -> None:
    """Plan what is to be said of every alert that fires."""
    new = [Alert(**values) for values in writing.new.values()]
    everyone = {alert.id: alert for alert in [*read.open.values(), *new]}
    for alert in everyone.values():
        if alert.status == "firing" and alert.ended_at is None:
            decided = plans.telling(
                ctx.settings, alert, read.silences, now,
                reached=read.reached.get(alert.id, ()), damped=alert.id not in writing.loud,
                paused=(known := read.known.get(alert.integration_id)) is not None and known.status == "paused",
            )  # fmt: skip
            writing.set(alert, **decided.columns)
            writing.history += decided.history
            writing.plans += decided.plans
    writing.plans = plans.gathered(writing.plans, everyone)
