"""gaps: what GitHub sent and never arrived, found and asked for again from Slack."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import audit
from core.demo.stand_ins.github.hub import TOKEN, GitHubStandIn
from core.demo.stand_ins.slack import ANNA, BORIS, CAROL
from tests.chatbot.conftest import House, connected, text_of
from tests.contexts import MovableClock
from tests.core.gaps.conftest import LOG, LOGGED, REPOSITORY, SECRET
from tests.packages import package


@pytest.mark.slow
async def test_gaps_are_found_and_mended(tmp_path: Path, clock: MovableClock) -> None:
    async with GitHubStandIn() as hub:
        hub.now = clock.now
        given = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": hub.url, "GITHUB_REPOSITORY": "acme/app"}
        roles = {"CCB_SLACK_ADMINS": ANNA, "CCB_SLACK_OPERATORS": "S0OPS"}
        async with connected(tmp_path / "data", clock, **given, **roles) as house:
            made = await house.client.install(
                package(LOG, "example.com", expected=LOGGED, source={"kind": "github", "events": ["push", "event"]}),
                webhook_secret=SECRET,
            )
            url = f"{house.client.engine.report.address}/webhooks/{made['id']}"
            hub.hooks.add("acme/app", url, secret=SECRET, events=("push", "event"))
            clock.move(10)
            await _walk(house, hub)


async def _walk(house: House, hub: GitHubStandIn) -> None:
    slack = house.slack
    assert "Which integration?" in text_of(await house.type("gaps"))
    looked = await house.type("gaps forward", user=CAROL)
    assert ":large_green_circle: nothing is missing" in text_of(looked)
    assert "by comparing with what GitHub has sent" in text_of(looked)
    hub.hooks.lose("acme/app", "push", {"n": 1, "repository": REPOSITORY}, status_code=502)
    assert "role operator" in text_of(await house.press(looked, "gaps_check", user=CAROL))

    hers = await house.type("gaps forward")
    await slack.press(ANNA, hers, "gaps_check")
    await slack.until(lambda: ":red_circle: 1 is missing" in text_of(hers))
    assert "GitHub sent push and it never arrived" in text_of(hers)
    assert "Ask GitHub to redeliver 1" in text_of(hers)
    his = await house.type("gaps forward", user=BORIS)
    progress = await house.press(his, "gaps_heal", user=BORIS)
    assert progress in slack.channel("general").messages

    def done() -> bool:
        house.clock.move(1)  # its pieces are a second apart
        slack.changes.note("clock")
        return ":large_green_circle:" in text_of(progress)

    await slack.until(done)
    [entry] = await audit.newest(house.ctx, action="heal.started")
    assert (entry.actor_kind, entry.actor_id) == ("slack", BORIS)
    assert "nothing is missing" in text_of(await house.type("gaps forward"))
