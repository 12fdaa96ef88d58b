"""The context: what every service is handed, and nothing else. Built once, in `core.bootstrap`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from core.alert_message import AlertMessage
from core.aside import Aside
from core.clock import Clock
from core.config import Settings
from core.handler import Load, Ran
from core.memo import Memo
from core.outbound import Outbound
from core.quotas import Quotas
from core.request_message import RequestMessage, Steps
from core.secret_box import SecretBox
from core.texts import Text
from core.tracing import Tracer
from storage.db import Database


class Sandbox(Protocol):
    """Where handlers run (`core.runtime`)."""

    async def run(self, source: str, *, event: Any, config: Any, owner: str, payload_size: int = 0) -> Ran:
        """Run `handle(event, config)` of `source`; raise `core.handler.HandlerError`.

        `owner`: whose share of the pool it takes. `payload_size`: bytes of the event, which the memory limit follows.
        """
        ...

    def load(self) -> Load:
        """Return how busy it is."""
        ...


@dataclass(frozen=True)
class SlackAccess:
    """What a Slack token really grants. `channels`: whether it may post to each; None where it may not ask."""

    user: str
    team: str
    scopes: frozenset[str]
    channels: Mapping[str, bool | None]


@dataclass(frozen=True)
class RepositoryAccess:
    """What a GitHub token may do with a repository: write issues and comments, see its hooks; None: nobody can tell.

    `problem`: why it may not write, where GitHub says so.
    """

    issues: bool | None
    hooks: bool | None
    problem: Text | None = None


@dataclass(frozen=True)
class GitHubAccess:
    """What a GitHub token really grants. `granted`: a classic token's scopes, an app's permissions, else empty."""

    kind: Literal["classic", "fine-grained", "app"]
    login: str
    granted: tuple[str, ...]
    repositories: Mapping[str, RepositoryAccess]


@dataclass(frozen=True)
class SlackPlace:
    """Where a message stands: the channel's id and the message's `ts`, by which it is edited and answered."""

    channel: str
    ts: str


@dataclass(frozen=True)
class SlackPicture:
    """A picture that Slack has: its file's id, and what it shows in words."""

    file: str
    alt: str


class SlackPort(Protocol):
    """What core asks of Slack; chatbot fills it."""

    async def post(
        self,
        *,
        channel: str,
        text: str,
        blocks: list[dict[str, Any]] | None,
        token: str | None,
        key: str,
        repeated: bool,
        thread_ts: str | None = None,
    ) -> str:
        """Post one message and return its `ts`.

        `token`: an integration's own, in place of the bot's. `key`: the idempotency key, kept in the message's
        metadata. `repeated`: an earlier try may have got through, so look for the key first. `thread_ts`: answer in
        that thread.
        Raises `Upstream` (with Slack's own error code in words) or `NotConfigured`.
        """
        ...

    async def tell(self, *, channel: str, alert: AlertMessage, key: str, repeated: bool) -> SlackPlace:
        """Post a message about alerts with the bot's token; `key`, `repeated` and errors are as in `post`."""
        ...

    async def update(self, place: SlackPlace, *, alert: AlertMessage, picture: SlackPicture | None = None) -> None:
        """Make the message that stands at `place` this one, with the `picture` in it; raises as `post` does.

        The `Upstream` has `slack_error: message_not_found` where it is gone.
        """
        ...

    async def tell_request(
        self, *, channel: str, request: RequestMessage, key: str, repeated: bool, thread_ts: str | None = None
    ) -> SlackPlace:
        """Post the message that follows a request, with the bot's token; the rest is as in `post`."""
        ...

    async def update_request(self, place: SlackPlace, *, request: RequestMessage) -> None:
        """Make the message that stands at `place` this one; raises as `post` does.

        The `Upstream` has `slack_error: message_not_found` where it is gone.
        """
        ...

    async def reply(self, place: SlackPlace, *, text: str, key: str, repeated: bool, broadcast: bool = False) -> None:
        """Add a line to the thread of the message at `place`; `broadcast`: it is seen in the channel too."""
        ...

    async def tell_steps(self, place: SlackPlace, *, steps: Steps, key: str, repeated: bool) -> None:
        """Add steps of a request's way to the thread of the message at `place`, as one answer."""
        ...

    async def illustrate(self, place: SlackPlace, *, png: bytes, alt: str, alert: AlertMessage) -> SlackPicture | None:
        """Make the message at `place` this one with a picture in it, and return that; `alt` says it in words.

        None: Slack does not show it there, so it went into the thread. Raises as `post` does.
        """
        ...

    async def access(self, channels: Sequence[str], *, token: str | None) -> SlackAccess:
        """Ask Slack what the token grants, and whether it may post to these channels; raises as `post` does."""
        ...


class GitHubPort(Protocol):
    """What actions ask of GitHub; `core.github` fills it."""

    async def request(self, method: str, path: str, *, body: Any = None, token: str | None = None) -> Any:
        """Ask GitHub's API and return its JSON; raises `Upstream` (`retry_after` at a limit) or `NotConfigured`."""
        ...

    async def login(self) -> str:
        """Return who we are there: what stands as the author of our comments."""
        ...

    async def page(self, path: str, *, token: str | None = None) -> tuple[Any, str | None]:
        """Ask for one page of a list; return its JSON and the query that leads to the next page, None at the end."""
        ...

    async def access(self, repositories: Sequence[str], *, token: str | None) -> GitHubAccess:
        """Ask GitHub what the token grants, in general and for these repositories; raises as `request` does."""
        ...


@dataclass(frozen=True)
class Context:
    """Everything that a service may use."""

    settings: Settings
    db: Database
    clock: Clock
    secrets: SecretBox
    http: Outbound
    sandbox: Sandbox
    github: GitHubPort
    memo: Memo = field(default_factory=Memo)
    quotas: Quotas = field(default_factory=Quotas)
    aside: Aside = field(default_factory=Aside)
    slack: SlackPort | None = None
    tracer: Tracer | None = None
    """Where a trace of each event goes, where one is wanted."""
    checks: dict[str, Callable[[], Awaitable[Text]]] = field(default_factory=dict)
    """By a service's name, how this process asks it where that says more than `Service.check`: Slack's connections."""
