"""Where the guide's commands run: an engine, stand-ins for GitHub, Slack and Claude, a folder, what fills the gaps."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.auth import PERMISSIONS
from core.demo.stand_ins.claude import API_KEY, ClaudeStandIn
from core.demo.stand_ins.github.hub import TOKEN, Caller, GitHubStandIn
from core.demo.stand_ins.slack import BOT_TOKEN, WEBHOOK, SlackStandIn
from tests.e2e import guide
from tests.e2e.engine import EngineProcess, running
from tests.e2e.guide import Block
from tests.packages import package

HANDLER = """
def handle(event: dict, config: dict) -> list[dict]:
    if event["payload"].get("broken"):
        raise ValueError("the milestone is unknown")
    return [{"type": "log", "message": "seen"}]
"""
REPOSITORY = "acme/app"
SECONDS = 60
"""How long one command may take."""


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what the server answered. `files`: the names of those that it wrote."""

    command: str
    code: int
    status: int
    headers: str
    out: str
    err: str
    files: tuple[str, ...] = ()

    @property
    def values(self) -> list[Any]:
        """The JSON values in what it said, one after another, as jq writes them."""
        return list(_values(self.out))

    @property
    def json(self) -> Any:
        """The one JSON value in what it said."""
        values = self.values
        assert len(values) == 1, f"{len(values)} values where one was expected: {self.out[:300]}"
        return values[0]

    @property
    def body(self) -> Any:
        """The JSON that the command sends."""
        return json.loads(self.command.partition("-d '")[2].rpartition("'")[0])


def _values(text: str) -> Iterator[Any]:
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError:
            raise AssertionError(f"not JSON: {rest[:300]}") from None
        yield value
        rest = rest[end:].strip()


@dataclass
class House:
    """The guide's world. `names` fills the placeholders and hosts."""

    engine: EngineProcess
    hub: GitHubStandIn
    slack: SlackStandIn
    claude: ClaudeStandIn
    folder: Path
    names: dict[str, str]
    blocks: list[Block]
    lost: str = ""
    """The id of the delivery that never arrived."""
    _before: tuple[int, int] = (0, 0)

    @property
    def id(self) -> str:
        """The integration that the guide is about."""
        return self.names["{id}"]

    @property
    def key(self) -> str:
        """The API key."""
        return self.names["YOUR_API_KEY"]

    def services_asked(self) -> tuple[bool, bool]:
        """Say whether the last command led to questions to GitHub, and to Slack."""
        return len(self.hub.requests) > self._before[0], len(self.slack.requests) > self._before[1]

    def filled(self, text: str) -> str:
        """Return a snippet with its hosts and placeholders replaced, and nothing else."""
        return guide.filled(text, self.names)

    async def run(self, command: str, *, header: str | None = None) -> Ran:
        """Run a filled command in bash; `header` goes with every request though the command has none.

        The status comes from curl's settings file, where it is asked to write the headers down: so the command stays as
        it is printed, whatever it writes out itself.
        """
        written, home = self.folder / ".headers", self.folder / ".curl"
        home.mkdir(exist_ok=True)
        written.unlink(missing_ok=True)
        settings = [f'dump-header = "{written}"', f"max-time = {SECONDS}"]
        settings += [f'header = "{header}"'] if header else []
        (home / ".curlrc").write_text("\n".join(settings) + "\n", encoding="utf-8")
        before = set(self.folder.glob("*.json"))
        self._before = len(self.hub.requests), len(self.slack.requests)
        code, out, err = await self.shell("bash", "-o", "pipefail", "-c", command, CURL_HOME=str(home))
        made = [path for path in self.folder.glob("*.json") if path not in before]
        if made:
            assert not out, "what goes into a file is not shown"
            out = "".join(path.read_text(encoding="utf-8") for path in made)
        headers = written.read_text(encoding="utf-8") if written.exists() else ""
        statuses = re.findall(r"^HTTP/\S+ (\d+)", headers, re.MULTILINE)
        status = int(statuses[-1]) if statuses else 0
        return Ran(command, code, status, headers, out, err, tuple(path.name for path in made))

    async def shell(self, *words: str, **more: str) -> tuple[int, str, str]:
        """Run a program in the folder, with nothing of this machine's settings; return exit code, stdout, stderr."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", **more}
        process = await asyncio.create_subprocess_exec(
            *words, env=env, cwd=str(self.folder), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(SECONDS):
            out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def traffic(self) -> None:
        """Let GitHub deliver: one event goes well, one comes twice, one fails, one is lost on its way."""
        repository = {"full_name": REPOSITORY, "id": self.hub.repositories[REPOSITORY].id}
        opened: dict[str, Any] = {"action": "opened", "repository": repository, "issue": {"number": 1}}
        [twice] = await self.hub.hooks.happen(REPOSITORY, "issues", opened)
        await self.hub.hooks.again(twice["id"])
        sent = [
            twice,
            *await self.hub.hooks.happen(REPOSITORY, "issues", {**opened, "action": "closed"}),
            *await self.hub.hooks.happen(REPOSITORY, "issues", {**opened, "action": "milestoned", "broken": True}),
        ]
        assert [delivery["status_code"] for delivery in sent] == [202, 202, 202], sent
        [lost] = self.hub.hooks.lose(REPOSITORY, "issues", {**opened, "action": "reopened"})
        self.lost = lost["guid"]
        await self.engine.until(f"/v1/integrations/{self.id}/events", _ended)


def _ended(events: list[Any]) -> bool:
    return sorted(event["status"] for event in events) in (
        ["dead", "succeeded", "succeeded"],
        ["failed", "succeeded", "succeeded"],
    )


def require_tools() -> None:
    """Fail where the guide's own tools are missing: nothing of it can be tried then."""
    missing = [tool for tool in ("bash", "curl", "jq") if shutil.which(tool) is None]
    assert not missing, (
        f"the guide's commands need {', '.join(missing)}; on Debian: apt-get install {' '.join(missing)}"
    )


