"""What a message about alerts says, as a value: each channel renders it in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.texts import TN, T, Text

AlertStatus = Literal["firing", "acknowledged", "snoozed", "resolved", "ended_without_data", "removed"]
Action = Literal["acknowledge", "snooze_1h", "snooze_tomorrow", "trace", "replay_failed", "graph", "doctor"]
"""What somebody may do about an alert; each channel offers those that it can."""


MOST_PARTS = 50
"""Alerts that a text lists; the others are counted."""


@dataclass(frozen=True)
class AlertPart:
    """One alert in a message."""

    id: str
    name: Text | str
    severity: str
    status: AlertStatus
    integration: str
    integration_id: str
    condition: str
    measured: Text
    """What is wrong: `error_rate is 12.4 % (rule: > 5 %)`."""
    since: float
    what: Text | None = None
    """The same as `measured` without its time, for a channel that has times of its own."""
    ended: float | None = None
    value: float | None = None
    threshold: float | None = None
    counts: Text | None = None
    """How much: `31 of 250 attempts`."""
    cause: Text | None = None
    """The commonest error."""
    changes: Sequence[Text] = ()
    """What was changed shortly before: `20 min before: …`."""
    notes: Sequence[Text] = ()
    """Acknowledged by whom, snoozed until when, without data, flapping."""
    description: Text | str = ""
    example: str | None = None
    """The id of an event that failed."""
    failures: int = 0
    """How many events had failed within the hour when it fired; 0 where nobody counted."""


@dataclass(frozen=True)
class AlertMessage:
    """A message about one or more alerts of one severity: of one integration, or of many at once."""

    id: str
    parts: Sequence[AlertPart]
    actions: Sequence[Action] = ()
    urls: Mapping[str, str] | None = None

    @property
    def more(self) -> list[Text]:
        """Say how many are left out of a text."""
        left = len(self.parts) - MOST_PARTS
        return [T("{count} more: {command}", count=left, command="GET /v1/alerts?status=open")] if left > 0 else []

    @property
    def status(self) -> AlertStatus:
        """The worst of its alerts' statuses."""
        order: tuple[AlertStatus, ...] = (
            "firing", "acknowledged", "snoozed", "ended_without_data", "removed", "resolved",
        )  # fmt: skip
        return min((part.status for part in self.parts), key=order.index)

    @property
    def severity(self) -> str:
        """The worst of its alerts' severities."""
        order = ("critical", "warning", "info")
        return min((part.severity for part in self.parts), key=order.index)

    @property
    def place(self) -> Text:
        """What they are about: one integration, or how many."""
        count = len({part.integration_id for part in self.parts})
        if count == 1:
            return T("{reason}", reason=self.parts[0].integration)
        return TN("{count} integration", "{count} integrations", count)

    @property
    def title(self) -> Text:
        """What happened, on one line."""
        first = self.parts[0]
        heads: Mapping[AlertStatus, Text] = {
            "firing": T("Alert"),
            "acknowledged": T("Acknowledged"),
            "snoozed": T("Snoozed"),
            "resolved": T("Resolved"),
            "ended_without_data": T("Ended without data"),
            "removed": T("Rule removed"),
        }
        head = heads[self.status]
        if len(self.parts) == 1:
            return T("{status}: {name} · {severity} · {integration}", status=head, name=first.name,
                     severity=_severity(self.severity), integration=self.place)  # fmt: skip
        return TN("{status}: {count} alert · {severity} · {integration}",
                  "{status}: {count} alerts · {severity} · {integration}", len(self.parts), status=head,
                 severity=_severity(self.severity), integration=self.place)  # fmt: skip


def _severity(found: str) -> Text:
    match found:
        case "critical":
            return T("critical")
        case "warning":
            return T("warning")
        case _:
            return T("info")


def lines(part: AlertPart, language: str, *, named: bool) -> list[str]:
    """Return an alert as lines of plain text. `named`: with its name, for a message about several."""
    found: list[Text | str] = [T("{name}:", name=part.name)] if named else []
    found.append(part.measured)
    found += [text for text in (part.counts, part.cause) if text is not None]
    found += part.changes
    found += part.notes
    if part.description:
        found.append(part.description)
    return [text.render(language) if isinstance(text, Text) else text for text in found]


def plain(message: AlertMessage, language: str) -> str:
    """Return a message as plain text, without its title."""
    several = len(message.parts) > 1
    said = ["\n".join(lines(part, language, named=several)) for part in message.parts[:MOST_PARTS]]
    return "\n\n".join([*said, *(text.render(language) for text in message.more)])
