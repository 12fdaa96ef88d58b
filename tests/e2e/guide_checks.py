"""What the guide promises of each operation that its commands call: the status, and that they find what they look for.

Keyed by the operation, as the guide writes it; what a command says is never repeated here.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from core.demo.stand_ins.slack import WEBHOOK
from tests.e2e.guide import Asked
from tests.e2e.guide_house import House, Ran

Check = Callable[[House, Ran], Awaitable[str]]
_ONE = "/v1/integrations/{id}"
_METRIC = {"value", "unit", "from", "to", "step", "series"}


@dataclass(frozen=True)
class Promise:
    """The status that a command must be answered with, and what else must hold; the check returns what it saw."""

    status: int
    check: Check


PROMISES: dict[str, Promise] = {}


def operation(asked: Asked) -> str:
    """Return the name under which an operation's promise stands."""
    host = {"api.github.com": "github ", "slack.com": "slack ", "hooks.slack.com": "slack "}.get(asked.host, "")
    return f"{host}{asked.method} {asked.path.replace('{integration-id}', '{id}')}"


def promise(*operations: str, status: int = 200) -> Callable[[Check], Check]:
    """Register what operations promise."""

    def register(check: Check) -> Check:
        PROMISES.update({operation: Promise(status, check) for operation in operations})
        return check

    return register


