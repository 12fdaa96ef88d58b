"""Which of GitHub's hooks send to an integration: learned from what has arrived, else looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from core import integrations
from core.context import Context
from core.errors import Malformed, Upstream
from core.gaps.addresses import LOGIN, REPOSITORY, nearly
from core.gaps.outcome import Outcome
from core.integrations import Installed
from core.sources import Delivery
from core.sources.naming import lookup
from core.texts import T, Text
from storage import arrivals, events, gaps

NEWEST = 200
"""Events whose headers are read for the hooks that sent them."""
MOST_REPOSITORIES = 10
"""Repositories whose hooks are looked through."""
_HOOK, _TARGET = "x-github-hook-id", "x-github-hook-installation-target-type"
_NUMBER = re.compile(r"[0-9]{1,18}")


async def learn(ctx: Context, installed: Installed, outcome: Outcome) -> None:
    """Keep the hooks that the newest events came from, and where their owners are called something else now."""
    known = {hook.hook_id: hook for hook in await ctx.db.read(gaps.hooks_of, installed.id)}
    seen: set[int] = set()
    for event_id, stored in await ctx.db.read(arrivals.headers, installed.id, limit=NEWEST):
        headers = orjson.loads(stored)
        given = headers.get(_HOOK, "")
        if not _NUMBER.fullmatch(given) or int(given) in seen:
            continue
        hook_id = int(given)
        seen.add(hook_id)
        if hook_id in known and known[hook_id].error is None:
            continue
        if headers.get(_TARGET) == "integration":
            outcome.note("hook", _OF_AN_APP, hook_id=hook_id)
            outcome.complete = False
            continue
        owner = await _owner(ctx, installed, event_id, headers)
        if owner is not None:
            await ctx.db.write(gaps.put_hook, installed.id, owner=owner, hook_id=hook_id, now=ctx.clock.now())


_OF_AN_APP = T(
    "Events come from a GitHub App's own hook. GitHub shows its deliveries to the app alone, so they are not compared. "
    "A repository's hook is."
)


async def _owner(ctx: Context, installed: Installed, event_id: str, headers: Mapping[str, str]) -> str | None:
    """Return whose hook sent an event, as a path of the API."""
    body = await ctx.db.read(events.body, event_id)
    if body is None:
        return None
    try:
        payload = installed.source.parse(Delivery(headers, body.body))
    except Malformed:
        return None
    if headers.get(_TARGET, "repository") == "organization":
        login = lookup(payload, "organization.login")
        return f"orgs/{login}" if isinstance(login, str) and LOGIN.fullmatch(login) else None
    name = lookup(payload, "repository.full_name")
    return f"repos/{name}" if isinstance(name, str) and REPOSITORY.fullmatch(name) else None


async def search(ctx: Context, installed: Installed, outcome: Outcome, *, token: str | None) -> None:
    """Look through the hooks of the repositories that the integration may be about, and keep those that send to it.

    What nearly is its address becomes a finding. Raises what GitHub refused where that left nothing to go by.
    """
    looked, refused = [], None
    for repository in _candidates(ctx, installed):
        try:
            listed, _ = await ctx.github.page(f"/repos/{repository}/hooks?per_page=100", token=token)
        except Upstream as error:
            if error.retry_after is not None:
                raise
            refused = refused or error
            continue
        looked.append(repository)
        for hook in listed if isinstance(listed, list) else []:
            await _judge(ctx, installed, outcome, repository, hook)
    if await ctx.db.read(gaps.hooks_of, installed.id) or outcome.findings:
        return
    if refused is not None and not looked:
        raise Upstream(hidden(refused.message), error="GitHub hook not readable")
    raise Upstream(_not_found(ctx, installed, looked), error="GitHub hook not found")


def hidden(why: Text) -> Text:
    """Return what to do where GitHub shows no hooks."""
    return T(
        "{why} To read a repository's hooks the token's owner must administer it, and the token needs admin:repo_hook "
        "(a fine-grained token or an app: the permission Webhooks).",
        why=why,
    )


def _not_found(ctx: Context, installed: Installed, looked: list[str]) -> Text:
    url = integrations.webhook_url(ctx, installed.id)
    if looked:
        return T(
            "No hook of {repositories} sends to {url}. Add one there, or deliver once: the hook is then recognised.",
            repositories=", ".join(looked),
            url=url,
        )
    return T(
        "Nothing has come from a hook yet, and no repository is known to look for one that sends to {url}. "
        "Deliver once, or set {setting}.",
        url=url,
        setting="GITHUB_REPOSITORY",
    )


def _candidates(ctx: Context, installed: Installed) -> list[str]:
    """Return the repositories that the integration may be about."""
    named = [ctx.settings.github_repository or "", *sorted(installed.grants.repositories)]
    named += [entry for entry in installed.manifest.capabilities.repositories if isinstance(entry, str)]
    named += _texts(list(installed.config.values()))
    fitting = {name.lower(): name for name in reversed(named) if REPOSITORY.fullmatch(name)}
    return list(reversed(fitting.values()))[:MOST_REPOSITORIES]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


async def _judge(ctx: Context, installed: Installed, outcome: Outcome, repository: str, hook: Any) -> None:
    url, hook_id = lookup(hook, "config.url"), lookup(hook, "id")
    if not isinstance(url, str) or not isinstance(hook_id, int):
        return
    told = judged(ctx, installed, url)
    if told is True:
        await ctx.db.write(
            gaps.put_hook, installed.id, owner=f"repos/{repository}", hook_id=hook_id, now=ctx.clock.now()
        )
    elif isinstance(told, Text):
        outcome.complete = False
        outcome.note("hook", _misses(ctx, installed, told), repository=repository, hook_id=hook_id, url=bare(url))


def judged(ctx: Context, installed: Installed, url: str) -> Text | bool | None:
    """Return True when `url` is where the integration is reached, what is wrong when it nearly is, None otherwise."""
    expected = integrations.webhook_url(ctx, installed.id)
    return nearly(url, expected=expected, slug=installed.slug, public=ctx.settings.public_url is not None)


def _misses(ctx: Context, installed: Installed, why: Text) -> Text:
    return T(
        "A hook means this integration and misses it: {why}. Set its address to {url}.",
        why=why,
        url=integrations.webhook_url(ctx, installed.id),
    )


def bare(url: str) -> str:
    """Return an address without what may be secret in it: a user and password, the query."""
    head, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{head}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"[:300]


def inspect(ctx: Context, installed: Installed, hook: Any, *, owner: str, hook_id: int, outcome: Outcome) -> None:
    """Note what is wrong with a hook as GitHub shows it."""
    place = {"repository": owner.partition("/")[2], "hook_id": hook_id}
    if lookup(hook, "active") is False:
        outcome.note("hook", T("The hook is switched off at GitHub: it sends nothing."), **place)
    if installed.source.needs_secret and not lookup(hook, "config.secret"):
        outcome.note(
            "hook",
            T("The hook has no secret at GitHub, so every delivery is refused. Set it to the integration's."),
            **place,
        )
    told = judged(ctx, installed, str(lookup(hook, "config.url") or ""))
    if told is None:
        outcome.note("hook", T("The hook does not send here any more. Its address at GitHub is another."), **place)
    elif isinstance(told, Text):
        outcome.note("hook", _misses(ctx, installed, told), **place)
    listed = lookup(hook, "events")
    if isinstance(listed, list) and "*" not in listed:
        wanted = {name.partition(".")[0] for name in installed.source_params.events}
        lacking = sorted(wanted - {str(name) for name in listed})
        if lacking:
            outcome.note(
                "hook",
                T("The hook does not send {events}, which this integration handles.", events=", ".join(lacking)),
                **place,
            )
