"""GitHub's deliveries compared with what is stored: through HTTP, with a GitHub that really delivers."""

from __future__ import annotations

import asyncio

import pytest

from core.demo.stand_ins.github.hub import TOKEN, Caller
from core.gaps.github import MOST_PAGES
from storage import accept
from tests.core.gaps.conftest import BOTH, SECRET, Watched
from tests.engines import running
from tests.packages import package

GONE = 3 * 86400 + 1


async def test_who_asks_first_has_it_looked_at(watched: Watched) -> None:
    lost = watched.lose(1)
    found = await watched.client.ask("GET", f"{watched.path}/events/gaps")
    assert [gap["key"] for gap in found["gaps"]] == [lost["guid"]]
    assert found["checked_at"] is not None and found["complete"]
    assert (found["method"], found["healing"]) == ("github_deliveries", False)
    watched.lose(1)
    again = await watched.client.ask("GET", f"{watched.path}/events/gaps")
    assert (again["gaps"], again["checked_at"]) == (found["gaps"], found["checked_at"])  # from then on it asks nobody


async def test_what_never_arrived_is_listed_with_the_reason(watched: Watched) -> None:
    await watched.happen(1)
    lost = watched.lose(2)
    await watched.happen(3)
    found = await watched.check()
    (gap,) = found["gaps"]
    assert (found["complete"], found["problem"], found["findings"], found["total"]) == (True, None, [], 1)
    assert (gap["key"], gap["kind"], gap["state"], gap["asked"]) == (lost["guid"], "delivery", "open", 0)
    assert gap["message"] == "GitHub sent push and it never arrived: GitHub could not connect."
    assert gap["detail"] | {"status_code": 502, "delivery_id": lost["id"], "event": "push"} == gap["detail"]
    assert await watched.gaps() == [gap]
    assert await watched.gaps("closed") == []


async def test_our_own_refusals_are_said_in_words(watched: Watched) -> None:
    """Really delivered and really refused: a wrong secret, an integration that is paused, an address that is none."""
    watched.hook.config["secret"] = "another-secret"
    assert (await watched.happen(1))["status_code"] == 401
    watched.hook.config["secret"] = SECRET
    await watched.client.ask("POST", f"{watched.path}/pause")
    assert (await watched.happen(2))["status_code"] == 403
    await watched.client.ask("POST", f"{watched.path}/activate")
    url = watched.hook.config["url"]
    watched.hook.config["url"] = url.replace("/webhooks/", "/webhook/")
    assert (await watched.happen(3))["status_code"] == 404
    watched.hook.config["url"] = url
    messages = [gap["message"].partition(": ")[2] for gap in (await watched.check())["gaps"]]
    assert sorted(messages) == [
        "the integration was not active.",
        "the signature was refused: the secret at GitHub is not the one here.",
        "there is nothing at the address that the hook has.",
    ]


@BOTH
async def test_the_next_look_closes_what_has_arrived(watched: Watched) -> None:
    lost = watched.lose(1)
    await watched.check()
    watched.clock.move(3600)
    await watched.hub.hooks.again(lost["id"])
    found = await watched.check()
    assert found["gaps"] == []
    (closed,) = await watched.gaps("closed")
    assert (closed["closed_why"], closed["state"]) == ("arrived", "closed")
    assert len(await watched.events()) == 1


@BOTH
async def test_a_redelivery_does_not_count_twice(watched: Watched) -> None:
    """The attempts of one event share its guid: one gap while none got through, none once one did."""
    lost, refused = watched.lose(1), watched.lose(2)
    watched.hook.config["secret"] = "another-secret"
    await watched.hub.hooks.again(refused["id"])
    watched.hook.config["secret"] = SECRET
    await watched.hub.hooks.again(lost["id"])
    (gap,) = (await watched.check())["gaps"]
    assert (gap["key"], gap["detail"]["attempts"], gap["detail"]["status_code"]) == (refused["guid"], 2, 401)
    watched.clock.move(60)
    await watched.hub.hooks.again(lost["id"])
    assert len((await watched.check())["gaps"]) == 1


@BOTH
async def test_it_goes_back_page_by_page_and_only_to_the_last_look(watched: Watched) -> None:
    lost = [watched.lose(n)["guid"] for n in range(250)]
    found = await watched.check()
    assert (found["total"], found["complete"], len(found["gaps"])) == (250, True, 200)
    assert {gap["key"] for gap in await watched.gaps()} <= set(lost)
    asked = _pages(watched)
    assert asked == 3
    await watched.check()
    assert _pages(watched) == asked + 1


