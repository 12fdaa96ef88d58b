"""How steps are gathered into rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.events.passes import ENGINES_OWN, Mark, rows

names = st.sampled_from([*sorted(ENGINES_OWN), "http_request", "log"])
steps = st.lists(
    st.builds(Mark, names, st.integers(1, 2), st.integers(1, 3), st.sampled_from(["success", "error", "skipped"]))
)


def _same(mark: Mark) -> Mark:
    return mark


def test_a_replay_is_no_action_and_what_follows_is_a_pass_of_its_own() -> None:
    found = rows(
        [
            Mark("transform", 1, 1, "success"),
            Mark("log", 1, 1, "success"),
            Mark("http_request", 1, 1, "error"),
            Mark("replay", 1, 1, "success"),
            Mark("log", 1, 1, "skipped"),
            Mark("http_request", 1, 1, "success"),
        ],
        _same,
    )
    assert [(row.place, row.is_action, [step.status for step in row.steps]) for row in found] == [
        ("transform", False, ["success"]),
        ("0", True, ["success", "skipped"]),
        ("1", True, ["error", "success"]),
        ("replay", False, ["success"]),
    ]


@given(steps)
def test_every_step_is_in_one_row_that_is_of_its_kind(given: list[Mark]) -> None:
    found = rows(given, _same)
    assert sorted(map(repr, given)) == sorted(repr(step) for row in found for step in row.steps)
    assert all(row.is_action != (step.name in ENGINES_OWN) for row in found for step in row.steps)
    assert all(step.run == row.run for row in found for step in row.steps)
