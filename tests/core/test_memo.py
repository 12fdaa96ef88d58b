"""What is kept in memory, and that who reads can tell whether it was dropped meanwhile."""

from __future__ import annotations

from core.memo import MOST, Memo


def test_it_keeps_and_drops() -> None:
    memo = Memo()
    memo.put("a", 1, seconds=60)
    assert memo.get("a") == 1
    memo.drop("a")
    assert memo.get("a") is None


def test_what_is_too_old_is_gone() -> None:
    memo = Memo()
    memo.put("a", 1, seconds=-1)
    assert memo.get("a") is None


def test_a_drop_is_seen_by_who_reads_at_that_time() -> None:
    """A read that began before a change must not be kept after it: it compares the number of drops."""
    memo = Memo()
    before = memo.drops
    memo.drop("a")
    assert memo.drops != before


def test_it_never_grows_without_end() -> None:
    memo = Memo()
    for i in range(MOST + 1):
        memo.put(i, i, seconds=60)
    assert memo.get(MOST) == MOST and memo.get(0) is None
