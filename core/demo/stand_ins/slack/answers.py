"""How Slack's Web API takes arguments and says no (https://docs.slack.dev/apis/web-api)."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

Arguments = dict[str, Any]
Answer = dict[str, Any]
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Refused(Exception):
    """`ok: false` with Slack's code."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.answer: Answer = {"ok": False, "error": code, **more}


class Limited(Exception):
    """429 with Retry-After."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class HungUp(Exception):
    """Done, but the connection breaks before the answer."""


def refused_for(code: str, problems: list[str]) -> Refused:
    """Return a refusal that says where in the blocks or the view it is wrong."""
    said = {"response_metadata": {"messages": [f"[ERROR] {problem}" for problem in problems]}}
    return Refused(code, **({"errors": problems} if code == "invalid_blocks" else {}), **said)


async def arguments(request: web.Request, *, takes_json: bool) -> tuple[Arguments, Answer]:
    """Return the method's arguments, and the warning that goes with JSON of no charset."""
    if request.content_type == "application/json" and request.method == "POST":
        try:
            body = json.loads(await request.text())
        except ValueError:
            raise Refused("invalid_json") from None
        if not isinstance(body, dict):
            raise Refused("json_not_object")
        warning = {} if request.charset else {"warning": "missing_charset"}
        # A token among the arguments is taken from forms alone.
        return ({**body, "token": ""} if takes_json else {}), warning
    if request.method == "POST" and request.can_read_body and request.content_type not in FORMS:
        raise Refused("invalid_post_type")
    form = await request.post() if request.method == "POST" else {}
    return {**request.query, "token": "", **form}, {}


def parsed(value: Any) -> Any:
    """Return a form's argument that is JSON as what it says."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def true(value: Any) -> bool:
    """Say if a form's or JSON's argument is true."""
    return value in (True, "1", "true", "True")


def limit(given: Arguments, most: int, default: int = 100) -> int:
    """Return how many are wanted at most."""
    try:
        wanted = int(given.get("limit") or default)
    except ValueError:
        raise Refused("invalid_limit") from None
    if not 1 <= wanted <= most:
        raise Refused("invalid_limit")
    return wanted


def page(given: Arguments, found: list[Any], most: int, page_size: int) -> tuple[list[Any], Answer]:
    """Return one page of what was found, and where the next begins."""
    cursor = given.get("cursor") or "0"
    if not str(cursor).isdecimal():
        raise Refused("invalid_cursor")
    start = int(cursor)
    end = start + min(limit(given, most), page_size)
    return found[start:end], {"response_metadata": {"next_cursor": str(end) if end < len(found) else ""}}
