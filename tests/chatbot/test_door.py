from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.metadata import entry_points

import pytest

from chatbot.door import SlackDoor
from core.demo.stand_ins.slack import APP_TOKEN, BOT_TOKEN, SlackStandIn
from core.errors import NotConfigured, Upstream
from core.services import SERVICES
from tests.contexts import settings


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


async def _check(slack: SlackStandIn, **more: str) -> str:
    given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url, **more}
    return str(await SERVICES["slack"].check(settings(**given)))


def test_core_finds_it_by_its_entry_point() -> None:
    (entry,) = entry_points(group="ccb.doors", name="slack")
    assert entry.load() is SlackDoor
    assert SERVICES["slack"] is SlackDoor.service


async def test_says_who_we_are(slack: SlackStandIn) -> None:
    assert await _check(slack) == "@ccb in Acme"
    assert slack.requests == [("POST", "/api/auth.test"), ("POST", "/api/apps.connections.open")]


@pytest.mark.parametrize(
    ("setting", "token", "words"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-wrong", r"\(invalid_auth\): SLACK_BOT_TOKEN is wrong"),
        ("SLACK_BOT_TOKEN", APP_TOKEN, r"\(not_allowed_token_type\): SLACK_BOT_TOKEN is wrong"),
        ("SLACK_APP_TOKEN", "xapp-wrong", r"\(invalid_auth\): SLACK_APP_TOKEN is wrong"),
        ("SLACK_APP_TOKEN", BOT_TOKEN, r"\(not_allowed_token_type\): SLACK_APP_TOKEN is wrong"),
    ],
)
async def test_names_the_token_that_is_wrong(slack: SlackStandIn, setting: str, token: str, words: str) -> None:
    with pytest.raises(Upstream, match=words):
        await _check(slack, **{setting: token})


@pytest.mark.parametrize("missing", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_needs_both_tokens(slack: SlackStandIn, missing: str) -> None:
    given = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
    del given[missing]
    with pytest.raises(NotConfigured) as caught:
        await SlackDoor.service.check(settings(**given))
    assert caught.value.settings == (missing,)
    assert not SlackDoor.service.configured(settings(**given))


async def test_its_port_posts(slack: SlackStandIn) -> None:
    port = SlackDoor().port(settings(SLACK_BOT_TOKEN=BOT_TOKEN, SLACK_API_URL=slack.url))
    try:
        await port.post(channel="#general", text="Hello", blocks=None, token=None, key="k", repeated=False)
    finally:
        await port.close()
    assert slack.texts == ["Hello"]
