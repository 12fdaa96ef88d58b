"""Who is asking: a Slack user as an actor, with the role and the language that they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    zone: str = "UTC"


async def actor(ctx: Context, client: AsyncWebClient, user: str, name: str = "") -> tuple[Actor, str]:
    """Return a Slack user as an actor, and their language. `name`: what Slack called them, if it cannot be asked."""
    person = await ctx.memo.share(("slack-person", user), lambda: _person(ctx, client, user, name))
    role = await role_of(ctx, client, user)
    permissions = ROLES[role] if role else frozenset()
    return Actor("slack", user, person.name, permissions), person.language


async def zone(ctx: Context, client: AsyncWebClient, user: str) -> ZoneInfo:
    """Return a Slack user's own time zone; UTC where Slack does not say."""
    person = await ctx.memo.share(("slack-person", user), lambda: _person(ctx, client, user, ""))
    try:
        return ZoneInfo(person.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


async def role_of(ctx: Context, client: AsyncWebClient, user: str) -> str | None:
    """Return the highest role that the settings give a user, or None."""
    settings = ctx.settings
    if user in await auth.claimed_admins(ctx) or await _among(ctx, client, user, settings.slack_admins):
        return "admin"
    if await _among(ctx, client, user, settings.slack_operators):
        return "operator"
    if await _among(ctx, client, user, settings.slack_viewers):
        return "viewer"
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
    spoken = language if language in LANGUAGES else ctx.settings.language
    person = Person(str(shown), spoken, str(found.get("tz") or "UTC"))
    ctx.memo.put(key, person, seconds=PERSON_SECONDS)
    return person


async def _among(ctx: Context, client: AsyncWebClient, user: str, named: Sequence[str]) -> bool:
    if user in named or EVERYBODY in named:
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
