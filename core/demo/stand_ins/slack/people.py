"""users.*, usergroups.* and auth.test (https://docs.slack.dev/reference/methods)."""

from __future__ import annotations

from typing import Any

from core.demo.stand_ins.slack.answers import Answer, Refused, page, true
from core.demo.stand_ins.slack.registry import Call, method
from core.demo.stand_ins.slack.workspace import BOT, BOT_ID, TEAM, User, UserGroup, Workspace


@method("auth.test")
def test(slack: Workspace, call: Call) -> Answer:
    """Say whose token it is."""
    url = "https://acme.slack.example/"
    user = slack.tokens[call.token]
    return {"url": url, "team": "Acme", "user": user, "team_id": TEAM, "user_id": BOT, "bot_id": BOT_ID}


@method("users.info")
def info(slack: Workspace, call: Call) -> Answer:
    """Describe one user, with their language when that is asked for."""
    found = next((user for user in slack.users if user.id == call.arguments.get("user")), None)
    if found is None:
        raise Refused("user_not_found")
    return {"user": _shown(found, with_locale=true(call.arguments.get("include_locale")))}


@method("users.list")
def list_(slack: Workspace, call: Call) -> Answer:
    """List everybody."""
    with_locale = true(call.arguments.get("include_locale"))
    everybody = [_shown(user, with_locale=with_locale) for user in slack.users]
    shown, more = page(call.arguments, everybody, 1000, slack.page_size)
    return {"members": shown, **more}


def _shown(user: User, *, with_locale: bool) -> dict[str, Any]:
    shown = {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "real_name": user.real_name,
        "profile": {"real_name": user.real_name, "display_name": user.name},
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": user.tz_offset,
        "is_bot": user.is_bot,
        "is_admin": user.is_admin,
        "deleted": user.deleted,
    }
    return {**shown, "locale": user.locale} if with_locale else shown


@method("usergroups.list")
def groups(slack: Workspace, call: Call) -> Answer:
    """List the groups, with who is in them when that is asked for."""
    with_disabled, with_users = (true(call.arguments.get(f"include_{name}")) for name in ("disabled", "users"))
    wanted = [group for group in slack.usergroups if with_disabled or not group.disabled]
    return {"usergroups": [_group(group, with_users=with_users) for group in wanted]}


def _group(group: UserGroup, *, with_users: bool) -> dict[str, Any]:
    shown = {
        "id": group.id,
        "team_id": TEAM,
        "is_usergroup": True,
        "handle": group.handle,
        "name": group.name,
        "date_delete": int(group.disabled),
        "user_count": len(group.users),
    }
    return {**shown, "users": group.users} if with_users else shown


@method("usergroups.users.list")
def members(slack: Workspace, call: Call) -> Answer:
    """List who is in a group."""
    found = next((group for group in slack.usergroups if group.id == call.arguments.get("usergroup")), None)
    if found is None:
        raise Refused("no_such_subteam")
    return {"users": found.users}
