"""The stand-in's issues, labels and hooks: what GitHub refuses is refused, and a hook really delivers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.demo.stand_ins.github.hub import TOKEN, Caller, GitHubStandIn
from tests.stand_ins.github_asking import Target, ask

HOOKS = "/repos/acme/app/hooks"
SECRET = "your-webhook-secret"


async def test_a_public_issue_is_read_without_a_token(hub: GitHubStandIn) -> None:
    assert (await ask(hub, "GET", "/repos/acme/app/issues/1", token=None))[0] == 404
    hub.repositories["acme/app"].private = False
    hub.repositories["acme/app"].issues[0]["labels"].append({"name": "bug"})
    status, issue, headers = await ask(hub, "GET", "/repos/acme/app/issues/1", token=None)
    assert (status, issue["labels"][0]["name"], headers["X-RateLimit-Limit"]) == (200, "bug", "60")
    assert (await ask(hub, "GET", "/repos/acme/app/issues/2", token=None))[0] == 404
    assert (await ask(hub, "POST", "/repos/acme/app/issues/1/labels", ["a"], token=None))[0] == 401
    assert "permissions" not in (await ask(hub, "GET", "/repos/acme/app", token=None))[1]


async def test_labels_come_in_both_forms_and_stay(hub: GitHubStandIn) -> None:
    labels = "/repos/acme/app/issues/1/labels"
    assert (await ask(hub, "POST", labels, ["one"]))[0] == 200
    status, answer, _ = await ask(hub, "POST", labels, {"labels": ["One", "two"]})
    assert (status, [label["name"] for label in answer]) == (200, ["one", "two"])
    assert [label["name"] for label in (await ask(hub, "GET", labels))[1]] == ["one", "two"]
    for wrong in ({"labels": "one"}, [1], {}):
        assert (await ask(hub, "POST", labels, wrong))[0] == 422
    assert (await ask(hub, "POST", "/repos/acme/app/issues/9/labels", ["one"]))[0] == 404


async def test_a_repository_says_what_the_caller_may(hub: GitHubStandIn) -> None:
    all_of_them = {"admin": True, "maintain": True, "push": True, "triage": True, "pull": True}
    assert (await ask(hub, "GET", "/repos/acme/app"))[1]["permissions"] == all_of_them
    hub.callers[TOKEN] = Caller("octocat", may_administer=False)
    assert (await ask(hub, "GET", "/repos/acme/app"))[1]["permissions"] == {
        **all_of_them, "admin": False, "maintain": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("caller", "method", "status"),
    [
        (Caller("octocat"), "GET", 200),
        (Caller("octocat", scopes=("read:repo_hook",)), "GET", 200),
        (Caller("octocat", scopes=("read:repo_hook",)), "POST", 404),
        (Caller("octocat", scopes=("public_repo",)), "GET", 404),
        (Caller("octocat", may_administer=False), "GET", 404),
        (Caller("octocat", scopes=None, may_administer=False), "GET", 403),
    ],
)
async def test_hooks_are_for_who_administers(hub: GitHubStandIn, caller: Caller, method: str, status: int) -> None:
    hub.callers[TOKEN] = caller
    assert (await ask(hub, method, HOOKS))[0] == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"config": {"url": "ftp://x"}}, 422),
        ({"config": {"url": "http://127.0.0.1:1/", "content_type": "xml"}}, 422),
        ({"config": {"url": "http://127.0.0.1:1/"}, "events": "push"}, 422),
        ({"config": {"url": "http://127.0.0.1:1/"}}, 201),
    ],
)
async def test_a_new_hook_is_checked(hub: GitHubStandIn, body: Any, status: int) -> None:
    assert (await ask(hub, "POST", HOOKS, body))[0] == status
    if status == 201:
        assert (await ask(hub, "POST", HOOKS, body))[0] == 422, "the same again"


async def test_a_new_hook_pings_and_masks_its_secret(hub: GitHubStandIn, target: Target) -> None:
    config = {"url": target.url, "content_type": "json", "secret": SECRET}
    _, made, _ = await ask(hub, "POST", HOOKS, {"config": config, "events": ["issues"]})
    assert made["config"] == {**config, "secret": "********", "insecure_ssl": "0"}
    async with asyncio.timeout(5):
        while not (await ask(hub, "GET", f"{HOOKS}/{made['id']}/deliveries"))[1]:
            await asyncio.sleep(0.01)
    assert target.got[0][0]["X-GitHub-Event"] == "ping"
    changed = {"config": {"url": target.url}, "add_events": ["push"], "remove_events": ["issues"], "active": False}
    status, hook, _ = await ask(hub, "PATCH", f"{HOOKS}/{made['id']}", changed)
    assert (status, hook["events"], hook["active"], "secret" in hook["config"]) == (200, ["push"], False, False)
    assert await hub.hooks.happen("acme/app", "push", {}) == []


async def test_a_delivery_is_signed_listed_and_made_again(hub: GitHubStandIn, target: Target) -> None:
    hook = hub.hooks.add("acme/app", target.url, secret=SECRET, events=("issues",))
    deliveries = f"{HOOKS}/{hook.id}/deliveries"
    [lost] = hub.hooks.lose("acme/app", "issues", {"action": "opened"})
    assert not target.got
    status, answer, _ = await ask(hub, "POST", f"{deliveries}/{lost['id']}/attempts")
    assert (status, answer) == (202, {})
    headers, body = target.got[0]
    assert json.loads(body) == {"action": "opened"}
    assert headers["X-GitHub-Delivery"] == lost["guid"]
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={signature}"
    listed = (await ask(hub, "GET", deliveries))[1]
    assert [(d["guid"], d["redelivery"], d["status_code"], d["status"], d["action"]) for d in listed] == [
        (lost["guid"], True, 202, "OK", "opened"),
        (lost["guid"], False, 502, "failed to connect to host", "opened"),
    ]
    _, one, _ = await ask(hub, "GET", f"{deliveries}/{listed[0]['id']}")
    assert one["request"]["payload"] == {"action": "opened"}
    assert one["request"]["headers"]["X-GitHub-Event"] == "issues"
    assert [d["id"] for d in (await ask(hub, "GET", f"{deliveries}?redelivery=false"))[1]] == [lost["id"]]
    assert (await ask(hub, "POST", f"{deliveries}/1/attempts"))[0] == 404
    hub.hooks.redeliveries_limited = 5
    limited, _, told = await ask(hub, "POST", f"{deliveries}/{lost['id']}/attempts")
    assert (limited, told["Retry-After"]) == (403, "5")


async def test_an_event_has_one_guid_at_every_hook(hub: GitHubStandIn, target: Target) -> None:
    """Shared "with all deliveries for all webhooks that subscribe to this event" (GitHub's REST description)."""
    for path in ("/one", "/two"):
        hub.hooks.add("acme/app", target.url + path, events=("push",))
    lost = hub.hooks.lose("acme/app", "push", {})
    told = await hub.hooks.happen("acme/app", "push", {})
    assert len({one["guid"] for one in lost}) == len({one["guid"] for one in told}) == 1
    assert lost[0]["guid"] != told[0]["guid"] and len({one["id"] for one in (*lost, *told)}) == 4


async def test_deliveries_come_in_pages_newest_first_and_for_three_days(hub: GitHubStandIn, target: Target) -> None:
    hub.hooks.add("acme/app", target.url)
    now = 1_700_000_000.0
    hub.now = lambda: now
    sent = [hub.hooks.lose("acme/app", "push", {"n": n})[0]["id"] for n in range(5)]
    url, seen, pages = f"{HOOKS}/1/deliveries?per_page=2", [], 0
    while url:
        _, listed, headers = await ask(hub, "GET", url)
        seen += [delivery["id"] for delivery in listed]
        link = headers.get("Link", "")
        url, pages = link[1 : link.index(">")] if 'rel="next"' in link else "", pages + 1
        assert not url or "cursor" in parse_qs(urlsplit(url).query)
    assert (seen, pages) == (sent[::-1], 3)
    assert (await ask(hub, "GET", f"{HOOKS}/1/deliveries?cursor=x"))[0] == 422
    now += 3 * 24 * 3600 + 1
    assert (await ask(hub, "GET", f"{HOOKS}/1/deliveries"))[1] == []


async def test_a_delivery_says_how_it_ended(hub: GitHubStandIn, target: Target) -> None:
    hub.hooks.add("acme/app", target.url)
    target.status = 503
    [refused] = await hub.hooks.happen("acme/app", "push", {})
    assert (refused["status_code"], refused["status"]) == (503, "Invalid HTTP Response: 503")
    hub.hooks.all[1].config["url"] = "http://127.0.0.1:1/"
    [failed] = await hub.hooks.happen("acme/app", "push", {})
    assert failed["status_code"] == 502
    hub.hooks.all[1].config |= {"url": target.url, "content_type": "form"}
    await hub.hooks.happen("acme/app", "push", {"n": 1})
    assert parse_qs(target.got[-1][1].decode()) == {"payload": ['{"n":1}']}
