from __future__ import annotations

from typing import Any, cast

import pytest

from core.context import Context
from core.effects import ACTIONS, Call, plan
from core.errors import Invalid
from core.grants import Grants

GRANTS = Grants(actions=frozenset({"log"}))


async def _ran(**params: Any) -> dict[str, Any]:
    action = ACTIONS.get("log")
    call: Call[Any] = Call(
        params=action.params.model_validate(params),
        grants=GRANTS,
        integration_id="int_1",
        integration_name="x",
        event_id="evt_1",
        key="evt_1:1:0",
    )
    outcome = await action.run(cast(Context, None), call)
    message = outcome.answer["log"]["message"]
    assert outcome.detail == message or outcome.detail == message[:79] + "…", "the trace shows how it begins"
    return dict(outcome.answer["log"])


async def test_the_line_is_handed_to_the_pipeline() -> None:
    assert await _ran(message="hello") == {"level": "info", "message": "hello", "fields": {}}
    line = {"level": "error", "message": "x" * 4000, "fields": {"a": [1, None, {"b": "c"}]}}
    assert await _ran(**line) == line


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"message": 1},
        {"message": "x" * 4001},
        {"message": "x", "level": "fatal"},
        {"message": "x", "fields": {"a": {1, 2}}},
        {"message": "x", "fields": {"a": float("nan")}},
        {"message": "x", "fields": {"a": "x" * 17_000}},
        {"message": "x", "more": 1},
    ],
)
def test_what_is_no_line_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=r"Action 1 \(log\)"):
        plan([{"type": "log", **wrong}], GRANTS)


def test_it_promises_exactly_once() -> None:
    assert "exactly once" in str(ACTIONS.get("log").repeats)
