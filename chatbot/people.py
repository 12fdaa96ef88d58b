"""Who is asking: a Slack user as an actor, with the role and the language that they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.failures import data
from core import auth
from core.actors import ROLES, Actor, Permission
from core.context import Context
from core.errors import Denied
from core.texts import LANGUAGES, T, Text

log = structlog.get_logger()

EVERYBODY = "*"
PERSON_SECONDS = 600.0
"""How long a user's name and locale are remembered."""
GROUP_SECONDS = 300.0
"""How long the members of a user group are: who leaves it loses the role within this."""
UNKNOWN_SECONDS = 30.0
"""How long it is remembered that Slack did not say."""
_UNREACHED = (SlackApiError, aiohttp.ClientError, TimeoutError, OSError)
_ROLES = ("viewer", "operator", "admin")
"""From the least to the most."""


@dataclass(frozen=True)
class Person:
    """What Slack says about a user. `language`: one that we speak. `zone`: such as `Europe/Moscow`."""

    name: str
    language: str
    inside: bool = True
    """Whether they are of our workspace or organisation; true too where Slack did not say."""
    gone: bool = False
    """Whether their account was deactivated."""
    zone: str = "UTC"


async def actor(ctx: Context, client: AsyncWebClient, user: str, name: str = "") -> tuple[Actor, str]:
    """Return a Slack user as an actor, and their language. `name`: what Slack called them, if it cannot be asked."""
    person = await ctx.memo.share(("slack-person", user), lambda: _person(ctx, client, user, name))
    role = None if person.gone else await role_of(ctx, client, user, inside=person.inside)
    permissions = ROLES[role] if role else frozenset()
    return Actor("slack", user, person.name, permissions), person.language


async def zone(ctx: Context, client: AsyncWebClient, user: str) -> ZoneInfo:
    """Return a Slack user's own time zone; UTC where Slack does not say."""
    person = await ctx.memo.share(("slack-person", user), lambda: _person(ctx, client, user, ""))
    try:
        return ZoneInfo(person.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


async def role_of(ctx: Context, client: AsyncWebClient, user: str, *, inside: bool = True) -> str | None:
    """Return the highest role that the settings give a user, or None. Who is not `inside` is not everybody (`*`)."""
    settings = ctx.settings
    if user in await auth.claimed_admins(ctx):
        return "admin"
    named = {"admin": settings.slack_admins, "operator": settings.slack_operators, "viewer": settings.slack_viewers}
    for role, who in named.items():
        if (inside and EVERYBODY in who) or await _among(ctx, client, user, who):
            return role
    return None


def role_for(permissions: Sequence[Permission]) -> str:
    """Return the least role that holds all these permissions."""
    wanted = set(permissions)
    return next((role for role in _ROLES if wanted <= ROLES[role]), "admin")


def role_name(role: str) -> Text:
    """Return a role's name in words."""
    match role:
        case "viewer":
            return T("viewer")
        case "operator":
            return T("operator")
        case _:
            return T("admin")


def require(who: Actor, permission: Permission | None) -> None:
    """Raise `Denied` that says which role it needs, unless the actor holds the permission."""
    if permission is not None and not who.may(permission):
        raise denied([permission])


def denied(permissions: Sequence[Permission]) -> Denied:
    """Return the refusal in Slack's words: people there have roles, not permissions."""
    role = role_for(permissions)
    setting = {"viewer": "CCB_SLACK_VIEWERS", "operator": "CCB_SLACK_OPERATORS", "admin": "CCB_SLACK_ADMINS"}[role]
    return Denied(
        T(
            "This needs the role {role}, which you do not have. Whoever runs the engine gives it with {setting}.",
            role=role_name(role),
            setting=setting,
        ),
        role=role,
    )


async def _person(ctx: Context, client: AsyncWebClient, user: str, name: str) -> Person:
    key = ("slack-person-kept", user)
    kept: Person | None = ctx.memo.get(key)
    if kept is not None:
        return kept
    try:
        found = (await client.users_info(user=user, include_locale=True))["user"]
    except _UNREACHED as error:
        log.warning("slack user not looked up", user=user, error=_code(error))
        unknown = Person(name or user, ctx.settings.language)
        ctx.memo.put(key, unknown, seconds=UNKNOWN_SECONDS)
        return unknown
    profile = found.get("profile") or {}
    shown = profile.get("display_name") or found.get("real_name") or found.get("name") or name or user
    language = str(found.get("locale") or "").partition("-")[0].lower()
    person = Person(
        str(shown),
        language if language in LANGUAGES else ctx.settings.language,
        inside=await _is_ours(ctx, client, found),
        gone=bool(found.get("deleted")),
        zone=str(found.get("tz") or "UTC"),
    )
    ctx.memo.put(key, person, seconds=PERSON_SECONDS)
    return person


async def _is_ours(ctx: Context, client: AsyncWebClient, user: Mapping[str, Any]) -> bool:
    """Say if a user is of our workspace or organisation: a channel may be shared with another one.

    https://docs.slack.dev/apis/slack-connect
    """
    home = await ctx.memo.share("slack-home", lambda: _home(ctx, client))
    theirs = {user.get("team_id"), (user.get("enterprise_user") or {}).get("enterprise_id")} - {None, ""}
    return not theirs or not home or bool(theirs & home)


async def _home(ctx: Context, client: AsyncWebClient) -> frozenset[str]:
    """Return the ids of our workspace and organisation, none if Slack does not say."""
    kept: frozenset[str] | None = ctx.memo.get("slack-home-kept")
    if kept is not None:
        return kept
    try:
        answer = await client.auth_test()
    except _UNREACHED as error:
        log.warning("slack workspace not looked up", error=_code(error))
        return frozenset()
    found = frozenset(str(answer[name]) for name in ("team_id", "enterprise_id") if answer.get(name))
    ctx.memo.put("slack-home-kept", found, seconds=PERSON_SECONDS)
    return found


async def _among(ctx: Context, client: AsyncWebClient, user: str, named: Sequence[str]) -> bool:
    if user in named:
        return True
    for group in named:
        if group.startswith("S") and user in await _members(ctx, client, group):
            return True
    return False


async def _members(ctx: Context, client: AsyncWebClient, group: str) -> frozenset[str]:
    key = ("slack-group", group)
    kept: frozenset[str] | None = ctx.memo.get(key)
    if kept is not None:
        return kept
    return await ctx.memo.share(("asking", *key), lambda: _ask_members(ctx, client, group))


async def _ask_members(ctx: Context, client: AsyncWebClient, group: str) -> frozenset[str]:
    try:
        answer = await client.usergroups_users_list(usergroup=group)
    except _UNREACHED as error:
        log.warning("slack user group not looked up: nobody has its role", group=group, error=_code(error))
        ctx.memo.put(("slack-group", group), frozenset(), seconds=UNKNOWN_SECONDS)
        return frozenset()
    found = frozenset(str(user) for user in answer["users"])
    ctx.memo.put(("slack-group", group), found, seconds=GROUP_SECONDS)
    return found


def _code(error: BaseException) -> str:
    return str(data(error).get("error", "")) if isinstance(error, SlackApiError) else type(error).__name__
