"""A repository's webhooks and their deliveries (https://docs.github.com/en/rest/repos/webhooks).

A hook really delivers: signed as GitHub signs, to the address in its config, with the true status kept.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from core.demo.stand_ins.github.answers import Caller, Handle, Hub, Refused, fields, invalid, per_page

MASK = "********"
KEPT_SECONDS = 3 * 24 * 3600
"""Deliveries of the past 3 days are listed
(https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/viewing-webhook-deliveries)."""
SCOPES = ("admin:repo_hook", "repo", "write:repo_hook")
"""What hooks need, as GitHub's X-Accepted-OAuth-Scopes names it; for reading, read:repo_hook will do."""
_BASE = "/repos/{owner}/{repo}/hooks"
_ONE = _BASE + "/{hook_id}"
_DELIVERIES = _ONE + "/deliveries"


@dataclass
class Hook:
    """One webhook, and what it has delivered (oldest first)."""

    id: int
    repository: str
    config: dict[str, Any]
    events: list[str]
    active: bool = True
    deliveries: list[dict[str, Any]] = field(default_factory=list)


class Hooks:
    """The hooks of all repositories."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._made = 0
        self._delivered = 0
        self._pings: set[asyncio.Task[Any]] = set()
        self._later: asyncio.Queue[tuple[str, str, dict[str, Any]]] = asyncio.Queue()
        self._deliverer: asyncio.Task[None] | None = None
        self.all: dict[int, Hook] = {}
        self.redeliveries_limited: int | None = None
        """Attempts are refused for so many seconds, by the secondary limit."""

    def add(self, repository: str, url: str, *, secret: str | None = None, events: tuple[str, ...] = ("push",)) -> Hook:
        """Set a hook up as somebody would on the web, without its ping."""
        config = {"url": url, "content_type": "json", "insecure_ssl": "0"}
        return self._keep(repository, config | ({"secret": secret} if secret else {}), list(events))

    async def happen(self, repository: str, event: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
        """Deliver an event to each hook that wants it, under one guid as GitHub does; return the deliveries."""
        guid = str(uuid.uuid4())
        return [await self._deliver(hook, event, payload, guid) for hook in self._wanting(repository, event)]

    def announce(self, repository: str, event: str, payload: dict[str, Any]) -> None:
        """Deliver an event after those before it, without waiting for that, as GitHub does."""
        if self._wanting(repository, event):
            # What is told is how it was then.
            self._later.put_nowait((repository, event, copy.deepcopy(payload)))
            if self._deliverer is None:
                self._deliverer = asyncio.create_task(self._deliver_in_order())

    async def settled(self) -> None:
        """Wait until everything that was announced is delivered."""
        await self._later.join()

    async def _deliver_in_order(self) -> None:
        while True:
            repository, event, payload = await self._later.get()
            try:
                await self.happen(repository, event, payload)
            finally:
                self._later.task_done()

    def lose(
        self, repository: str, event: str, payload: dict[str, Any], *, status_code: int = 502
    ) -> list[dict[str, Any]]:
        """Let an event's deliveries fail on the way: they stand in the list (502: no connection) and never arrived."""
        guid = str(uuid.uuid4())
        return [self._record(hook, event, payload, guid, status_code) for hook in self._wanting(repository, event)]

    async def again(self, delivery_id: int) -> dict[str, Any]:
        """Deliver once more what was delivered, as somebody would on the web; return the new delivery."""
        found = ((hook, kept) for hook in self.all.values() for kept in hook.deliveries)
        hook, kept = next((hook, kept) for hook, kept in found if kept["shown"]["id"] == delivery_id)
        return await self._redeliver(hook, kept)

    async def close(self) -> None:
        """Let no ping outlive the stand-in."""
        tasks = [*self._pings, *([self._deliverer] if self._deliverer else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def routes(self, handler: Callable[[Handle], Any]) -> list[web.RouteDef]:
        """Return the hooks' part of the API."""
        return [
            web.get(_BASE, handler(self._list)),
            web.post(_BASE, handler(self._create)),
            web.get(_ONE, handler(self._one)),
            web.patch(_ONE, handler(self._update)),
            web.delete(_ONE, handler(self._drop)),
            web.get(_DELIVERIES, handler(self._deliveries)),
            web.get(_DELIVERIES + "/{delivery_id}", handler(self._delivery)),
            web.post(_DELIVERIES + "/{delivery_id}/attempts", handler(self._attempt)),
        ]

    def _wanting(self, repository: str, event: str) -> list[Hook]:
        return [
            hook
            for hook in self.all.values()
            if hook.repository == repository and hook.active and {event, "*"} & set(hook.events)
        ]

    def _keep(self, repository: str, config: dict[str, Any], events: list[str]) -> Hook:
        self._made += 1
        hook = self.all[self._made] = Hook(self._made, repository, config, events)
        return hook

    async def _list(self, request: web.Request, caller: Caller) -> web.Response:
        name = self._administered(request, caller)
        return web.json_response([self._shown(hook) for hook in self.all.values() if hook.repository == name])

    async def _create(self, request: web.Request, caller: Caller) -> web.Response:
        name = self._administered(request, caller)
        body = await fields(request)
        config, events = _config(body), _events(body.get("events", ["push"]))
        for hook in self.all.values():
            if hook.repository == name and hook.config["url"] == config["url"] and set(hook.events) & set(events):
                raise invalid("Hook", "url", "custom", message="Hook already exists on this repository")
        made = self._keep(name, config, events)
        made.active = body.get("active", True)
        ping = {"zen": "Design for failure.", "hook_id": made.id, "hook": self._shown(made)}
        task = asyncio.create_task(self._deliver(made, "ping", ping, str(uuid.uuid4())))
        self._pings.add(task)
        task.add_done_callback(self._pings.discard)
        return web.json_response(self._shown(made), status=201)

    async def _one(self, request: web.Request, caller: Caller) -> web.Response:
        return web.json_response(self._shown(self._hook(request, caller)))

    async def _update(self, request: web.Request, caller: Caller) -> web.Response:
        """Change a hook; a config is replaced whole: the secret of one that names none is gone."""
        hook = self._hook(request, caller)
        body = await fields(request)
        config = _config(body) if "config" in body else hook.config
        events = _events(body["events"]) if "events" in body else hook.events
        events = [*events, *(event for event in _events(body.get("add_events", [])) if event not in events)]
        gone = _events(body.get("remove_events", []))
        hook.config, hook.events = config, [event for event in events if event not in gone]
        hook.active = body.get("active", hook.active)
        return web.json_response(self._shown(hook))

    async def _drop(self, request: web.Request, caller: Caller) -> web.Response:
        del self.all[self._hook(request, caller).id]
        return web.Response(status=204)

    async def _deliveries(self, request: web.Request, caller: Caller) -> web.Response:
        hook = self._hook(request, caller)
        oldest = self._hub.now() - KEPT_SECONDS
        found = [kept for kept in reversed(hook.deliveries) if kept["at"] >= oldest]
        if "redelivery" in request.query:
            found = [kept for kept in found if kept["shown"]["redelivery"] == (request.query["redelivery"] == "true")]
        cursor = request.query.get("cursor")
        if cursor is not None:
            if not cursor.startswith("v1_") or not cursor[3:].isdecimal():
                raise Refused(422, "Validation Failed", errors=["Invalid cursor"])
            found = [kept for kept in found if kept["shown"]["id"] <= int(cursor[3:])]
        size = per_page(request)
        headers = {}
        if len(found) > size:
            query = urlencode({**request.query, "per_page": size, "cursor": f"v1_{found[size]['shown']['id']}"})
            headers["Link"] = f'<{self._hub.url}{request.path}?{query}>; rel="next"'
        return web.json_response([kept["shown"] for kept in found[:size]], headers=headers)

    async def _delivery(self, request: web.Request, caller: Caller) -> web.Response:
        kept = self._kept(request, self._hook(request, caller))
        more = {key: kept[key] for key in ("url", "request", "response")}
        return web.json_response({**kept["shown"], **more})

    async def _attempt(self, request: web.Request, caller: Caller) -> web.Response:
        hook = self._hook(request, caller)
        kept = self._kept(request, hook)
        if self.redeliveries_limited is not None:
            headers = {"Retry-After": str(self.redeliveries_limited)}
            raise Refused(403, "You have exceeded a secondary rate limit. Please wait a few minutes.", headers=headers)
        await self._redeliver(hook, kept)
        return web.json_response({}, status=202)

    async def _redeliver(self, hook: Hook, kept: dict[str, Any]) -> dict[str, Any]:
        shown = kept["shown"]
        return await self._deliver(hook, shown["event"], kept["request"]["payload"], shown["guid"], redelivery=True)

    def _administered(self, request: web.Request, caller: Caller) -> str:
        """Return the repository's name; who may not see its hooks is told that there are none."""
        name = f"{request.match_info['owner']}/{request.match_info['repo']}".lower()
        found = self._hub.repositories.get(name)
        hidden = found is not None and found.private and caller.sees is not None and name not in caller.sees
        accepted = SCOPES if request.method != "GET" else (*SCOPES, "read:repo_hook")
        scoped = caller.scopes is None or set(accepted) & set(caller.scopes)
        classic = caller.scopes is not None or not caller.login
        if found is None or hidden or not scoped or (classic and not caller.may_administer):
            raise Refused(404, "Not Found", headers={"X-Accepted-OAuth-Scopes": ", ".join(accepted)})
        level = (caller.permissions or {}).get("repository_hooks")
        lacks = caller.permissions is not None and level != "write" and (level, request.method) != ("read", "GET")
        if not caller.may_administer or lacks:
            needed = f"repository_hooks={'read' if request.method == 'GET' else 'write'}"
            message = f"Resource not accessible by {'integration' if lacks else 'personal access token'}"
            raise Refused(403, message, headers={"X-Accepted-GitHub-Permissions": needed})
        return name

    def _hook(self, request: web.Request, caller: Caller) -> Hook:
        name = self._administered(request, caller)
        number = request.match_info["hook_id"]
        hook = self.all.get(int(number)) if number.isdecimal() else None
        if hook is None or hook.repository != name:
            raise Refused(404, "Not Found")
        return hook

    def _kept(self, request: web.Request, hook: Hook) -> dict[str, Any]:
        wanted = request.match_info["delivery_id"]
        oldest = self._hub.now() - KEPT_SECONDS
        for kept in hook.deliveries:
            if str(kept["shown"]["id"]) == wanted and kept["at"] >= oldest:
                return kept
        raise Refused(404, "Not Found")

    def _shown(self, hook: Hook) -> dict[str, Any]:
        url = f"{self._hub.url}/repos/{hook.repository}/hooks/{hook.id}"
        last = hook.deliveries[-1]["shown"] if hook.deliveries else {"status_code": None, "status": "unused"}
        config = {**hook.config, "secret": MASK} if "secret" in hook.config else hook.config
        return {
            "type": "Repository",
            "id": hook.id,
            "name": "web",
            "active": hook.active,
            "events": hook.events,
            "config": config,
            "url": url,
            "ping_url": f"{url}/pings",
            "deliveries_url": f"{url}/deliveries",
            "last_response": {"code": last["status_code"], "status": last["status"], "message": None},
        }

    async def _deliver(
        self, hook: Hook, event: str, payload: dict[str, Any], guid: str, *, redelivery: bool = False
    ) -> dict[str, Any]:
        headers, body = self._signed(hook, event, payload, guid)
        start = time.monotonic()
        answer: tuple[int, dict[str, str], str]
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,  # GitHub's own
                http.post(hook.config["url"], data=body, headers=headers, allow_redirects=False) as response,
            ):
                answer = response.status, dict(response.headers), await response.text()
        except TimeoutError:
            answer = 504, {}, ""
        except aiohttp.ClientError:
            answer = 502, {}, ""
        more = {"headers": answer[1], "payload": answer[2]}
        took = round(time.monotonic() - start, 2)
        return self._record(hook, event, payload, guid, answer[0], redelivery=redelivery, response=more, duration=took)

    def _signed(self, hook: Hook, event: str, payload: Any, guid: str) -> tuple[dict[str, str], bytes]:
        as_json = json.dumps(payload, separators=(",", ":"))
        form = hook.config["content_type"] == "form"
        body = (urlencode({"payload": as_json}) if form else as_json).encode()
        headers = {**self._sent(hook, event, guid), "Accept": "*/*"}
        headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        secret = hook.config.get("secret")
        if secret:
            headers["X-Hub-Signature-256"] = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
        return headers, body

    def _sent(self, hook: Hook, event: str, guid: str) -> dict[str, str]:
        return {
            "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(hook.id),
            "X-GitHub-Hook-Installation-Target-Type": "repository",
            "X-GitHub-Hook-Installation-Target-ID": str(self._hub.repositories[hook.repository].id),
        }

    def _record(
        self,
        hook: Hook,
        event: str,
        payload: dict[str, Any],
        guid: str,
        status_code: int,
        *,
        redelivery: bool = False,
        response: dict[str, Any] | None = None,
        duration: float = 0.0,
    ) -> dict[str, Any]:
        self._delivered += 1
        at = self._hub.now()
        shown: dict[str, Any] = {
            "id": 12_345_678_900 + self._delivered,
            "guid": guid,
            "delivered_at": datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "redelivery": redelivery,
            "duration": duration,
            "status": _status(status_code),
            "status_code": status_code,
            "event": event,
            "action": payload.get("action"),
            "installation_id": None,
            "repository_id": self._hub.repositories[hook.repository].id,
            "throttled_at": None,
        }
        hook.deliveries.append(
            {
                "at": at,
                "shown": shown,
                "url": hook.config["url"],
                "request": {"headers": self._signed(hook, event, payload, guid)[0], "payload": payload},
                "response": response or {"headers": {}, "payload": None},
            }
        )
        return shown


def _status(code: int) -> str:
    if 200 <= code < 300:
        return "OK"
    return {0: "", 502: "failed to connect to host", 504: "timed out"}.get(code, f"Invalid HTTP Response: {code}")


def _config(body: dict[str, Any]) -> dict[str, Any]:
    """Return a hook's config with GitHub's defaults: without a content type it sends forms."""
    config = body.get("config")
    if not isinstance(config, dict) or not str(config.get("url", "")).startswith(("http://", "https://")):
        raise invalid("Hook", "url")
    if config.get("content_type", "form") not in ("json", "form"):
        raise invalid("Hook", "content_type", "invalid")
    return {"content_type": "form", "insecure_ssl": "0", **config}


def _events(events: Any) -> list[str]:
    if not isinstance(events, list) or not all(isinstance(event, str) and event for event in events):
        raise invalid("Hook", "events", "invalid")
    return events
