"""The stand-in as a server: the Web API, upload and answer addresses, Socket Mode's link."""

from __future__ import annotations

from aiohttp import web

from core.clock import Clock
from core.demo.stand_ins.server import StandIn, hang_up
from core.demo.stand_ins.slack import conversations, files, hooks, messages, people, views
from core.demo.stand_ins.slack.answers import Answer, Arguments, HungUp, Limited, Refused, arguments
from core.demo.stand_ins.slack.modals import Modals
from core.demo.stand_ins.slack.pressing import Pressing
from core.demo.stand_ins.slack.registry import RUNS, Call, method
from core.demo.stand_ins.slack.scopes import METHODS, Access
from core.demo.stand_ins.slack.speaking import Speaking
from core.demo.stand_ins.slack.workspace import APP, Workspace

FAMILIES = (conversations, files, messages, people, views)


class SlackStandIn(Speaking, Pressing, Modals, StandIn):
    """A workspace `Acme` with the bot `ccb`, in #general and #deploys, not in #random.

    slack-bolt and slack-sdk talk to it at `url`. Its state is there to be read, `changes` tells of each change, and
    what people do are its methods: `command`, `press`, `submit` and others wait for the app's acknowledgement.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        StandIn.__init__(self)
        super().__init__(clock)
        self.broken = 0
        """The status of every answer (500, 503, …) as long as it is not 0."""

    def address(self, base: str) -> str:
        self.base = base
        return base + "/api/"

    def routes(self) -> list[web.RouteDef]:
        async def upload(request: web.Request) -> web.Response:
            return await files.take(self, request)

        async def respond(request: web.Request) -> web.Response:
            return await hooks.respond(self, request)

        async def incoming(request: web.Request) -> web.Response:
            return await hooks.incoming(self, request)

        return [
            web.get("/api/{method}", self._called),
            web.post("/api/{method}", self._called),
            web.post("/upload/v1/{ticket}", upload),
            web.post("/actions/{path:.*}", respond),
            web.post("/commands/{path:.*}", respond),
            web.post("/services/{path:.*}", incoming),
            web.get("/link/", self.sockets.link),
        ]

    async def stop(self) -> None:
        self.sockets.stop()
        await super().stop()

    async def _called(self, request: web.Request) -> web.Response:
        name = request.match_info["method"]
        if self.broken:
            return web.Response(status=self.broken, text="<html>Slack is down</html>", content_type="text/html")
        access = METHODS.get(name)
        if access is None:
            # What Slack has retired is unknown too, such as apps.permissions.info: it went with workspace apps in 2021
            # (https://api.slack.com/methods/apps.permissions.request), and the reference lists it no more.
            return web.json_response({"ok": False, "error": "unknown_method", "req_method": name})
        self.called.append(name)
        try:
            self._make_trouble(name)
            answer = await self._answer(request, name, access)
        except Refused as refused:
            answer = refused.answer
            self.refused.append((name, str(refused), answer.get("response_metadata", {}).get("messages", [])))
        except Limited as limited:
            headers = {"Retry-After": str(limited.retry_after)}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        except HungUp:
            return hang_up(request)
        scopes = self.app_scopes if access.app_token else self.scopes
        return web.json_response(answer, headers={"X-OAuth-Scopes": ",".join(scopes)})

    def _make_trouble(self, name: str) -> None:
        ordered = self.trouble.get(name, [])
        trouble = ordered.pop(0) if ordered else ""
        if isinstance(trouble, int):
            raise Limited(trouble)
        if trouble:
            raise Refused(trouble)

    async def _answer(self, request: web.Request, name: str, access: Access) -> Answer:
        given, warning = await arguments(request, takes_json=access.takes_json)
        token = self._authenticated(request, given, access)
        if access.app_token:
            missing = [scope for scope in access.scopes if scope not in self.app_scopes]
            if missing:
                raise Refused("missing_scope", needed=missing[0], provided=",".join(self.app_scopes))
        else:
            self.needs_one(access.scopes)
        return {"ok": True, **RUNS[name](self, Call(name, given, token, self.base)), **warning}

    def _authenticated(self, request: web.Request, given: Arguments, access: Access) -> str:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            # An app-level token comes in the header alone, a bot's may stand in a form.
            token = "" if access.app_token else str(given.get("token") or "")
        if not token:
            raise Refused("not_authed")
        known, other = ([self.app_token], self.tokens) if access.app_token else (self.tokens, [self.app_token])
        if token not in known:
            raise Refused("not_allowed_token_type" if token in other else "invalid_auth")
        return token


@method("apps.connections.open")
def connect(slack: Workspace, call: Call) -> Answer:
    """Give an address that lets one websocket in."""
    assert isinstance(slack, SlackStandIn)
    url = call.base.replace("http", "ws", 1)
    return {"url": f"{url}/link/?ticket={slack.sockets.ticket()}&app_id={APP}"}


assert set(RUNS) == set(METHODS)
