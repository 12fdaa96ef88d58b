"""GitHub's REST API, asked with a personal token or as a GitHub App."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from gidgethub import HTTPException, apps
from gidgethub.aiohttp import GitHubAPI
from jwt import PyJWTError

from core.clock import Clock
from core.config import Settings
from core.context import GitHubAccess
from core.errors import NotConfigured, Upstream
from core.github import access
from core.github.failures import INTEGRATION_TOKEN, failure
from core.quotas import Quotas, fingerprint, of_github
from core.texts import T

REQUESTER = "claude-code-bot"
"""The User-Agent: GitHub refuses requests without one."""
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
_NEXT = re.compile(r'<([^>]*)>[^,]*;\s*rel="?next\b')
"""The next page in a Link header (RFC 8288)."""
RENEW_BEFORE = 300.0
"""Seconds before its expiry at which an installation token is replaced; it lives for an hour."""


class _Api(GitHubAPI):
    """gidgethub's client, which keeps the last answer's headers and follows no redirect.

    aiohttp would turn a redirected POST into a GET, and an issue that was never written would look written.
    """

    headers: Mapping[str, str] = MappingProxyType({})

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self._session.request(method, url, headers=headers, data=body, allow_redirects=False) as answer:
            self.headers = answer.headers
            return answer.status, answer.headers, await answer.read()


@dataclass(frozen=True)
class Answer:
    """GitHub's JSON (None without a body) and the headers beside it."""

    json: Any
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Credential:
    """What a request is authorised with, and the setting to name when GitHub refuses it."""

    setting: str
    token: str | None = field(default=None, repr=False)
    jwt: str | None = field(default=None, repr=False)


