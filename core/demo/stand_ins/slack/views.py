"""Modals and App Home: views.* (https://docs.slack.dev/surfaces/modals)."""

from __future__ import annotations

import copy
import secrets
from typing import Any

from core.demo.stand_ins.slack.answers import Answer, Refused, parsed, refused_for
from core.demo.stand_ins.slack.blocks import problems_of_view, size, with_ids
from core.demo.stand_ins.slack.limits import HOME, MODAL
from core.demo.stand_ins.slack.limits_blocks import LARGEST_VIEW
from core.demo.stand_ins.slack.registry import Call, method
from core.demo.stand_ins.slack.values import first_values
from core.demo.stand_ins.slack.workspace import APP, BOT_ID, TEAM, TRIGGER_SECONDS, Trigger, View, Workspace

MOST_VIEWS = 3
"""https://docs.slack.dev/surfaces/modals: up to three views in a stack."""


@method("views.open")
def open_(slack: Workspace, call: Call) -> Answer:
    """Open a modal for whoever did what the trigger came from."""
    view = checked(slack, call.arguments.get("view"), MODAL)
    trigger = _exchanged(slack, call)
    return {"view": push(slack, trigger.user, view)}


@method("views.push")
def push_(slack: Workspace, call: Call) -> Answer:
    """Open a modal on top of the one that the trigger came from."""
    view = checked(slack, call.arguments.get("view"), MODAL)
    trigger = _exchanged(slack, call)
    if not trigger.in_modal or not slack.views.get(trigger.user):
        raise Refused("not_found")
    return {"view": push(slack, trigger.user, view)}


@method("views.update")
def update(slack: Workspace, call: Call) -> Answer:
    """Change an open modal."""
    view_id, external_id = call.arguments.get("view_id"), call.arguments.get("external_id")
    if not view_id and not external_id:
        raise refused_for("invalid_arguments", ["missing required field: view_id"])
    for stack in slack.views.values():
        for old in stack:
            if (view_id and old["id"] == view_id) or (external_id and old["external_id"] == external_id):
                view = checked(slack, call.arguments.get("view"), MODAL, instead_of=old)
                check_hash(call.arguments.get("hash"), old)
                return {"view": replace(slack, old, view)}
    raise Refused("not_found")


@method("views.publish")
def publish(slack: Workspace, call: Call) -> Answer:
    """Set what a user sees in the app's Home."""
    if not slack.has_home:
        raise Refused("not_enabled")
    user = str(call.arguments.get("user_id") or "")
    if not any(one.id == user for one in slack.users):
        raise refused_for("invalid_arguments", ["user_id is not valid [json-pointer:/user_id]"])
    old = slack.homes.get(user)
    view = checked(slack, call.arguments.get("view"), HOME, instead_of=old)
    check_hash(call.arguments.get("hash"), old)
    made = _made(slack, view, root=None, previous=None)
    made |= {"id": old["id"], "root_view_id": old["id"]} if old else {}
    slack.homes[user] = made
    slack.changes.note("home", user=user)
    return {"view": made}


def checked(slack: Workspace, view: Any, kind: str, *, instead_of: View | None = None) -> View:
    """Return a view if Slack would show it."""
    view = parsed(view)
    if not view:
        raise refused_for("invalid_arguments", ["missing required field: view"])
    problems = problems_of_view(view)
    if not problems and view["type"] != kind:
        problems = [f"view type must be {kind} [json-pointer:/view/type]"]
    if problems:
        raise refused_for("invalid_arguments", problems)
    if size(view) > LARGEST_VIEW:
        raise Refused("view_too_large")
    others = [one for stack in slack.views.values() for one in stack] + list(slack.homes.values())
    external_id = view.get("external_id")
    if external_id and any(one["external_id"] == external_id for one in others if one is not instead_of):
        raise Refused("duplicate_external_id")
    return dict(view)


def check_hash(given: Any, old: View | None) -> None:
    """Refuse to change a view that is not the one that was looked at."""
    if given and (old is None or given != old["hash"]):
        raise Refused("hash_conflict")


def _exchanged(slack: Workspace, call: Call) -> Trigger:
    given = call.arguments.get("trigger_id")
    if not given:
        raise refused_for("invalid_arguments", ["missing required field: trigger_id"])
    trigger = slack.triggers.get(str(given))
    if trigger is None:
        raise Refused("invalid_trigger_id")
    if trigger.used:
        raise Refused("exchanged_trigger_id")
    if slack.clock.now() - trigger.at > TRIGGER_SECONDS:
        raise Refused("expired_trigger_id")
    if len(slack.views.get(trigger.user, [])) >= MOST_VIEWS:
        raise Refused("push_limit_reached")
    trigger.used = True
    return trigger


def push(slack: Workspace, user: str, view: View) -> View:
    """Show a modal on top of a user's others."""
    stack = slack.views.setdefault(user, [])
    if len(stack) >= MOST_VIEWS:
        raise Refused("push_limit_reached")
    root, previous = (stack[0]["id"], stack[-1]["id"]) if stack else (None, None)
    made = _made(slack, view, root=root, previous=previous)
    stack.append(made)
    slack.changes.note("view_opened", user=user, id=made["id"], callback_id=made["callback_id"])
    return made


def replace(slack: Workspace, old: View, view: View) -> View:
    """Change a modal in place; what was typed stays where block_id and action_id are the same."""
    made = _made(slack, view, root=old["root_view_id"], previous=old["previous_view_id"])
    typed = old["state"]["values"]
    for block_id, actions in made["state"]["values"].items():
        for action_id, value in actions.items():
            before = typed.get(block_id, {}).get(action_id)
            if before is not None and before["type"] == value["type"]:
                actions[action_id] = before
    identity = old["id"]
    old.clear()
    old.update({**made, "id": identity, "root_view_id": made["root_view_id"]})
    slack.changes.note("view_updated", id=identity, callback_id=old["callback_id"])
    return old


def _made(slack: Workspace, view: View, *, root: str | None, previous: str | None) -> View:
    identity = f"V{slack.number():010d}"
    blocks = with_ids(view["blocks"])
    return {
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "clear_on_close": False,
        "notify_on_close": False,
        "title": None,
        "close": None,
        "submit": None,
        **copy.deepcopy(view),
        "blocks": blocks,
        "id": identity,
        "team_id": TEAM,
        "app_id": APP,
        "app_installed_team_id": TEAM,
        "bot_id": BOT_ID,
        "hash": f"{int(slack.clock.now())}.{secrets.token_hex(4)}",
        "state": {"values": first_values(blocks)},
        "root_view_id": root or identity,
        "previous_view_id": previous,
    }
