"""A strict stand-in for the Claude API's list of models (https://docs.claude.com/en/api/models)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.stand_ins.server import StandIn, main

API_KEY = "sk-ant-stand-in"


class ClaudeStandIn(StandIn):
    """One key, one model."""

    def __init__(self) -> None:
        super().__init__()
        self.models = ["claude-sonnet-5-5"]
        self.api_key = API_KEY
        self.retry_after: int | None = None
        """At its rate limit, for so many seconds."""
        self.broken = 0
        """The status of every answer as long as it is not 0."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/models", self._list), web.get("/v1/models/{id}", self._model)]

    async def _list(self, request: web.Request) -> web.Response:
        return self._refused(request) or web.json_response(
            {"data": [_shown(name) for name in self.models], "has_more": False, "first_id": None, "last_id": None}
        )

    async def _model(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        name = request.match_info["id"]
        if name not in self.models:
            return _error(404, "not_found_error", f"model: {name}")
        return web.json_response(_shown(name))

    def _refused(self, request: web.Request) -> web.Response | None:
        if self.broken:
            return _error(self.broken, "api_error", "Internal server error")
        # As a bearer token (platform.claude.com/docs/en/manage-claude/authentication); older clients use x-api-key.
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        key = request.headers.get("x-api-key") or bearer
        if not key:
            return _error(401, "authentication_error", "Authorization or x-api-key header is required")
        if key != self.api_key:
            return _error(401, "authentication_error", "invalid API key")
        if "anthropic-version" not in request.headers:
            return _error(400, "invalid_request_error", "anthropic-version: header is required")
        if self.retry_after is not None:
            refused = _error(429, "rate_limit_error", "This request would exceed your organization's rate limit.")
            refused.headers["Retry-After"] = str(self.retry_after)
            return refused
        return None


def _shown(name: str) -> dict[str, Any]:
    created = "2026-01-01T00:00:00Z"
    return {"type": "model", "id": name, "display_name": name, "created_at": created, "lifecycle": "active"}


def _error(status: int, kind: str, message: str) -> web.Response:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_stand_in"}
    return web.json_response(body, status=status, headers={"request-id": "req_stand_in"})


if __name__ == "__main__":
    main(ClaudeStandIn())
