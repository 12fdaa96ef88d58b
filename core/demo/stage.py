"""Everything that a demonstration needs: the stand-ins, the pages that show them, and a real engine between them.

A further stand-in or page is entered in `opened` and named in `Places`.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from core import bootstrap
from core.bootstrap import Engine
from core.config import GivenSettings, Settings
from core.demo.page import SlackPage
from core.demo.page.seen import Cast
from core.demo.stand_ins.claude import API_KEY, ClaudeStandIn
from core.demo.stand_ins.github.answers import Repository
from core.demo.stand_ins.github.hub import BOT_TOKEN as GITHUB_TOKEN
from core.demo.stand_ins.github.hub import GitHubStandIn
from core.demo.stand_ins.github.pages import GitHubPages
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BORIS, BOT_TOKEN, CAROL, SlackStandIn
from core.errors import CcbError, Unavailable
from core.generation import author
from core.texts import T

assert author  # its library takes seconds to import on a busy machine, which must not stop what runs already

REPOSITORY = "acme/integrations"
HOST = "127.0.0.1"
_LOCALES = {"en": "en-US", "ru": "ru-RU"}
"""What Slack calls a language of the story: its admin reads it."""


@dataclass(frozen=True)
class Places:
    """Where to look: addresses for a browser."""

    engine: str
    docs: str
    github: str
    issue: str
    pull: str
    slack: str
    """The page of the stand-in Slack, with the key that lets one in."""


@dataclass(frozen=True)
class Stage:
    """The running whole. `language`: that of the story, the issue and what the bot writes."""

    engine: Engine
    github: GitHubStandIn
    claude: ClaudeStandIn
    slack: SlackStandIn
    places: Places
    folder: Path
    language: str
    local: aiohttp.ClientSession
    public: aiohttp.ClientSession

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the engine's REST API as the local admin, through its socket; raise `Refused` with its own words."""
        async with self.local.request(method, f"http://ccb{path}", json=body) as answer:
            content = orjson.loads(await answer.read())
            if answer.status >= 300:
                raise Refused(T("{told}", told=content.get("message", answer.status)), error=content.get("error"))
            return content

    async def slack_texts(self, channel: str) -> list[str]:
        """Return what stands in a channel of the stand-in Slack, newest first, asked as any client asks."""
        listed = await self._slack("conversations.list")
        found = next(one["id"] for one in listed["channels"] if one["name"] == channel.removeprefix("#"))
        history = await self._slack("conversations.history", channel=found)
        return [message["text"] for message in history["messages"]]

    async def _slack(self, method: str, **arguments: str) -> Any:
        headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
        async with self.public.get(self.slack.url + method, params=arguments, headers=headers) as answer:
            content = await answer.json()
        assert content["ok"], content
        return content


class Refused(CcbError):
    """The engine would not do what the story asked."""

    default_error = "Demonstration stopped"


def settings(
    folder: Path, *, port: int, language: str, github: GitHubStandIn, claude: ClaudeStandIn, slack: SlackStandIn
) -> Settings:
    """Return the engine's settings: the stand-ins' tokens and addresses, and defaults for all else."""
    given: dict[str, Any] = {
        "CCB_DATA_DIR": folder,
        "CCB_BACKUPS": "off",
        "CCB_HOST": HOST,
        "CCB_PORT": port,
        "CCB_PUBLIC_URL": f"http://{HOST}:{port}",
        "CCB_LANGUAGE": language,
        "CCB_LOG_LEVEL": "error",
        "GITHUB_TOKEN": GITHUB_TOKEN,
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_WEBHOOK_SECRET": secrets.token_hex(20),
        "ANTHROPIC_API_KEY": API_KEY,
        "ANTHROPIC_BASE_URL": claude.url,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_API_URL": slack.url,
        "CCB_SLACK_ADMINS": ANNA,
        "CCB_SLACK_OPERATORS": BORIS,
    }
    return GivenSettings(**given)


@asynccontextmanager
async def opened(folder: Path, *, port: int = 0, language: str = "en") -> AsyncIterator[Stage]:
    """Start everything with its data in `folder` (see `core.demo.folder`); leaving the context stops it.

    Raises what a start of the engine raises. Port 0 takes a free one.
    """
    async with GitHubStandIn() as github, ClaudeStandIn() as claude, SlackStandIn() as slack:
        github.repositories = {REPOSITORY: Repository()}
        slack.user(ANNA).locale = _LOCALES.get(language, "en-US")
        async with GitHubPages(github) as pages, SlackPage(slack, cast()) as page:
            github.site = pages.url
            given = settings(folder, port=_port(port), language=language, github=github, claude=claude, slack=slack)
            async with bootstrap.start(given) as engine, _sessions(folder, language) as (local, public):
                with suppress(TimeoutError):  # a slow machine: what is typed too early says so
                    await slack.connected()
                places = _places(engine.report.address, f"{pages.url}/{REPOSITORY}", page.address_with_key)
                yield Stage(engine, github, claude, slack, places, folder, language, local, public)


def cast() -> Cast:
    """Return whom one may be in the stand-in Slack, and what the app has there."""
    doors = bootstrap.load_doors()
    return Cast(
        roles={ANNA: T("admin"), BORIS: T("operator"), CAROL: T("viewer")},
        commands=[one for door in doors for one in door.commands()],
        shortcuts=[one for door in doors for one in door.shortcuts()],
    )


def _places(engine: str, github: str, slack: str) -> Places:
    """Name the places of a repository in which the story's issue is the first, its pull request the second."""
    return Places(
        engine, docs=f"{engine}/docs", github=github, issue=f"{github}/issues/1", pull=f"{github}/pull/2", slack=slack
    )


@asynccontextmanager
async def _sessions(folder: Path, language: str) -> AsyncIterator[tuple[aiohttp.ClientSession, aiohttp.ClientSession]]:
    connector = aiohttp.UnixConnector(str(folder / "ccb.sock"))
    headers = {"Accept-Language": language}
    async with (
        aiohttp.ClientSession(connector=connector, headers=headers) as local,
        aiohttp.ClientSession(trust_env=False) as public,
    ):
        yield local, public


def _port(wanted: int) -> int:
    """Return the port, or one that is free now: it stands in the webhooks' addresses before anybody listens."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            free.bind((HOST, wanted))
        except OSError as error:
            raise Unavailable(
                T("Port {port} cannot be had: {reason}. Name another one: --port.", port=wanted, reason=error.strerror)
            ) from None
        return int(free.getsockname()[1])
