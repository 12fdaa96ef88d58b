"""What lies around every page: who is signed in, what they may see, which form may be sent, how errors look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

import orjson
import structlog
from aiohttp import web
from pydantic import BaseModel

from core import sessions
from core.actors import ANONYMOUS, LOCAL, Actor, Permission
from core.context import Context
from core.errors import Malformed, NotFound, TooLarge
from core.http import errors, parsing
from core.http.dashboard import cookies, kept
from core.http.dashboard.kept import Kept, back_to
from core.http.dashboard.render import Frame, rendered
from core.http.middleware import request_id
from core.http.node import NODE
from core.http.routes import ANY_KEY, Request, Routes
from core.texts import T, Text

LARGEST_FORM = 64 * 1024
Section = Literal["integrations", "alerts", "system", ""]
Needed = Permission | Literal["any key"] | None
PAGES = Routes()


@dataclass(frozen=True)
class Shown:
    """A page: the template with its values. `title`: what the browser's tab says."""

    template: str
    title: Text | str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


PageHandler = Callable[[Context, Request], Awaitable[Shown | web.StreamResponse]]
ActionHandler = Callable[[Context, Request], Awaitable[str | Shown | web.StreamResponse]]


def page(
    path: str, *, permission: Needed, section: Section = "", query: type[BaseModel] | None = None
) -> Callable[[PageHandler], PageHandler]:
    """Declare a page: `async def handler(ctx, request) -> Shown`.

    `permission`: what its REST resource asks for; `ANY_KEY` for whoever is signed in, None for everybody. `section`:
    which part of the navigation it belongs to. `query`: a model of the query, as in REST.
    """

    def declare(handler: PageHandler) -> PageHandler:
        async def answer(ctx: Context, raw: web.Request) -> web.StreamResponse:
            return await _bordered(ctx, raw, permission, section, lambda request: handler(ctx, request), query=query)

        _add("GET", path, answer)
        return handler

    return declare


def action(path: str, *, permission: Needed, section: Section = "") -> Callable[[ActionHandler], ActionHandler]:
    """Declare what a button does: `async def handler(ctx, request) -> str`, the page to go to then.

    `request.body` is the form, name to text. Forms that no page of ours sent are refused.
    """

    def declare(handler: ActionHandler) -> ActionHandler:
        async def answer(ctx: Context, raw: web.Request) -> web.StreamResponse:
            async def do(request: Request) -> Shown | web.StreamResponse:
                done = await handler(ctx, request)
                return web.Response(status=303, headers={"Location": done}) if isinstance(done, str) else done

            return await _bordered(ctx, raw, permission, section, do, form=True)

        _add("POST", path, answer)
        return handler

    return declare


def _add(method: Literal["GET", "POST"], path: str, answer: Callable[[Context, Any], Awaitable[Any]]) -> None:
    summary = T("A page of the dashboard")
    PAGES.route(method, path, permission=None, open=True, raw=True, tag="dashboard", summary=summary)(answer)


async def _bordered(
    ctx: Context,
    raw: web.Request,
    permission: Needed,
    section: Section,
    run: Callable[[Request], Awaitable[Shown | web.StreamResponse]],
    *,
    query: type[BaseModel] | None = None,
    form: bool = False,
) -> web.StreamResponse:
    """Answer with a page, whatever happens."""
    own_id, language, actor = request_id(raw), cookies.language_of(raw), ANONYMOUS
    structlog.contextvars.bind_contextvars(request_id=own_id)
    headers: dict[str, str] = {"X-Request-Id": own_id}
    try:
        if not all(part.isprintable() for part in raw.match_info.values()):
            raise NotFound(T("There is no such page."))
        if form:
            cookies.refuse_foreign(raw, ctx.settings)
        body = await _form(raw) if form else None
        actor = await signed_in(ctx, raw) or ANONYMOUS
        if permission is not None and actor is ANONYMOUS:
            result: Shown | web.StreamResponse = sign_in_page(raw, kept=kept.of(raw, body))
        else:
            _admit(ctx, raw, actor, permission, headers)
            request = Request(
                id=own_id, actor=actor, path=raw.match_info, query=parsing.query(query, raw), body=body,
                language=language, raw=raw,
            )  # fmt: skip
            result = await run(request)
    except Exception as error:
        if isinstance(error, ConnectionError) and raw.transport is None:
            raise  # nobody is there to be answered
        result = _failed(error, raw, own_id, language)
    if isinstance(result, Shown):
        frame = Frame(language, actor, section, back_to(raw.path_qs if raw.method == "GET" else cookies.PATH))
        headers |= result.headers
        result = rendered(frame, result.template, result.title, result.values, status=result.status)
    if not result.prepared:
        result.headers.update(headers)
        result.headers.setdefault("Cache-Control", "no-store")
        result.headers.setdefault("Referrer-Policy", "same-origin")
    return result


async def signed_in(ctx: Context, raw: web.Request) -> Actor | None:
    """Return who the browser is signed in as."""
    secret = raw.cookies.get(cookies.SESSION)
    return await sessions.who(ctx, secret) if secret else None


def sign_in_page(raw: web.Request, *, problem: Text | str | None = None, to: str | None = None,
                 kept: Kept | None = None, status: int = 401) -> Shown:  # fmt: skip
    """Return the page that asks for a key; `to`: where it leads then, else the page that was asked for.

    `kept`: a form that was sent by nobody any more; it can be sent again after signing in.
    """
    leads = back_to(to if to is not None else raw.path_qs if raw.method == "GET" else cookies.PATH)
    return Shown("sign_in.html", T("Sign in"), {"problem": problem, "to": leads, "kept": kept}, status)


def _admit(ctx: Context, raw: web.Request, actor: Actor, permission: Needed, headers: dict[str, str]) -> None:
    """Count a request against its key's limit, and raise `Denied` where the key may not do this."""
    if permission is None:
        return
    if actor is not LOCAL:
        raw.app[NODE].limits.take(actor.id, ctx.clock.now(), headers)
    if permission != ANY_KEY:
        actor.require(permission)


async def _form(raw: web.Request) -> dict[str, str]:
    """Return a form's fields; raise `Malformed` or `TooLarge`."""
    if raw.content_type != "application/x-www-form-urlencoded":
        raise Malformed(T("This page takes forms only."))
    content = bytearray()
    async for chunk in raw.content.iter_any():
        content += chunk
        if len(content) > LARGEST_FORM:
            raise TooLarge(T("The form may have at most {limit} bytes.", limit=LARGEST_FORM), limit=LARGEST_FORM)
    try:
        fields = dict(parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=100, errors="strict"))
    except ValueError:
        raise Malformed(T("The form cannot be read. Send it again from the page.")) from None
    if any("\0" in text for text in fields.values()):
        raise Malformed(T("The form cannot be read. Send it again from the page."))
    return fields


def _failed(error: Exception, raw: web.Request, own_id: str, language: str) -> Shown:
    """Return the page that an error makes: what REST would say, in the same words."""
    answer = errors.answer(error, request_id=own_id, language=language, path=raw.path)
    assert isinstance(answer.body, bytes)
    said = orjson.loads(answer.body)
    values = {"message": said["message"], "id": own_id}
    return Shown("error.html", T("This did not work"), values, answer.status, later(answer.headers))


def later(headers: Mapping[str, str]) -> dict[str, str]:
    """Return when to come again, where an answer says so."""
    return {name: value for name, value in headers.items() if name == "Retry-After"}
