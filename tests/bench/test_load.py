"""The load generator counts what is answered, and says what was refused."""

from __future__ import annotations

from dataclasses import asdict
from urllib.parse import urlsplit

import pytest

from bench import load, processes


def run(**wish: object) -> load.Found:
    with processes.running(processes.module("bare")) as ready:
        whole = {
            "port": urlsplit(ready["address"]).port,
            "path": "/webhooks/x",
            "size": 3_000,
            "connections": 4,
            **wish,
        }
        return load.Found(**processes.outcome(processes.module("load", whole)))


@pytest.mark.slow
def test_as_many_as_wished_are_sent_and_counted() -> None:
    found = run(count=50)
    assert (found.accepted, found.others) == (50, {})
    assert 0 < found.p50_ms <= found.p99_ms


@pytest.mark.slow
def test_a_refusal_is_no_success() -> None:
    found = run(count=10, secret="not the servers")
    assert (found.accepted, found.others) == (0, {"401": 10})


@pytest.mark.slow
def test_a_rate_is_kept_to() -> None:
    found = run(rate=100, seconds=1.0)
    assert found.others == {}
    assert 60 <= found.accepted <= 101


def test_a_wish_survives_its_way_to_the_process() -> None:
    wish = load.Wish(port=1, path="/webhooks/x", size=10)
    assert load.Wish(**asdict(wish)) == wish


def test_percentiles() -> None:
    ordered = [float(n) for n in range(100)]
    assert (load.percentile(ordered, 0.5), load.percentile(ordered, 0.99), load.percentile([], 0.5)) == (50, 99, 0)
