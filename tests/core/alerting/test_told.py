"""Whether somebody was told of an alert, in a sentence: one for each way in which it can come."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from core.alerting.told import told
from core.texts import T
from storage.alert_outbox import AlertMessageRow, AlertOutbox
from storage.alerts import Alert, AlertHistory

NOW = 1000.0


def _alert(**more: Any) -> Alert:
    fixed = {
        "id": "alt_1", "rule_id": "alr_1", "integration_id": "int_1", "integration": "X", "name": "Errors",
        "condition": "failed > 0", "severity": "info", "channels": "[]", "status": "firing", "started_at": 0.0,
        "fired_at": 10.0,
    }  # fmt: skip
    return Alert(**{**fixed, **more})


def _line(kind: str, **data: Any) -> AlertHistory:
    return AlertHistory(alert_id="alt_1", at=1.0, kind=kind, data=orjson.dumps(data).decode())


def _message(channel: str, *, told_at: float | None = None, **item: Any) -> tuple[AlertMessageRow, list[AlertOutbox]]:
    row = AlertMessageRow(id="alm_1", channel=channel, group_key="", joins_until=0.0, told_at=told_at)
    fixed = {"message_id": "alm_1", "channel": channel, "alert_id": "alt_1", "kind": "fired", "created_at": 0.0,
             "run_at": 0.0}  # fmt: skip
    answer = {"answer": T("{x}", x=item.pop("said")).dump()} if "said" in item else {}
    return row, [AlertOutbox(**{**fixed, **item, **answer})]


ENDED = {"ended_at": 900.0, "status": "resolved"}
PLANNED = _line("planned", channels=[])


@pytest.mark.parametrize(
    ("alert", "history", "messages", "said"),
    [
        (_alert(status="pending", fired_at=None), [], [], "not held for long enough"),
        (_alert(status="withdrawn", fired_at=None, ended_at=5.0), [], [], "ended before it had held"),
        (_alert(), [], [], "the next look plans it"),
        (_alert(told_at=10.0), [PLANNED], [], "the rule names no channel"),
        (_alert(silenced_by="sil_1"), [_line("silenced", silence="sil_1")], [], "Nobody was told: the silence sil_1"),
        (_alert(snoozed_until=2000.0, snoozed_by="ann"), [], [], "ann has snoozed it"),
        (_alert(acknowledged_at=5.0, acknowledged_by="ann"), [], [], "ann has acknowledged it"),
        (_alert(flapping=True), [_line("damped", fired=4)], [], "told when it lasts for 15 minutes"),
        (_alert(flapping=True, **ENDED), [_line("damped", fired=4)], [], "did not last for 15 minutes"),
        (_alert(**ENDED), [], [], "ended before a message was planned"),
        (_alert(), [], [_message("slack://a")], "It is about to be told in slack://a."),
        (_alert(), [], [_message("slack://a", attempts=2, said="busy")],
         "slack://a has not taken it yet, and is tried again; 2 attempts failed: busy"),
        (_alert(), [], [_message("slack://a", attempts=1, said="gone", settled_at=9.0, result="dead")],
         "It was not told in slack://a: given up after 1 attempt: gone"),
        (_alert(), [], [_message("slack://a", settled_at=9.0, result="skipped")], "It was not told in slack://a."),
        (_alert(), [], [_message("slack://a", told_at=8.0), _message("email", told_at=8.0)],
         "It was told in slack://a, email."),
        (_alert(told_at=8.0, silenced_by="sil_2"), [], [_message("email", told_at=8.0)],
         "It was told in email. It is not told again: the silence sil_2 covers it."),
        (_alert(told_at=8.0, acknowledged_at=9.0, acknowledged_by="ann", **ENDED), [], [_message("email", told_at=8.0)],
         "It was told in email."),
    ],
)  # fmt: skip
def test_each_way_has_its_sentence(alert: Alert, history: Any, messages: Any, said: str) -> None:
    whole = " ".join(map(str, told(alert, history, messages, now=NOW)))
    assert whole == said if said.startswith(("It ", "slack")) else said in whole
