"""GitLab's hooks; the payloads have the shapes of its documentation."""

from __future__ import annotations

import pytest

from core.errors import Malformed, Unauthenticated
from core.sources import Delivery, Identity
from tests.core.sources.samples import NOW, arrived, source

GITLAB, PARAMS = source("gitlab")


@pytest.mark.parametrize(
    ("event", "payload", "event_type"),
    [
        ("Push Hook", {"object_kind": "push"}, "push"),
        ("Tag Push Hook", {"object_kind": "tag_push"}, "tag_push"),
        ("Pipeline Hook", {"object_attributes": {"status": "success", "id": 31}}, "pipeline.success"),
        ("Merge Request Hook", {"object_attributes": {"action": "open", "state": "opened"}}, "merge_request.open"),
        (
            "Issue Hook",
            {"object_attributes": {"status": {"id": 1, "name": "To do"}, "action": "close"}},
            "issue.close",
        ),
        ("Confidential Issue Hook", {"object_attributes": {"action": "update"}}, "confidential_issue.update"),
        ("Note Hook", {"object_attributes": {"note": "hi", "action": None}}, "note"),
        ("Job Hook", {"object_kind": "build", "build_status": "created"}, "job.created"),
        ("Deployment Hook", {"object_kind": "deployment", "status": "failed"}, "deployment.failed"),
        ("Release Hook", {"object_kind": "release", "action": "create"}, "release.create"),
        ("System Hook", {"event_name": "project_create"}, "system"),
        ("Push Hook", ["status"], "push"),
        ("Push Hook", "status", "push"),
        ("Push Hook", {"object_attributes": ["status"]}, "push"),
    ],
)
def test_types(event: str, payload: object, event_type: str) -> None:
    delivery = Delivery({"x-gitlab-event": event}, b"")
    assert GITLAB.identify(PARAMS, delivery, payload) == Identity(event_type, None)
    request = GITLAB.sign(PARAMS, secret="s", event_type=event_type, delivery_id="d", payload=payload, now=NOW)
    assert request.headers["X-Gitlab-Event"] == event
    assert GITLAB.parse(arrived(request)) == payload


@pytest.mark.parametrize("event_type", ["pipeline.failed", "job.success", "release.create", "deployment.x", "issue.a"])
def test_signing_puts_the_detail_where_gitlab_has_it(event_type: str) -> None:
    delivery = arrived(GITLAB.sign(PARAMS, secret="s", event_type=event_type, delivery_id="d", payload={}, now=NOW))
    assert GITLAB.identify(PARAMS, delivery, GITLAB.parse(delivery)) == Identity(event_type, "d")


def test_the_delivery_id_is_what_retries_repeat() -> None:
    headers = {"x-gitlab-event": "Push Hook", "x-gitlab-event-uuid": "chain", "x-gitlab-webhook-uuid": "attempt"}
    assert GITLAB.identify(PARAMS, Delivery(headers, b""), {}).delivery_id is None
    headers["idempotency-key"] = "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"
    assert GITLAB.identify(PARAMS, Delivery(headers, b""), {}).delivery_id == "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"


def test_the_event_must_be_named() -> None:
    with pytest.raises(Malformed, match="X-Gitlab-Event"):
        GITLAB.identify(PARAMS, Delivery({}, b""), {})


@pytest.mark.parametrize("token", ["tok", "token ", "Token", "tokenn", "токен", "\udcff"])
def test_the_token_must_be_equal(token: str) -> None:
    delivery = Delivery({"x-gitlab-token": token}, b"")
    assert GITLAB.verify(PARAMS, delivery, secrets=["no", token], now=NOW) == "X-Gitlab-Token"
    with pytest.raises(Unauthenticated) as caught:
        GITLAB.verify(PARAMS, delivery, secrets=["token", "no"], now=NOW)
    assert caught.value.details["reason"] == "mismatch"
    assert "token " not in str(caught.value)