def found(value: Any, *keys: str) -> list[dict[str, Any]]:
    """Return every object, at any depth, that has all these keys."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    here = [value] if isinstance(value, dict) and set(keys) <= set(value) else []
    return here + [one for part in inner for one in found(part, *keys)]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in inner for text in _texts(part)]


def _has(value: Any, *keys: str) -> None:
    assert isinstance(value, dict), f"an object was expected: {str(value)[:200]}"
    missing = [key for key in keys if key not in value]
    assert not missing, f"{', '.join(missing)} is not there: {str(value)[:300]}"


def _array(value: Any) -> str:
    assert isinstance(value, list), f"an array was expected: {str(value)[:200]}"
    return f"an array of {len(value)}"


@promise("GET /health")
async def _health(house: House, ran: Ran) -> str:
    _has(ran.json, "status", "dependencies")
    return f"status {ran.json['status']}"


@promise(f"GET {_ONE}/status")
async def _status(house: House, ran: Ran) -> str:
    _has(ran.json, "status")
    assert any(" " in text for text in _texts(ran.json)), f"no summary in words: {ran.out[:300]}"
    return f"status {ran.json['status']}, and a summary"


@promise("GET /v1/issues/{issue-id}/logs", f"GET {_ONE}/logs", f"GET {_ONE}/webhook-logs")
async def _logs(house: House, ran: Ran) -> str:
    if "webhook-logs" in ran.command:
        assert any(line["status"] == 401 for line in ran.json), f"the refused delivery is not there: {ran.out[:300]}"
    if "/issues/" in ran.command:
        assert ran.json, "nothing is said of an issue that was processed"
    return _array(ran.json)


@promise("POST /v1/issues/{issue-id}/reprocess", status=202)
async def _reprocess(house: House, ran: Ran) -> str:
    _has(ran.json)
    return "taken"


@promise(f"GET {_ONE}")
async def _get(house: House, ran: Ran) -> str:
    if "error_details" not in ran.command:
        _has(ran.json, "id", "status", "last_activity", "error_details", "pull_request", "issue")
        return f"status {ran.json['status']}"
    if ran.json is not None:
        _has(ran.json, "error")
        return str(ran.json["error"])
    integrations = await house.engine.ask("GET", "/v1/integrations")
    assert all("error_details" in one for one in integrations)
    failed = next((one for one in integrations if one["error_details"]), None)
    if failed is None:
        return "null, for nothing has failed"
    again = await house.run(ran.command.replace(house.id, failed["id"]))
    _has(again.json, "error")
    return f"null; for one that has failed: {again.json['error']}"


@promise(f"GET {_ONE}/config")
async def _config(house: House, ran: Ran) -> str:
    _has(ran.json)
    assert "-token" not in ran.out, "a secret is shown"
    return f"{len(ran.json)} keys"


@promise(f"PATCH {_ONE}/config", f"PATCH {_ONE}/monitoring")
async def _patched(house: House, ran: Ran) -> str:
    """What was set is so, and a secret is masked."""
    for key, value in ran.body.items():
        shown = ran.json.get(key)
        assert shown is not None, f"{key} is not there: {ran.out[:300]}"
        if key.endswith("_token"):
            assert value not in ran.out, f"{key} is shown"
        else:
            assert shown == value, f"{key} is {shown!r}"
    return f"set: {', '.join(ran.body)}"


@promise(f"GET {_ONE}/permissions")
async def _permissions(house: House, ran: Ran) -> str:
    assert found(ran.json, "missing"), f"nothing says what is missing: {ran.out[:300]}"
    said = ran.out.lower()
    assert "github" in said and "slack" in said, "both services are answered for"
    assert house.services_asked() == (True, True), "both services are really asked"
    return "asked of both services"


@promise(f"POST {_ONE}/activate")
async def _activate(house: House, ran: Ran) -> str:
    assert ran.json["status"] == "active"
    return "active"


@promise(f"GET {_ONE}/webhook-config")
async def _webhook_config(house: House, ran: Ran) -> str:
    assert ran.json is True
    whole = await house.engine.ask("GET", f"/v1/integrations/{house.id}/webhook-config")
    _has(whole, "secret_configured", "url", "scheme")
    return "true"


@promise(f"PATCH {_ONE}/webhook-secret")
async def _webhook_secret(house: House, ran: Ran) -> str:
    """The secret and the hook's new address are the guide's own: what GitHub sends now arrives."""
    assert ran.body["secret"] not in ran.out
    await house.traffic()
    return "GitHub's deliveries arrive, signed with it"


@promise("POST /webhooks/{id}", status=401)
async def _unsigned(house: House, ran: Ran) -> str:
    if "%{http_code}" in ran.command:
        assert ran.out == "401"
        return "401: reached, and refused for its signature"
    _has(ran.json, "error", "message")
    assert "HTTP/1.1 401" in ran.err, "-v shows the status"
    return "401: reached, and refused for want of a signature"


@promise("GET /v1/user", "GET /v1/auth/verify", "GET /v1/metrics/performance")
async def _object(house: House, ran: Ran) -> str:
    assert isinstance(ran.json, dict) and ran.json, f"an object was expected: {ran.out[:200]}"
    return f"has {', '.join(list(ran.json)[:4])}"


@promise("GET /v1/auth/token-info")
async def _token_info(house: House, ran: Ran) -> str:
    assert re.match(r"\d{4}-\d\d-\d\dT", ran.json), "no time"
    whole = await house.run(ran.command.partition(" | jq")[0])
    _has(whole.json, "expires_at", "permissions", "name", "last_used_at")
    return "a time"


@promise("POST /v1/auth/tokens", status=201)
async def _new_token(house: House, ran: Ran) -> str:
    _has(ran.json, "id", "token", "permissions")
    assert sorted(ran.json["permissions"]) == sorted(ran.body["permissions"])
    house.names["{token-id}"] = ran.json["id"]
    return "made"


@promise("PATCH /v1/auth/tokens/{token-id}")
async def _changed_token(house: House, ran: Ran) -> str:
    assert sorted(ran.json["permissions"]) == sorted(ran.body["permissions"])
    return "changed"


@promise("GET /v1/integrations")
async def _list(house: House, ran: Ran) -> str:
    if "time_total" in ran.out:
        assert re.search(r"^ *time_total: +\d+\.\d+$", ran.out, re.MULTILINE), ran.out
        return "times are shown"
    if "jq" in ran.command:
        for one in ran.values:
            assert set(one) == {"id", "name", "config"} and isinstance(one["config"], dict), one
        assert re.fullmatch(r"backup-\d{8}\.json", ran.files[0])
        return f"{len(ran.values)} integrations in {ran.files[0]}"
    fields = re.search(r"fields=([\w,]+)", ran.command)
    if fields:
        assert all(sorted(one) == sorted(fields[1].split(",")) for one in ran.json), ran.out[:300]
    if "limit=" in ran.command:
        there = len(await house.engine.ask("GET", "/v1/integrations"))
        assert there >= 3 and f"x-total-count: {there}" in ran.headers.lower(), ran.headers
    return _array(ran.json)


@promise("POST /v1/integrations/batch")
async def _batch(house: House, ran: Ran) -> str:
    for wanted in ran.body["ids"]:
        assert wanted in ran.out, f"{wanted} is not answered for"
    return f"{len(ran.body['ids'])} answered for"


@promise(f"GET {_ONE}/metrics/status")
async def _metrics_status(house: House, ran: Ran) -> str:
    _has(ran.json)
    return f"has {', '.join(list(ran.json)[:4])}"


@promise(f"GET {_ONE}/metrics")
async def _metrics(house: House, ran: Ran) -> str:
    assert ran.json and all(set(one) >= _METRIC for one in ran.json.values()), f"no metrics: {ran.out[:300]}"
    return f"{len(ran.json)} metrics"


@promise(f"GET {_ONE}/alerts", f"PUT {_ONE}/alerts")
async def _alerts(house: House, ran: Ran) -> str:
    rules = ran.json["rules"]
    if ran.command.startswith("curl -X PUT"):
        assert [rule["name"] for rule in rules] == [rule["name"] for rule in ran.body["rules"]]
    return f"{len(rules)} rules"


@promise(f"POST {_ONE}/alerts/test")
async def _alert_test(house: House, ran: Ran) -> str:
    results = found(ran.json, "delivered", "detail")
    assert results, f"no channel's result: {ran.out[:300]}"
    told = any(result["delivered"] is True for result in results)
    assert told == bool(house.slack.texts), f"what is said is not what Slack got: {ran.out[:300]}"
    return f"delivered: {str(told).lower()}, which is true"


@promise(f"GET {_ONE}/events")
async def _events(house: House, ran: Ran) -> str:
    assert ran.json and all(event["duplicates"] > 0 for event in ran.json), f"no duplicates: {ran.out[:300]}"
    return _array(ran.json)


@promise(f"GET {_ONE}/events/gaps")
async def _gaps(house: House, ran: Ran) -> str:
    """The engine may ask GitHub again only after a while; the lost delivery is among the answers in the end."""
    assert house.lost, "no delivery was lost: the hook was never set up"
    deadline = time.monotonic() + 10
    while house.lost not in (ran := await house.run(ran.command)).out:
        assert time.monotonic() < deadline, f"the lost delivery is not listed: {ran.out[:300]}"
        await asyncio.sleep(0.2)
    return "the lost delivery is listed"


@promise(f"GET {_ONE}/queue/status")
async def _queue(house: House, ran: Ran) -> str:
    _has(ran.json, "depth")
    return f"depth {ran.json['depth']}"


@promise(f"POST {_ONE}/replay", status=202)
async def _replay(house: House, ran: Ran) -> str:
    _has(ran.json, "id", "status")
    return f"a job, {ran.json['status']}"


@promise("github GET /repos/{owner}/{repo}/issues/{issue_number}")
async def _labels_shown(house: House, ran: Ran) -> str:
    assert ran.values and all(isinstance(name, str) for name in ran.values)
    return f"labels: {', '.join(ran.values)}"


@promise("github POST /repos/{owner}/{repo}/issues/{issue_number}/labels")
async def _labels_added(house: House, ran: Ran) -> str:
    assert set(ran.body) <= {label["name"] for label in ran.json}
    return f"labelled {', '.join(ran.body)}"


@promise("github GET /repos/{owner}/{repo}/hooks", "github GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries")
async def _hooks(house: House, ran: Ran) -> str:
    assert ran.json, "none"
    return _array(ran.json)


@promise("github PATCH /repos/{owner}/{repo}/hooks/{hook_id}")
async def _hook_changed(house: House, ran: Ran) -> str:
    assert ran.json["config"]["url"].endswith(f"/webhooks/{house.id}")
    assert ran.json["events"] == ran.body["events"]
    return "its address is the integration's"


@promise("github GET /user")
async def _github_user(house: House, ran: Ran) -> str:
    _has(ran.json, "login")
    return f"it is {ran.json['login']}'s"


@promise("github HEAD /user")
async def _github_scopes(house: House, ran: Ran) -> str:
    assert re.match(r"x-oauth-scopes: \S", ran.out, re.IGNORECASE)
    return ran.out.strip()


@promise("slack POST /api/auth.test")
async def _slack_token(house: House, ran: Ran) -> str:
    assert ran.json["ok"] is True
    return "ok"


@promise("slack POST /api/apps.permissions.info")
async def _slack_permissions(house: House, ran: Ran) -> str:
    """Slack has this method no more; the scopes are beside every answer."""
    assert ran.json["error"] == "unknown_method"
    test = await house.run(ran.command.replace("apps.permissions.info", "auth.test"))
    assert "x-oauth-scopes: chat:write" in test.headers.lower()
    return "Slack has retired it (unknown_method); auth.test names the scopes in X-OAuth-Scopes"


@promise("slack POST /services/YOUR/SLACK/WEBHOOK")
async def _slack_webhook(house: House, ran: Ran) -> str:
    assert ran.out == "ok"
    assert ran.body["text"] in house.slack.texts
    assert house.slack.webhooks[WEBHOOK]
    return "Slack shows the message"