@asynccontextmanager
async def house(folder: Path, blocks: list[Block]) -> AsyncIterator[House]:
    """Set everything up as the guide finds it: an integration that is installed and not active, an issue, a hook."""
    async with GitHubStandIn() as hub, SlackStandIn() as slack, ClaudeStandIn() as claude:
        _prepare(hub, slack, blocks)
        settings = {
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_URL": hub.url,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "ANTHROPIC_API_KEY": API_KEY,
            "ANTHROPIC_BASE_URL": claude.url,
            "SLACK_API_URL": slack.url,
            "CCB_ALERT_SLACK_CHANNEL": "#deploys",
            "CCB_RETRY_BASE_SECONDS": "0.1",
        }
        async with running(folder / "data", **settings) as engine:
            work = folder / "work"
            work.mkdir()
            yield House(engine, hub, slack, claude, work, await _names(engine, hub, slack), blocks)


def _prepare(hub: GitHubStandIn, slack: SlackStandIn, blocks: list[Block]) -> None:
    """Make the repository public, for the guide looks at its issue without a token; let the guide's tokens be good."""
    hub.repositories[REPOSITORY].private = False
    hub.repositories[REPOSITORY].issues[0]["labels"].append({"name": "bug"})
    text = "".join(block.text for block in blocks)
    hub.callers |= {token: Caller("octocat") for token in re.findall(r'"(ghp_[^"]+)"', text)}
    slack.tokens |= {token: "own-bot" for token in re.findall(r'"(xoxb-[^"]+)"', text)}


async def _names(engine: EngineProcess, hub: GitHubStandIn, slack: SlackStandIn) -> dict[str, str]:
    ids = [
        (await engine.ask("POST", "/v1/integrations", _wish(slug), status=201))["id"]
        for slug in ("guide", "guide-two", "guide-three")
    ]
    wish = {"name": "The guide's reader", "permissions": list(PERMISSIONS), "expires_at": "30d"}
    key = (await engine.ask("POST", "/v1/auth/tokens", wish, status=201))["token"]
    hook = hub.hooks.add(REPOSITORY, f"{engine.address}/webhooks/wrong-id", events=("push",))
    slack_host = slack.url.removesuffix("/api/")
    return {
        "https://api.claude-code-bot.com": engine.address,
        "https://your-domain.claude-code-bot.com": engine.address,
        "https://api.github.com": hub.url,
        "https://hooks.slack.com": slack_host,
        "https://slack.com": slack_host,
        "{id}": ids[0],
        "{integration-id}": ids[0],
        "{issue-id}": "1",
        "{issue_number}": "1",
        "{issue-number}": "1",
        "{hook_id}": str(hook.id),
        "{owner}/{repo}": REPOSITORY,
        "YOUR_API_KEY": key,
        "EXISTING_KEY": key,
        "ccb_1234567890abcdef...": key,
        "YOUR_GITHUB_TOKEN": TOKEN,
        "YOUR_SLACK_TOKEN": BOT_TOKEN,
        "YOUR/SLACK/WEBHOOK": WEBHOOK,
        '"..."': f'"{engine.address}/v1/integrations"',
        **{f'"id{number}"': f'"{own}"' for number, own in enumerate(ids, 1)},
    }


def _wish(slug: str) -> dict[str, Any]:
    expected = [{"type": "log", "message": "seen"}]
    source = {"kind": "github"}
    may = {
        "actions": ["log", "slack_message", "github_comment"],
        "channels": ["#deploys"],
        "repositories": [REPOSITORY],
    }
    made = package(HANDLER, "example.com", slug=slug, source=source, expected=expected, capabilities=may)
    return {"package": made, "activate": False}
