"""Who may do what: groups and people that change, strangers, claims at the same moment on two nodes."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from core import audit, auth
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BORIS, BOT_TOKEN, CAROL, SlackStandIn, User
from tests.chatbot.conftest import House, connected, text_of
from tests.contexts import MovableClock
from tests.engines import running

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()
GROUP = ("slack-group", "S0OPS")
RUSSIAN = "Что я умею"
REFUSED = "This needs the role viewer"


def aged(house: House, *key: str) -> None:
    """Let what is remembered under a key be forgotten, as its age does."""
    house.ctx.memo.drop(key)


async def test_who_leaves_a_group_loses_its_role_within_the_caches_time(tmp_path: Path, clock: MovableClock) -> None:
    roles = {"CCB_SLACK_ADMINS": ANNA, "CCB_SLACK_OPERATORS": "S0OPS", "CCB_SLACK_VIEWERS": "S0OPS"}
    async with connected(tmp_path / "data", clock, **roles) as house:
        assert "роль" not in text_of(await house.type("status", user=BORIS))
        await house.type("list", user=BORIS)
        assert house.slack.called.count("usergroups.users.list") == 1
        assert REFUSED in text_of(await house.type("status", user=CAROL))
        (group,) = house.slack.usergroups
        group.users = [CAROL]
        assert "роль" not in text_of(await house.type("list", user=BORIS)), "it is remembered for a while"
        aged(house, *GROUP)
        assert "роль" in text_of(await house.type("list", user=BORIS))
        assert REFUSED not in text_of(await house.type("list", user=CAROL))
        house.slack.trouble["usergroups.users.list"] = ["fatal_error"]
        aged(house, *GROUP)
        assert REFUSED in text_of(await house.type("list", user=CAROL)), "who cannot be looked up has no role"
        house.slack.refused.clear()


async def test_people_of_another_workspace_and_those_who_left_are_not_everybody(house: House) -> None:
    house.slack.users.append(User("U0STRANGE", "sam", "Sam Stranger", team="T0OTHER"))
    house.slack.users.append(User("U0LEFT", "lena", "Lena Left", deleted=True))
    house.slack.channel("general").members += ["U0STRANGE", "U0LEFT"]
    assert REFUSED in text_of(await house.mention("status", user="U0STRANGE"))
    assert REFUSED in text_of(await house.mention("status", user="U0LEFT"))
    assert REFUSED not in text_of(await house.mention("status", user=CAROL))


async def test_a_deactivated_admin_is_none(tmp_path: Path, clock: MovableClock) -> None:
    async with connected(tmp_path / "data", clock, CCB_SLACK_ADMINS=f"{ANNA},U0STRANGE") as house:
        house.slack.users.append(User("U0STRANGE", "sam", "Sam Stranger", team="T0OTHER"))
        house.slack.channel("general").members.append("U0STRANGE")
        assert REFUSED not in text_of(await house.type("status", user="U0STRANGE")), "who is named is meant"
        house.slack.user(ANNA).deleted = True
        assert REFUSED in text_of(await house.type("status", user=ANNA))


async def test_names_and_languages_are_asked_for_once_a_while(house: House) -> None:
    assert RUSSIAN in text_of(await house.type("help", user=BORIS))
    await house.type("help", user=BORIS)
    assert house.slack.called.count("users.info") == 1
    house.slack.user(BORIS).locale = "de-DE"
    assert RUSSIAN in text_of(await house.type("help", user=BORIS))
    aged(house, "slack-person-kept", BORIS)
    assert RUSSIAN not in text_of(await house.type("help", user=BORIS)), "which we do not speak: CCB_LANGUAGE"


@pytest.mark.slow
async def test_of_two_who_claim_at_once_on_two_nodes_one_wins(
    tmp_path: Path, clock: MovableClock, postgres_url: str
) -> None:
    async with SlackStandIn() as slack:
        shared: dict[str, Any] = {
            "CCB_DATABASE_URL": postgres_url, "CCB_SECRET_KEY": KEY,
            "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url,
        }  # fmt: skip
        async with running(tmp_path / "a", clock=clock, **shared), running(tmp_path / "b", clock=clock, **shared) as b:
            await slack.connected(4)
            code = b.engine.report.claim_code
            house, people = House(b, slack, clock), (BORIS, CAROL)
            typing = [house.type(f"claim {code}", user=user) for user in people]
            said = [text_of(message) for message in await asyncio.gather(*typing)]
            winners = await auth.claimed_admins(b.engine.ctx)
            assert len(winners) == 1, said
            assert len(await audit.newest(b.engine.ctx, action="slack.admin_claimed")) == 1
            (winner,) = winners
            assert "CCB_SLACK_ADMINS" in said[people.index(winner)]
            typing = [house.type("status", user=winner) for _ in range(4)]
            assert all("role" not in text_of(message) for message in await asyncio.gather(*typing)), "on either node"
