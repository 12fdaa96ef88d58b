from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chatbot.notifier import SlackNotifier
from core.actions.slack_message import SlackMessageParams
from core.context import Context
from core.demo.stand_ins.slack import BOT_TOKEN, SlackStandIn
from core.effects import ACTIONS, Call, Outcome, plan
from core.errors import Denied, Invalid, NotConfigured, Upstream
from core.grants import Grants
from tests.contexts import MovableClock, context, settings

GRANTS = Grants(actions=frozenset({"slack_message"}), channels=frozenset({"#deploys", "#random"}))
MESSAGE: dict[str, Any] = {"type": "slack_message", "channel": "#deploys", "text": "Deployed"}


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def ctx(slack: SlackStandIn) -> AsyncIterator[Context]:
    given = settings(SLACK_BOT_TOKEN=BOT_TOKEN, SLACK_API_URL=slack.url)
    notifier = SlackNotifier(given, MovableClock())
    yield context(given=given, slack=notifier)
    await notifier.close()


async def _run(ctx: Context, *, repeated: bool = False, tokens: dict[str, str] | None = None, **more: Any) -> Outcome:
    (planned,) = plan([{**MESSAGE, **more}], GRANTS)
    params = SlackMessageParams.model_validate(planned.params)
    call = Call(params, GRANTS, "int_1", "Demo", "evt_1", key="evt_1:1:1", repeated=repeated, tokens=tokens or {})
    return await ACTIONS.get("slack_message").run(ctx, call)


async def test_posts(slack: SlackStandIn, ctx: Context) -> None:
    outcome = await _run(ctx, blocks=[{"type": "divider", "block_id": "line"}])
    (message,) = slack.channel("deploys").messages
    assert message["blocks"] == [{"type": "divider", "block_id": "line"}]
    assert outcome == Outcome("#deploys", {"channel": "#deploys", "ts": message["ts"]})


async def test_is_posted_once_though_the_answer_was_lost(slack: SlackStandIn, ctx: Context) -> None:
    slack.hang_up_after_posting = 1
    with pytest.raises(Upstream):
        await _run(ctx)
    outcome = await _run(ctx, repeated=True)
    assert slack.texts == ["Deployed"]
    assert outcome.answer["ts"] == slack.channel("deploys").messages[0]["ts"]


async def test_answers_in_a_thread(slack: SlackStandIn, ctx: Context) -> None:
    ts = (await _run(ctx)).answer["ts"]
    await _run(ctx, text="More", thread_ts=ts)
    assert slack.channel("deploys").messages[1]["thread_ts"] == ts


async def test_takes_the_integrations_own_token(slack: SlackStandIn, ctx: Context) -> None:
    slack.tokens = {"xoxb-own": "own-bot"}
    await _run(ctx, tokens={"slack_token": "xoxb-own"})
    assert slack.texts == ["Deployed"]


async def test_says_what_to_do_where_it_cannot(ctx: Context) -> None:
    with pytest.raises(Upstream, match="/invite @ccb"):
        await _run(ctx, channel="#random")


async def test_without_slack_it_waits_for_the_token() -> None:
    with pytest.raises(NotConfigured) as caught:
        await _run(context())
    assert (caught.value.service, caught.value.settings) == ("slack", ("SLACK_BOT_TOKEN",))


def test_only_to_granted_channels() -> None:
    with pytest.raises(Denied, match="'#general' is not among this integration's channels"):
        plan([{**MESSAGE, "channel": "#general"}], GRANTS)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * 40_001}, "text"),
        ({"blocks": [{"type": "divider"}] * 51}, "blocks"),
        ({"blocks": ["divider"]}, "blocks.0"),
        ({"thread_ts": "now"}, "thread_ts"),
        ({"thread_ts": 1700000000.1}, "thread_ts"),
        ({"username": "CEO"}, "username"),
    ],
)
def test_wrong_parameters_are_refused_by_place(wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid, match=rf"Action 1 \(slack_message\): {where}: "):
        plan([{**MESSAGE, **wrong}], GRANTS)
