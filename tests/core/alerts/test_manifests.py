"""The rules that a package brings: checked like everybody's when it is verified."""

from __future__ import annotations

from typing import Any

import pytest

from core import packages
from core.errors import Invalid
from core.handler import Load, Ran
from tests.packages import package

HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
RULE: dict[str, Any] = {"name": "Slow", "condition": "latency_p95 > 2s", "notification_channels": ["slack"]}


class Nothing:
    """A sandbox in which every handler asks for nothing."""

    async def run(self, source: str, *, event: Any, config: Any, owner: str, payload_size: int = 0) -> Ran:
        """Return no actions."""
        return Ran([], "", 0.001)

    def load(self) -> Load:
        """Return how busy it is."""
        return Load(1, 1, 0)


async def _verify(alerts: list[Any]) -> None:
    made = package(HANDLER, "example.com", alerts=alerts)
    await packages.verify(packages.read(made["files"]), sandbox=Nothing())


async def test_good_rules_are_taken() -> None:
    await _verify([RULE, {**RULE, "name": "Slower", "severity": "critical", "description": "Look at the queue."}])


@pytest.mark.parametrize(
    ("rules", "path", "reason"),
    [
        (["latency_p95 > 2s"], "alerts.0", "must be an object"),
        ([RULE, {**RULE, "name": "x", "condition": "latncy_p95 > 2s"}], "alerts.1.condition", "mean latency_p95"),
        ([{**RULE, "severity": "fatal"}], "alerts.0.severity", "critical"),
        ([{**RULE, "notification_channels": ["pager://me"]}], "alerts.0.notification_channels.0", "discord, email"),
        ([RULE, RULE], "alerts.1.name", "another rule"),
        ([{**RULE, "surprise": 1}], "alerts.0.surprise", "not a known key"),
        ([{**RULE, "name": f"r{n}"} for n in range(51)], "alerts", "at most 50"),
    ],
)
async def test_wrong_ones_are_refused_by_file_and_path(rules: list[Any], path: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        await _verify(rules)
    assert (caught.value.details["file"], caught.value.details["path"]) == ("integration.yaml", path)
    assert reason in str(caught.value)