class GitHub:
    """One connection pool to `GITHUB_API_URL`; fills `core.context.GitHubPort`."""

    def __init__(self, settings: Settings, clock: Clock, quotas: Quotas | None = None) -> None:
        """`quotas`: where what GitHub says of its quota is kept."""
        self._settings = settings
        self._clock = clock
        self._quotas = Quotas(clock.now) if quotas is None else quotas
        self._session: aiohttp.ClientSession | None = None
        self._installation: tuple[str, float] | None = None
        self._renewing = asyncio.Lock()
        self._login: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def request(self, method: str, path: str, *, body: Any = None, token: str | None = None) -> Any:
        """Ask for `path` (from `/`, without the host) and return the JSON; None where there is no body.

        `token`: an integration's own, in place of the bot's. Raises `Upstream` (with `retry_after` in seconds at a
        limit, `permanent` where GitHub refuses the content) or `NotConfigured`.
        """
        return (await self.answer(method, path, body=body, token=token)).json

    async def answer(self, method: str, path: str, *, body: Any = None, token: str | None = None) -> Answer:
        """Ask as `request` does, and return the headers too."""
        if method not in METHODS:
            raise ValueError(f"method {method!r}")
        if token:
            return await self._ask(method, path, _Credential(INTEGRATION_TOKEN, token=token), body=body)
        return await self._ask_as_bot(method, path, body=body)

    async def access(self, repositories: Sequence[str], *, token: str | None) -> GitHubAccess:
        """Return what the token grants; see `core.context.GitHubPort`."""
        return await access.ask(self, repositories, token=token)

    @property
    def acts_as_app(self) -> bool:
        """Whether the bot's own requests are those of a GitHub App."""
        settings = self._settings
        return bool(settings.github_token is None and settings.github_app_id and settings.github_app_private_key)

    @property
    def repository(self) -> str:
        """The repository whose installation a GitHub App acts for; raises `NotConfigured`."""
        if self._settings.github_repository is None:
            raise NotConfigured(
                T("A GitHub App acts on a repository: {setting} is not set.", setting="GITHUB_REPOSITORY"),
                service="github",
                settings=("GITHUB_REPOSITORY",),
            )
        return self._settings.github_repository

    async def page(self, path: str, *, token: str | None = None) -> tuple[Any, str | None]:
        """Return one page of a list and the query of the next one (`per_page=100&cursor=…`), None at the end.

        Of GitHub's Link header only the query is used, so that it leads nowhere else. Raises as `request` does.
        """
        answer = await self.answer("GET", path, token=token)
        found = _NEXT.search(answer.headers.get("link", ""))
        return answer.json, urlsplit(found[1]).query if found else None

    async def login(self) -> str:
        """Return who we are there: the token's user, or `<app>[bot]`; asked once."""
        if self._login is None:
            self._login = (
                f"{(await self.app()).json['slug']}[bot]" if self.acts_as_app else (await self.user()).json["login"]
            )
        return self._login

    async def user(self) -> Answer:
        """Return the personal token's user; the headers name its scopes."""
        return await self._ask("GET", "/user", self._personal())

    async def app(self) -> Answer:
        """Return the GitHub App that the settings name."""
        return await self._ask("GET", "/app", self._app())

    async def installation(self, repository: str) -> Answer:
        """Return the GitHub App's installation on a repository, with its permissions."""
        return await self._ask("GET", f"/repos/{repository}/installation", self._app())

    async def _ask_as_bot(self, method: str, path: str, *, body: Any) -> Answer:
        credential = await self._own()
        try:
            return await self._ask(method, path, credential, body=body)
        except Upstream as error:
            # An installation's token ends before its time when the app's rights change, or clocks differ.
            if not self.acts_as_app or error.details.get("status") != 401:
                raise
        return await self._ask(method, path, await self._own(), body=body)

    async def _own(self) -> _Credential:
        if self.acts_as_app:
            return _Credential("GITHUB_APP_ID", token=await self._installation_token())
        return self._personal()

    def _personal(self) -> _Credential:
        token = self._settings.github_token
        if token is None:
            raise NotConfigured(
                T("GitHub is not connected: {setting} is not set. → ccb init github", setting="GITHUB_TOKEN"),
                service="github",
                settings=("GITHUB_TOKEN",),
            )
        return _Credential("GITHUB_TOKEN", token=token.get_secret_value())

    def _app(self) -> _Credential:
        app_id, key = self._settings.github_app_id, self._settings.github_app_private_key
        assert app_id is not None and key is not None, "asked for only where both are set"
        # In one line of an environment file the PEM's line ends are written \n.
        pem = key.get_secret_value().replace("\\n", "\n")
        try:
            return _Credential("GITHUB_APP_ID", jwt=apps.get_jwt(app_id=app_id, private_key=pem))
        except (PyJWTError, ValueError):
            raise Upstream(
                T("GITHUB_APP_PRIVATE_KEY is no RSA private key in PEM form. Download it again: ccb init github.")
            ) from None

    async def _installation_token(self) -> str:
        async with self._renewing:
            if self._installation is None or self._clock.now() > self._installation[1] - RENEW_BEFORE:
                self._installation = await self._new_installation_token()
            return self._installation[0]

    async def _new_installation_token(self) -> tuple[str, float]:
        """Return a token for the repository's installation and its expiry, in seconds since the epoch."""
        found = (await self.installation(self.repository)).json
        made = (await self._ask("POST", f"/app/installations/{found['id']}/access_tokens", self._app())).json
        return made["token"], datetime.fromisoformat(made["expires_at"]).timestamp()

    async def _ask(self, method: str, path: str, credential: _Credential, *, body: Any = None) -> Answer:
        # An absolute URL is made here: gidgethub would let a path that looks like one lead to another host.
        url = self._settings.github_api_url.rstrip("/") + "/" + path.lstrip("/")
        what = f"{method} {path.partition('?')[0]}"
        api = _Api(self._connections(), REQUESTER)
        try:
            return Answer(await _call(api, method, url, credential, body), api.headers)
        except HTTPException as error:
            if error.status_code == 401 and credential.setting == "GITHUB_APP_ID":
                self._installation = None
            raise failure(error, what=what, credential=credential.setting, now=self._clock.now()) from None
        except TimeoutError:
            raise Upstream(T("GitHub did not answer {what} in time. Try again later.", what=what)) from None
        except aiohttp.ClientError as error:
            raise Upstream(
                T("GitHub cannot be reached at {url}: {reason}.", url=self._settings.github_api_url, reason=str(error))
            ) from None
        except (ValueError, KeyError):
            raise Upstream(
                T(
                    "What answers at {url} is not GitHub's API. Check {setting}.",
                    url=self._settings.github_api_url,
                    setting="GITHUB_API_URL",
                )
            ) from None
        finally:  # what GitHub refuses tells of the quota too, above all at its end
            self._hear(credential, api.headers)

    def _hear(self, credential: _Credential, headers: Mapping[str, str]) -> None:
        """Remember what is left of a credential's quota: of an app's own requests apart from its installation's."""
        quota = of_github(headers)
        if quota is None or credential.setting == INTEGRATION_TOKEN:
            return
        if credential.setting == "GITHUB_APP_ID":  # its tokens change every hour, what is left of them goes on
            whose = f"{self._settings.github_app_id}{'' if credential.jwt is None else ':app'}"
        else:
            whose = fingerprint(credential.token or "")
        self._quotas.hear("github", f"{credential.setting}:{whose}", quota)

    def _connections(self) -> aiohttp.ClientSession:
        # Made at the first request: a session belongs to the loop that runs it.
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False)
        return self._session


async def _call(api: _Api, method: str, url: str, credential: _Credential, body: Any) -> Any:
    token, jwt = credential.token, credential.jwt
    # gidgethub writes b"" as no body at all, and None as JSON's null.
    data = b"" if body is None else body
    match method:
        case "GET":
            return await api.getitem(url, None, oauth_token=token, jwt=jwt)
        case "PATCH":
            return await api.patch(url, None, data=data, oauth_token=token, jwt=jwt)
        case "PUT":
            return await api.put(url, None, data=data, oauth_token=token, jwt=jwt)
        case "DELETE":
            return await api.delete(url, None, data=data, oauth_token=token, jwt=jwt)
        case _:
            return await api.post(url, None, data=data, oauth_token=token, jwt=jwt)
