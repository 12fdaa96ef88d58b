"""What is looked at: rules of integrations, and the engine's own conditions, in one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson
import structlog

from core.alerts.evaluation import Truth, Verdict
from core.alerts.language import parse
from core.alerts.rule import Rule
from core.alerts.states import Standing
from core.errors import Invalid
from core.texts import Text
from storage.alert_rules import AlertRule
from storage.alert_values import Known
from storage.alerts import AlertStanding

ENGINE = "engine"
"""In place of an integration's id: what the engine says about itself."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition of the engine itself, in English words that `core.alerting.engine_words` knows.

    `channels`: addresses; none: the default ones.
    """

    id: str
    name: str
    severity: str
    holds: Truth
    detail: Text
    condition: str
    channels: tuple[str, ...] = ()
    fix: Text | None = None
    repeat_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that can fire."""

    id: str
    integration_id: str
    integration: str
    name: str
    condition: str
    severity: str
    channels: str
    """JSON list."""
    description: str
    repeat_seconds: float | None = None
    rule: Rule | None = None
    ending: Rule | None = None
    fewest: int | None = None
    finding: Finding | None = None

    @property
    def text(self) -> str:
        """All that a change of which begins anew what has lasted."""
        return self.condition


@lru_cache(maxsize=20_000)
def read_condition(text: str) -> Rule | None:
    """Return a stored condition; None for what another version of the engine has stored, and this one cannot read."""
    try:
        return parse(text)
    except Invalid as error:
        log.warning("a stored alert rule cannot be read", condition=text, reason=str(error))
        return None


def of_rule(row: AlertRule, known: Known) -> Subject:
    """Return a rule of an integration."""
    return Subject(
        id=row.id,
        integration_id=row.integration_id,
        integration=known.name,
        name=row.name,
        condition=row.condition,
        severity=row.severity,
        channels=row.channels,
        description=row.description,
        repeat_seconds=row.repeat_seconds,
        rule=read_condition(row.condition),
        ending=None if row.resolve_condition is None else read_condition(row.resolve_condition),
        fewest=row.min_samples,
    )


def of_finding(finding: Finding) -> Subject:
    """Return a condition of the engine's own; `core.alerting.engine_words.spoken` reads its words again."""
    return Subject(
        id=finding.id,
        integration_id=ENGINE,
        integration="Claude Code Bot",
        name=finding.name,
        condition=finding.condition,
        severity=finding.severity,
        channels=orjson.dumps(finding.channels).decode(),
        description=str(finding.fix) if finding.fix is not None else "",
        repeat_seconds=finding.repeat_seconds,
        finding=finding,
    )


def verdict_of(finding: Finding) -> Verdict:
    """Return a finding as a look's verdict."""
    return Verdict(finding.holds, finding.holds)


def standing_of(row: AlertStanding, *, looked_at: float) -> Standing:
    """Return a row as the pure part takes it."""
    memory = orjson.loads(row.memory)
    return Standing(
        state=row.state,  # type: ignore[arg-type]  # written by `row_of` alone
        since=row.since,
        looked_at=looked_at,
        lasted=memory["lasted"],
        resolve_lasted=memory["resolve"],
        clear_for=memory["clear"],
        missing_for=memory["missing"],
        fired=tuple(memory["fired"]),
        loud=memory.get("loud"),
        blind_until=memory.get("blind"),
    )


def row_of(
    subject: Subject, standing: Standing, verdict: Verdict, *, alert_id: str | None, status: str | None
) -> dict[str, object]:
    """Return the row for how a subject stands. `status`: the integration's, for the next look's `changes(status)`."""
    memory = {
        "lasted": dict(standing.lasted),
        "resolve": dict(standing.resolve_lasted),
        "clear": standing.clear_for,
        "missing": standing.missing_for,
        "fired": list(standing.fired),
        "loud": standing.loud,
        "blind": standing.blind_until,
        "status": status,
    }
    return {
        "rule_id": subject.id,
        "integration_id": subject.integration_id,
        "name": subject.name,
        "condition": subject.text,
        "state": standing.state,
        "since": standing.since,
        "value": verdict.value,
        "threshold": verdict.threshold,
        "metric": verdict.metric,
        "samples": verdict.count,
        "alert_id": alert_id,
        "memory": orjson.dumps(memory).decode(),
    }


def status_before(row: AlertStanding | None) -> str | None:
    """Return the integration's status at the last look."""
    if row is None:
        return None
    found: str | None = orjson.loads(row.memory)["status"]
    return found


def differs(row: AlertStanding | None, values: Mapping[str, object]) -> bool:
    """Say whether a row has to be written."""
    return row is None or any(getattr(row, name) != value for name, value in values.items())


def by_id(rows: Sequence[AlertStanding]) -> dict[str, AlertStanding]:
    """Return standings by their rules' ids."""
    return {row.rule_id: row for row in rows}