@pytest.mark.slow
async def test_more_than_one_look_can_read_is_left_to_the_next(watched: Watched) -> None:
    """Beyond the bounds the next look goes on where this one stopped, and what has happened since is not forgotten."""
    count = MOST_PAGES * 100 + 150
    for n in range(count):
        watched.lose(n)
    found = await watched.check()
    assert (found["total"], found["complete"]) == (MOST_PAGES * 100, False)
    watched.lose(count)
    found = await watched.check()
    assert (found["total"], found["complete"]) == (count + 1, True)
    assert (await watched.check())["total"] == count + 1


@pytest.mark.slow
async def test_a_place_that_github_knows_no_more_does_not_end_it(watched: Watched) -> None:
    for n in range(MOST_PAGES * 100 + 1):
        watched.lose(n)
    assert not (await watched.check())["complete"]
    watched.clock.move(GONE)
    watched.lose(0)
    found = await watched.check()
    assert (found["total"], found["complete"]) == (1, True), "those of the first look are gone"
    assert {gap["closed_why"] for gap in await watched.gaps("closed")} == {"gone"}


async def test_what_the_engine_acknowledged_is_not_lost(watched: Watched) -> None:
    """The payload's key repeats, so no event has this guid; and after the window no key is left either."""
    await watched.client.ask("PATCH", f"{watched.path}/config", {"deduplication_key": "n", "idempotency_window": "1s"})
    await watched.happen(1)
    assert (await watched.happen(1))["status_code"] == 200
    watched.clock.move(60)
    await watched.client.engine.ctx.db.write(accept.forget, watched.clock.now())  # as the scheduler does
    assert (await watched.check())["gaps"] == []
    assert len(await watched.events()) == 1


async def test_something_else_that_answered_is_told(watched: Watched) -> None:
    """A 2xx that is not the engine's: the address led elsewhere."""
    watched.lose(1, status_code=200)
    (gap,) = (await watched.check())["gaps"]
    assert "something else than this engine answered it (200)" in gap["message"]


async def test_what_was_sent_before_the_integration_was_there_is_not_missed(watched: Watched) -> None:
    made = await watched.client.ask("GET", watched.path)
    assert made["status"] == "active"
    watched.clock.move(-3600)
    watched.lose(1)
    watched.clock.move(3600)
    assert (await watched.check())["gaps"] == []


async def test_a_ping_is_nobodys_event(watched: Watched) -> None:
    watched.hook.events.append("ping")
    watched.hub.hooks.lose("acme/app", "ping", {"zen": "Design for failure."})
    found = await watched.check()
    assert (found["gaps"], found["complete"]) == ([], True)


async def test_the_hook_is_learned_from_what_arrives(watched: Watched) -> None:
    """No setting names its repository, and its address has a host that only a proxy knows."""
    watched.hub.repositories["else/where"] = watched.hub.repositories.pop("acme/app")
    watched.hook.repository = "else/where"
    found = await watched.check()
    assert found["problem"]["error"] == "GitHub hook not readable"
    await watched.hub.hooks.happen("else/where", "push", {"n": 1, "repository": {"full_name": "else/where"}})
    (lost,) = watched.hub.hooks.lose("else/where", "push", {"n": 2})
    found = await watched.check()
    assert ([gap["key"] for gap in found["gaps"]], found["problem"]) == ([lost["guid"]], None)


@pytest.mark.parametrize("name", ["../../user", "acme", "acme/..", "acme/app/hooks", "a b/c", 7, None])
async def test_a_payload_leads_nowhere_else(watched: Watched, name: object) -> None:
    """What a delivery calls its repository goes into no path unless it is a repository's name."""
    await watched.hub.hooks.happen("acme/app", "push", {"n": 1, "repository": {"full_name": name}})
    found = await watched.check()
    assert found["problem"] is None, "found by looking through the hooks"
    paths = {path for _, path in watched.hub.requests}
    assert paths == {"/repos/acme/app/hooks", "/repos/acme/app/hooks/1", "/repos/acme/app/hooks/1/deliveries"}


@BOTH
async def test_a_hook_that_is_gone_gives_way_to_its_successor(watched: Watched) -> None:
    await watched.happen(1)
    await watched.check()
    del watched.hub.hooks.all[watched.hook.id]
    found = await watched.check()
    assert found["problem"]["error"] == "GitHub hook not readable"
    watched.hub.hooks.add("acme/app", watched.hook.config["url"], secret=SECRET)
    watched.clock.move(1)
    await watched.happen(2)
    assert (await watched.check())["problem"] is None
    assert (await watched.check())["problem"] is None


