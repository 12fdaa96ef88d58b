"""Signing in with a key or by a link, signing out, and choosing the language."""

from __future__ import annotations

from dataclasses import replace

import structlog
from aiohttp import web

from core import sessions
from core.actors import ANONYMOUS
from core.context import Context
from core.errors import CcbError, TooMany, Unauthenticated
from core.http import errors
from core.http.dashboard import cookies, kept
from core.http.dashboard.confirm import confirm
from core.http.dashboard.door import Shown, action, later, page, sign_in_page
from core.http.dashboard.kept import Kept, back_to
from core.http.dashboard.render import Frame, rendered
from core.http.node import NODE
from core.http.routes import ANY_KEY, Request
from core.texts import LANGUAGES, T

log = structlog.get_logger()


@action("/dashboard/sign-in", permission=None)
async def sign_in(ctx: Context, request: Request) -> Shown | web.StreamResponse:
    """Sign in with an API key. Wrong ones count like those that programs show."""
    raw, limits, now = request.raw, request.raw.app[NODE].limits, ctx.clock.now()
    key, to = request.body.get("key", "").strip(), request.body.get("to", "")
    header = f"Bearer {key}"
    try:
        limits.refuse_guessing(raw.remote, header, now)
        _, secret = await sessions.sign_in(ctx, key)
    except (Unauthenticated, TooMany) as error:
        if isinstance(error, Unauthenticated):
            limits.wrong(raw.remote, header, now)
        return _refused(request, error, to)
    limits.right(header)
    if (form := kept.handed_on(request.body)) is not None:
        return await _send_again(ctx, request, secret, form)
    return await _let_in(ctx, request, secret, to)


@page("/dashboard/sign-in", permission=None)
async def ask(ctx: Context, request: Request) -> Shown:
    """Ask for a key; a wrong one leaves the browser at this address."""
    return sign_in_page(request.raw, to=cookies.PATH, status=200)


@page("/dashboard/link", permission=None)
async def link(ctx: Context, request: Request) -> Shown:
    """Show the page of a sign-in link. What signs in stands behind `#`: opening this uses nothing up.

    Its script presses the button, but not where somebody is signed in: they would be another, and not know it.
    """
    return Shown("link.html", T("Sign in"))


@action("/dashboard/link", permission=None)
async def follow(ctx: Context, request: Request) -> Shown | web.StreamResponse:
    """Sign in by a link, which is used up by it."""
    raw, limits, now = request.raw, request.raw.app[NODE].limits, ctx.clock.now()
    try:
        limits.refuse_guessing(raw.remote, None, now)
        _, secret = await sessions.follow_link(ctx, request.body.get("code", ""))
    except (Unauthenticated, TooMany) as error:
        if isinstance(error, Unauthenticated):
            limits.wrong(raw.remote, None, now)
        return _refused(request, error, cookies.PATH)
    return await _let_in(ctx, request, secret, cookies.PATH)


@action("/dashboard/sign-out", permission=None)
async def sign_out(ctx: Context, request: Request) -> web.StreamResponse:
    """End the session, here and in the database."""
    await _end_session(ctx, request)
    response = web.Response(status=303, headers={"Location": cookies.PATH, "Clear-Site-Data": '"cache"'})
    cookies.drop_session(response, request.raw, ctx.settings)
    return response


@action("/dashboard/language", permission=None)
async def language(ctx: Context, request: Request) -> web.StreamResponse:
    """Keep the language that somebody chose."""
    response = web.Response(status=303, headers={"Location": back_to(request.body.get("back", ""))})
    if (chosen := request.body.get("language")) in LANGUAGES:
        assert chosen is not None
        cookies.put_language(response, request.raw, ctx.settings, chosen)
    return response


@page("/dashboard/{path:.+}", permission=ANY_KEY)
async def nothing(ctx: Context, request: Request) -> Shown:
    """Say that there is no such page."""
    message = T("There is no such page. The list of integrations leads to all there are.").render(request.language)
    return Shown("error.html", T("This did not work"), {"message": message, "id": request.id}, 404)


def _refused(request: Request, error: CcbError, to: str) -> Shown:
    log.warning("dashboard sign-in refused", remote=request.raw.remote, error=error.error)
    answer = errors.answer(error, request_id=request.id, language=request.language, path=request.raw.path)
    form = kept.handed_on(request.body)
    page = sign_in_page(request.raw, problem=error.message, to=to, kept=form, status=answer.status)
    return replace(page, headers=later(answer.headers))


async def _end_session(ctx: Context, request: Request) -> None:
    secret = request.raw.cookies.get(cookies.SESSION)
    if secret and request.actor is not ANONYMOUS:
        await sessions.sign_out(ctx, secret, actor=request.actor)


async def _send_again(ctx: Context, request: Request, secret: str, form: Kept) -> web.StreamResponse:
    """Let in, and ask whether what was typed before is to be sent now."""
    await _end_session(ctx, request)
    frame = Frame(request.language, ANONYMOUS, "", cookies.PATH)
    lines = [T("You are signed in. What you had sent before was not done; it is still here.")]
    asked = confirm(
        T("Send what you typed?"), lines, deed=form.deed, button=T("Send it again"), back=cookies.PATH,
        hidden=form.fields,
    )  # fmt: skip
    response = rendered(frame, asked.template, asked.title, asked.values)
    cookies.put_session(response, request.raw, ctx.settings, secret)
    return response


async def _let_in(ctx: Context, request: Request, secret: str, to: str) -> web.StreamResponse:
    await _end_session(ctx, request)  # the former one's, whose cookie is now forgotten
    response = web.Response(status=303, headers={"Location": back_to(to)})
    cookies.put_session(response, request.raw, ctx.settings, secret)
    return response
