"""The story on its stage: every step really happens, and no real account is in reach."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from core.demo import stage as stages
from core.demo import story
from core.demo.moments import Happened, Moment, Traced, UnderWay
from core.demo.recording import NOTHING_MORE
from core.demo.stage import REPOSITORY, Refused, Stage
from core.errors import Unavailable
from core.requests import service
from core.texts import T, revive

REAL = {
    "GITHUB_TOKEN": "ghp_real0123456789",
    "GITHUB_API_URL": "http://127.0.0.1:9/github",
    "GITHUB_APP_ID": "4711",
    "ANTHROPIC_API_KEY": "sk-ant-real0123456789",
    "ANTHROPIC_BASE_URL": "http://127.0.0.1:9/claude",
    "SLACK_BOT_TOKEN": "xoxb-real0123456789",
    "SLACK_APP_TOKEN": "xapp-real0123456789",
    "SLACK_API_URL": "http://127.0.0.1:9/slack/",
    "CCB_SMTP_URL": "smtp://me:real0123456789@127.0.0.1:9",
    "CCB_DATABASE_URL": "postgresql://me:real0123456789@127.0.0.1:9/mine",
    "CCB_ALERT_EMAIL": "real@example.com",
    "CCB_DATA_DIR": "/nowhere/of/mine",
}
"""What somebody has in their environment; nothing listens at these addresses."""


@pytest.fixture
def _somebodys_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in REAL.items()))
    monkeypatch.chdir(tmp_path)


async def no_pause(_seconds: float) -> None:
    """Go on at once."""


async def played(stage: Stage) -> list[Moment]:
    """Play the story to its end."""
    return [moment async for moment in story.play(stage, pause=no_pause)]


@pytest.mark.slow
@pytest.mark.usefixtures("_somebodys_accounts")
async def test_the_whole_way_without_any_account(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    data.mkdir()
    async with stages.opened(data) as stage:
        _has_no_real_account(stage)
        moments: list[Moment] = []
        async for moment in story.play(stage, pause=no_pause):
            if isinstance(moment, UnderWay) and not any(moment.step == one.step for one in moments):
                await _somebody_asks_for_more(stage, at=moment.step)
            moments.append(moment)
        _is_told_in_order(moments)
        await _was_told_that_nothing_more_is_recorded(stage)
        await _has_really_happened(stage, moments)
    stored = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert b"real0123456789" not in stored and b"sentry-to-slack" in stored


async def _somebody_asks_for_more(stage: Stage, *, at: str) -> None:
    """While Claude writes for the story, and after it: the recorded answers are not for them."""
    if at in ("write", "merged"):
        wish = {"service_name": "Mine", "integration_type": "Webhook", "target_service": "the log", "events": "all",
                "api_endpoints": "none", "description": f"Write a line for each event of mine ({at})."}  # fmt: skip
        await stage.ask("POST", "/v1/integrations", {"request": wish})


async def _was_told_that_nothing_more_is_recorded(stage: Stage) -> None:
    async def failed() -> list[str] | None:
        asked = [one for one in await stage.ask("GET", "/v1/requests") if one["origin"] == "rest"]
        done = [one["error_details"]["message"] for one in asked if one["status"] == "failed"]
        return done if len(done) == 2 else None

    for message in await story._until(failed, T("the requests")):
        assert "nothing more is recorded" in message


def _has_no_real_account(stage: Stage) -> None:
    settings = stage.engine.ctx.settings
    everything = str({name: getattr(value, "get_secret_value", lambda v=value: v)() for name, value in settings})
    assert not [value for value in REAL.values() if value in everything]
    assert (settings.github_api_url, settings.anthropic_base_url) == (stage.github.url, stage.claude.url)


def _is_told_in_order(moments: list[Moment]) -> None:
    happened = [moment for moment in moments if not isinstance(moment, UnderWay)]
    assert [moment.step for moment in happened] == [
        "set_up", "issue", "understood", "write", "refused", "write", "tested", "published", "merged", "configured",
        "active", "delivered", "trace", "arrived",
    ]  # fmt: skip
    assert len(happened) == story.length("en")
    writing = [str(moment.what) for moment in moments if isinstance(moment, UnderWay) and moment.step == "write"]
    assert len(writing) == 2 and all("recorded" in what for what in writing)
    [refused] = [moment for moment in happened if isinstance(moment, Happened) and moment.outcome == "refused"]
    assert "KeyError" in refused.quote
    [traced] = [moment for moment in happened if isinstance(moment, Traced)]
    assert traced.event["status"] == "succeeded" and traced.steps[-1]["name"] == "slack_message"


async def _has_really_happened(stage: Stage, moments: list[Moment]) -> None:
    arrived, published = moments[-1], next(m for m in moments if isinstance(m, Happened) and m.step == "published")
    assert isinstance(arrived, Happened) and await stage.slack_texts(story.CHANNEL) == [arrived.quote]
    first, second = stage.claude.asked
    assert "KeyError" in str(second.body) and "KeyError: level" not in str(first.body)
    assert published.link == stage.places.pull
    repository = stage.github.repositories[REPOSITORY]
    assert repository.pulls[2]["merged"] and repository.issues[0]["state"] == "closed"
    [hook] = stage.github.hooks.all.values()
    await stage.github.hooks.settled()
    newest = (await stage.ask("GET", "/v1/events?limit=1"))[0]["integration"]
    assert newest == "sentry-to-slack"  # what `ccb trace last` shows
    refused = [(kept["shown"]["event"], kept["shown"]["status_code"], kept["response"]) for kept in hook.deliveries]
    assert not [one for one in refused if one[1] // 100 != 2]
    for place in (stage.places.pull, stage.places.issue, stage.places.github, stage.places.docs, stage.places.slack):
        async with stage.public.get(place) as answer:
            assert answer.status == 200, place


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"Port {port} .*--port"):
            async with stages.opened(tmp_path, port=port):
                pytest.fail("it was started")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
async def test_what_goes_wrong_is_said(tmp_path: Path) -> None:
    async with stages.opened(tmp_path) as stage:
        stage.github.broken = 500
        with pytest.raises(Refused, match="label"):
            await played(stage)
        stage.github.broken = 0
        stage.claude.broken = 400
        with pytest.raises(Refused, match="Claude answers 400"):
            await played(stage)
        asked = await service.of_issue(stage.engine.ctx, REPOSITORY, 1)
        assert asked is not None and asked.error_details is not None
        assert "400" in revive(asked.error_details["message"])
        assert "nothing more is recorded" in NOTHING_MORE.message