async def test_near_misses_of_the_address_are_told(watched: Watched) -> None:
    right = watched.hook.config["url"]
    watched.hook.config["url"] = right.replace("/webhooks/", "/webhook/")
    found = await watched.check()
    (finding,) = found["findings"]
    assert (finding["kind"], finding["hook_id"], finding["repository"]) == ("hook", 1, "acme/app")
    assert f"its path is /webhook/{watched.id}, not /webhooks/{watched.id}" in finding["message"]
    assert (found["complete"], found["gaps"]) == (False, [])
    watched.hook.config["url"] = right
    found = await watched.check()
    assert (found["findings"], found["complete"]) == ([], True)


async def test_no_hook_at_all(watched: Watched) -> None:
    watched.hook.config["url"] = "https://example.com/other?secret=hidden"
    found = await watched.check()
    assert found["problem"]["error"] == "GitHub hook not found"
    assert "No hook of acme/app sends to" in found["problem"]["message"]
    assert (found["complete"], found["findings"]) == (False, [])


async def test_what_is_wrong_with_a_hook_is_told(watched: Watched) -> None:
    await watched.happen(1)
    await watched.check()
    del watched.hook.config["secret"]
    watched.hook.config["url"] = "https://example.com/"
    watched.hook.active, watched.hook.events = False, ["issues"]
    messages = " ".join(finding["message"] for finding in (await watched.check())["findings"])
    for part in ("switched off", "has no secret", "does not send here any more", "does not send event, push"):
        assert part in messages


@pytest.mark.parametrize(
    ("caller", "said"),
    [
        (Caller("octocat", scopes=("repo_deployment",)), "admin:repo_hook"),
        (Caller("octocat", may_administer=False), "must administer it"),
        (Caller("octocat", scopes=None, may_administer=False), "repository_hooks=read"),
    ],
)
async def test_what_the_token_lacks_is_told(watched: Watched, caller: Caller, said: str) -> None:
    watched.hub.callers[TOKEN] = caller
    for _ in range(2):
        found = await watched.check()
        assert said in found["problem"]["message"] and not found["complete"]
    watched.hub.callers[TOKEN] = Caller("octocat")
    assert (await watched.check())["problem"] is None


async def test_a_wrong_token_is_told_and_its_own_goes_first(watched: Watched) -> None:
    watched.hub.callers = {"ghp_own": Caller("own")}
    assert "GITHUB_TOKEN is wrong" in (await watched.check())["problem"]["message"]
    await watched.client.ask("PATCH", f"{watched.path}/config", {"github_token": "ghp_own"})
    assert (await watched.check())["problem"] is None


async def test_without_github_it_says_which_setting_lacks(
    watched: Watched, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("bare")
    async with running(folder) as client:
        made = await client.install(
            package(
                "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n", "x", source={"kind": "github"}
            ),
            webhook_secret=SECRET,
        )
        found = await client.ask("POST", f"/v1/integrations/{made['id']}/gaps/check")
        assert found["problem"]["error"] == "Not configured"
        assert "GITHUB_TOKEN" in found["problem"]["message"]


async def test_a_rate_limit_is_waited_for_and_loses_nothing(watched: Watched) -> None:
    lost = watched.lose(1)
    watched.hub.secondary_limit = 90
    found = await watched.check()
    assert "in 90 s" in found["problem"]["message"] and not found["complete"]
    asked = len(watched.hub.requests)
    watched.hub.secondary_limit = None
    watched.clock.move(60)
    found = await watched.check()
    assert "in 90 s" in found["problem"]["message"] and len(watched.hub.requests) == asked, "GitHub is left in peace"
    watched.clock.move(31)
    found = await watched.check()
    assert (found["problem"], [gap["key"] for gap in found["gaps"]]) == (None, [lost["guid"]])


async def test_one_look_at_a_time(watched: Watched) -> None:
    async def ask() -> int:
        url = f"http://ccb{watched.path}/gaps/check"
        async with watched.client.local.post(url) as answer:
            return answer.status

    found = sorted(await asyncio.gather(*(ask() for _ in range(5))))
    assert found[0] == 200 and set(found) <= {200, 409}


async def test_who_may(watched: Watched) -> None:
    key = await watched.client.ask(
        "POST", "/v1/auth/tokens", {"name": "reader", "permissions": ["events.read"]}, status=201
    )
    headers = {"Authorization": f"Bearer {key['token']}"}
    base = watched.client.engine.report.address + watched.path
    async with watched.client.public.get(f"{base}/events/gaps", headers=headers) as answer:
        assert answer.status == 200
    for path in ("check", "heal"):
        async with watched.client.public.post(f"{base}/gaps/{path}", headers=headers) as answer:
            assert answer.status == 403
    await watched.client.ask("GET", "/v1/integrations/nobody/events/gaps", status=404)
    await watched.client.ask("GET", f"{watched.path}/events/gaps?state=lost", status=422)


def _pages(watched: Watched) -> int:
    return sum(path.endswith("/deliveries") for _, path in watched.hub.requests)
