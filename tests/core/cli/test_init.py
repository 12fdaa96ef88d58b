"""`ccb init`, with the answers of a script in place of somebody's."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest

from core.cli.app import run
from core.cli.asking import Asker
from core.cli.init import asked
from core.config import Settings
from core.errors import Upstream
from core.services import Service
from core.texts import T, Text

GOOD = "xoxb-good-token-1234"


class Script(Asker):
    """Answers in turn, and keeps what was asked; a question too many fails the test."""

    def __init__(self, answers: Iterable[str]) -> None:
        super().__init__()
        self.questions: list[tuple[str, bool]] = []
        self._answers = list(answers)

    def ask(self, question: str, *, secret: bool = False) -> str:
        """Return the next answer."""
        self.questions.append((question, secret))
        return self._answers.pop(0)

    @property
    def unused(self) -> list[str]:
        """The answers that nothing asked for."""
        return self._answers


async def _check(settings: Settings) -> Text:
    """Take the one good token, as a service would."""
    token = settings.slack_bot_token.get_secret_value() if settings.slack_bot_token else ""
    if token != GOOD:
        raise Upstream(T("The token is wrong: invalid_auth."))
    return T("@ccb in Acme")


SLACK = Service("slack", "Slack", ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"), _check, optional=("CCB_SLACK_ADMINS",))
GITHUB = Service(
    "github", "GitHub", ("GITHUB_TOKEN",), _check, alternatives=(("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"),)
)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


async def test_a_service_is_asked_about_in_order_checked_and_written() -> None:
    script = Script([GOOD, "xapp-1-token-0123456", ""])
    await asked(script, [SLACK], named=True)
    assert script.questions == [("SLACK_BOT_TOKEN", True), ("SLACK_APP_TOKEN", True), ("CCB_SLACK_ADMINS", False)]
    assert Path(".env").read_text() == f"SLACK_BOT_TOKEN={GOOD}\nSLACK_APP_TOKEN=xapp-1-token-0123456\n"
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600


async def test_enter_keeps_what_is_there_and_shows_it_masked(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text(f"# mine\nSLACK_BOT_TOKEN={GOOD}\nCCB_PORT=1\nSLACK_APP_TOKEN=xapp-old-0123456\n")
    script = Script(["", "xapp-new-0123456", "U1,U2"])
    await asked(script, [SLACK], named=True)
    assert Path(".env").read_text() == (
        f"# mine\nSLACK_BOT_TOKEN={GOOD}\nCCB_PORT=1\nSLACK_APP_TOKEN=xapp-new-0123456\nCCB_SLACK_ADMINS=U1,U2\n"
    )
    assert script.questions[0][0].endswith("1234]")
    assert GOOD not in capsys.readouterr().out + str(script.questions)


async def test_what_fails_is_explained_and_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    script = Script(["xoxb-wrong", "xapp-1", "", "y", GOOD, "", ""])
    await asked(script, [SLACK], named=True)
    assert script.unused == []
    assert "invalid_auth" in capsys.readouterr().out
    assert GOOD in Path(".env").read_text()


async def test_what_fails_is_kept_only_on_request() -> None:
    await asked(Script(["xoxb-wrong", "xapp-1", "", "n", "n"]), [SLACK], named=True)
    assert not Path(".env").exists()
    await asked(Script(["xoxb-wrong", "xapp-1", "", "n", "y"]), [SLACK], named=True)
    assert "xoxb-wrong" in Path(".env").read_text()


async def test_all_services_are_offered(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text(f"SLACK_BOT_TOKEN={GOOD}\nSLACK_APP_TOKEN=xapp-1\n")
    script = Script(["", "n"])  # Enter for one that is configured means no
    await asked(script, [SLACK, GITHUB], named=False)
    assert [question for question, _ in script.questions] == [
        "Set up Slack (configured)? [y/N]",
        "Set up GitHub (not configured)? [Y/n]",
    ]


async def test_a_private_key_is_read_from_its_file() -> None:
    Path("app.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n")
    script = Script(["2", "12345", "missing.pem", "app.pem", "n", "y"])
    await asked(script, [GITHUB], named=True)
    assert Path(".env").read_text() == (
        'GITHUB_APP_ID=12345\nGITHUB_APP_PRIVATE_KEY="-----BEGIN RSA PRIVATE KEY-----\\nabc\\n'
        '-----END RSA PRIVATE KEY-----\\n"\n'
    )
    settings = Settings()
    assert settings.github_app_private_key is not None
    assert settings.github_app_private_key.get_secret_value() == Path("app.pem").read_text()


async def test_it_says_when_the_environment_goes_before_and_when_to_start_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-the-environment")
    Path("data").mkdir()
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind("data/ccb.sock")
        engine.listen()
        await asked(Script([GOOD, "xapp-1", ""]), [SLACK], named=True)
    told = " ".join(capsys.readouterr().out.split())
    assert "SLACK_BOT_TOKEN: the environment has another value" in told
    assert "start `ccb serve` again" in told


def test_unasked_it_needs_what_is_missing_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "claude", "--yes", "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["missing"] == ["ANTHROPIC_API_KEY"]


def test_unasked_what_a_service_refuses_is_not_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CCB_SMTP_URL", "smtp://user:hunter2@127.0.0.1:1")
    assert run(["init", "email", "--yes", "--json"]) == 1
    told = capsys.readouterr()
    [line] = json.loads(told.out)
    assert (line["service"], line["ok"], line["written"]) == ("email", False, [])
    assert "hunter2" not in told.out + told.err
    assert not Path(".env").exists()


def test_without_a_terminal_nobody_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "slack"]) == 2
    assert "--yes" in capsys.readouterr().err


def test_an_unknown_service_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", "jira"]) == 2
    assert "slack, github, claude, email" in capsys.readouterr().err
    assert list(Path.cwd().iterdir()) == []
