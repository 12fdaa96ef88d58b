"""A figure says whether its target is met: of the ratio where there is one, else of the value."""

from __future__ import annotations

from bench.report import Figure, markdown


def test_a_target_is_compared_with_the_ratio() -> None:
    figure = Figure("a", "Ingest", 5_000, "/s", ratio=0.5, to="bare", at_least=0.6)
    assert figure.met is False
    assert figure.target == "≥ 0.6×"


def test_a_ratio_may_have_a_most() -> None:
    figure = Figure("a", "Page", 5, " ms", ratio=1.1, to="near", at_most=1.5)
    assert figure.met is True and figure.target == "≤ 1.5×"
    assert Figure("a", "Page", 5, " ms", ratio=1.6, to="near", at_most=1.5).met is False


def test_a_target_without_a_ratio_is_compared_with_the_value() -> None:
    figure = Figure("b", "Latency", 12.0, " ms", at_most=50)
    assert figure.met is True
    assert figure.target == "< 50 ms"


def test_a_measure_has_no_target() -> None:
    assert Figure("c", "Bare", 1, "/s").met is None


def test_the_table_shows_every_figure() -> None:
    table = markdown([Figure("a", "Ingest", 5_123, "/s", ratio=0.5, to="bare", at_least=0.6, shown="p50 1 ms")])
    assert table.splitlines()[2:] == ["| Ingest | 5,123/s (p50 1 ms) | 0.50 × bare | ≥ 0.6× | no |"]
