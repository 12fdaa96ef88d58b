"""What a Slack token grants, asked of the stand-in."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from chatbot.notifier import SlackNotifier
from core.demo.stand_ins.slack import BOT_TOKEN, Channel, SlackStandIn
from core.errors import NotConfigured, Upstream
from tests.contexts import MovableClock, settings


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def notifier(slack: SlackStandIn) -> AsyncIterator[SlackNotifier]:
    made = SlackNotifier(settings(SLACK_BOT_TOKEN=BOT_TOKEN, SLACK_API_URL=slack.url), MovableClock())
    yield made
    await made.close()


async def test_channels_by_name_and_by_id(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    slack.channels.append(Channel("C0PRIVAT2", "inner-circle", is_private=True))
    slack.page_size = 1
    names = ["#deploys", "general", "C0DEPLOYS", "#inner-circle", "#random", "#old-news", "U0SOMEBODY"]
    found = await notifier.access(names, token=None)
    assert (found.user, found.team, found.scopes) == ("ccb", "Acme", frozenset(slack.scopes))
    assert [*found.channels.values()] == [True, True, True, True, False, False, True]


async def test_nobody_is_asked_for_channels_that_are_not_wanted(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    await notifier.access([], token=None)
    assert [path for _, path in slack.requests] == ["/api/auth.test"]


@pytest.mark.parametrize(
    "scopes",
    [("chat:write",), ("channels:read",), ("groups:read",), ("channels:read", "groups:read", "chat:write.public")],
)
async def test_what_it_may_not_see_is_not_known(
    slack: SlackStandIn, notifier: SlackNotifier, scopes: tuple[str, ...]
) -> None:
    slack.scopes = scopes
    found = await notifier.access(["#deploys", "#random"], token=None)
    assert found.channels == {"#deploys": True if "channels:read" in scopes else None, "#random": None}


async def test_a_bad_token_is_named(slack: SlackStandIn, notifier: SlackNotifier) -> None:
    with pytest.raises(Upstream, match="SLACK_BOT_TOKEN"):
        slack.tokens.clear()
        await notifier.access([], token=None)
    with pytest.raises(Upstream, match="slack_token"):
        await notifier.access([], token="xoxb-other")
    nobody = SlackNotifier(settings(SLACK_API_URL=slack.url), MovableClock())
    with pytest.raises(NotConfigured):
        await nobody.access([], token=None)
