"""The pure parts: addresses that nearly fit, attempts that belong together, reasons in words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Upstream
from core.gaps.addresses import LOGIN, REPOSITORY, nearly
from core.gaps.deliveries import Listed, gather, is_ours, parse, reason
from core.gaps.hooks import bare

ID = "int_01ABC"
EXPECTED = f"https://hooks.example.com/webhooks/{ID}"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (EXPECTED, True),
        (f"https://HOOKS.example.com/webhooks/{ID}", True),
        (f"https://hooks.example.com/webhook/{ID}", "its path is"),
        (f"https://hooks.example.com/webhooks/{ID}/", "its path is"),
        (f"https://hooks.example.com/webhooks/{ID.lower()}", "its path is"),
        (f"https://hooks.example.com/{ID}", "its path is"),
        ("https://hooks.example.com/webhooks/my-slug", "not with the id"),
        (f"https://other.example.com/webhooks/{ID}", "its host is other.example.com"),
        (f"http://hooks.example.com/webhooks/{ID}", "begins with http://"),
        ("https://hooks.example.com/webhooks/int_other", None),
        ("https://ci.example.com/my-slug", None),
        ("https://[broken/webhooks", None),
        ("", None),
    ],
)
def test_an_address_that_nearly_fits(url: str, said: object) -> None:
    found = nearly(url, expected=EXPECTED, slug="my-slug", public=True)
    assert str(found).startswith(said) or said in str(found) if isinstance(said, str) else found is said


def test_without_a_public_address_only_the_path_counts() -> None:
    url = f"https://tunnel.example.com/webhooks/{ID}"
    assert nearly(url, expected=f"http://127.0.0.1:8080/webhooks/{ID}", slug="s", public=False) is True


@given(st.text(max_size=60))
def test_any_text_may_be_an_address(url: str) -> None:
    assert nearly(url, expected=EXPECTED, slug="my-slug", public=True) in (None, True) or url


@pytest.mark.parametrize("name", ["a/b", "Acme-1/app.js", "a/_x-y.", "a/..."])
def test_names_of_repositories(name: str) -> None:
    assert REPOSITORY.fullmatch(name)


@pytest.mark.parametrize("name", ["a", "a/b/c", "../b", "a/..", "a/.", "a/b?x", "a/b#", "a b/c", "-a/b", "a/", "/b"])
def test_what_is_no_name_of_a_repository(name: str) -> None:
    assert not REPOSITORY.fullmatch(name)
    assert not LOGIN.fullmatch(name) or "/" not in name


def listed(id: int, guid: str, code: int = 502, **more: Any) -> Listed:
    (one,) = parse(
        [{"id": id, "guid": guid, "delivered_at": f"2026-01-01T00:00:{id:02}Z", "status_code": code, **more}]
    )
    return one


def test_attempts_of_one_event_belong_together() -> None:
    newer = gather({}, [listed(9, "b"), listed(8, "a", 401, redelivery=True)])
    older = gather(newer, [listed(2, "a", 502), listed(1, "c", 202)])
    assert older.keys() == {"a", "c"}
    assert (older["a"].newest.id, older["a"].attempts, older["a"].acknowledged) == (8, 2, None)
    assert older["a"].at == listed(2, "a").at and older["a"].redelivered
    assert older["c"].acknowledged == 1
    assert gather({}, [listed(8, "a", 401), listed(2, "a", 202)])["a"].acknowledged == 2
    assert gather(newer, [listed(2, "a", 202)])["a"].acknowledged == 2


@pytest.mark.parametrize("page", [None, {}, "x", [1], [{"id": 1}], [{"id": 1, "guid": "a", "delivered_at": "soon"}]])
def test_what_is_no_list_of_deliveries(page: object) -> None:
    with pytest.raises(Upstream, match="cannot be read"):
        parse(page)


def test_an_answer_of_the_engine() -> None:
    assert is_ours('{"event_id": "evt_1", "status": "queued"}') and is_ours({"event_id": "evt_1"})
    others: list[Any] = [None, "", "OK", "[]", '{"event_id": 1}', '{"event_id": "x"}', 7, {}]
    for other in others:
        assert not is_ours(other)


@given(st.integers(0, 999), st.text(max_size=20))
def test_every_status_has_words(code: int, status: str) -> None:
    assert str(reason(code, status))


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert bare("https://user:pass@x.example/a/b?key=1") == "https://x.example/a/b"
