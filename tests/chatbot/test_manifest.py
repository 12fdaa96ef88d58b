"""manifest.yml, held against what Slack imports and against what the code really uses."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.app import COMMAND
from chatbot.shortcut import SHORTCUTS
from core.demo.stand_ins.slack import ANNA, CAROL
from core.demo.stand_ins.slack.scopes import COMMANDS, EVENTS, METHODS, PRIVATE, PUBLIC
from tests.chatbot.conftest import MANIFEST, House, text_of

ROOT = Path(__file__).parents[2]
KINDS = (PUBLIC, PRIVATE)
"""The kinds of conversation that are looked at; in a direct message there is nothing to find."""
HEARD = {"message": "message.im"}
"""What a manifest calls the events that the app listens to, where it is not their type."""
UPLOAD = {"files_upload_v2": ("files.getUploadURLExternal", "files.completeUploadExternal")}
SOON = {"files:write", "im:write"}
"""Scopes that are there before their use, so that an update does not ask everybody to install the app again."""
METHOD_OF = {name.replace(".", "_"): name for name in METHODS}

LIMITS: Mapping[str, Any] = {
    "display_information": {"name": 35, "description": 140, "background_color": 7},
    "features": {
        "app_home": {"home_tab_enabled": bool, "messages_tab_enabled": bool, "messages_tab_read_only_enabled": bool},
        "bot_user": {"display_name": 80, "always_online": bool},
        "shortcuts": [10, {"name": 24, "type": ("message", "global"), "callback_id": 255, "description": 150}],
        "slash_commands": [50, {"command": 32, "description": 2000, "usage_hint": 1000, "should_escape": bool}],
    },
    "oauth_config": {"scopes": {"bot": [255, 50]}},
    "settings": {
        "event_subscriptions": {"bot_events": [100, 50]},
        "interactivity": {"is_enabled": bool},
        "org_deploy_enabled": bool,
        "socket_mode_enabled": bool,
        "token_rotation_enabled": bool,
    },
}
"""What Slack takes, and how long at most: https://docs.slack.dev/reference/app-manifest, of that what we use."""


def faults(given: Any, limit: Any, where: str = "") -> Iterator[str]:
    """Say what Slack would not import."""
    if isinstance(limit, Mapping):
        yield from (f"{where}.{name} is unknown" for name in given.keys() - limit.keys())
        yield from (
            fault for name in given.keys() & limit for fault in faults(given[name], limit[name], f"{where}.{name}")
        )
    elif isinstance(limit, list):
        most, each = limit
        yield from [f"{where} has more than {most}"] if len(given) > most else []
        yield from (fault for n, one in enumerate(given) for fault in faults(one, each, f"{where}[{n}]"))
    elif limit is bool:
        yield from [] if isinstance(given, bool) else [f"{where} is no truth value"]
    elif isinstance(limit, tuple):
        yield from [] if given in limit else [f"{where} is none of {limit}"]
    elif not isinstance(given, str) or not 1 <= len(given) <= limit:
        yield f"{where} has not 1 to {limit} characters"


def attributes() -> Iterator[str]:
    """Give every name that chatbot's code asks of something."""
    for file in ROOT.glob("chatbot/**/*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                yield node.attr


def methods() -> set[str]:
    """Return the Web API's methods that chatbot calls."""
    known = {name for name, run in inspect.getmembers(AsyncWebClient, inspect.iscoroutinefunction) if "_" in name}
    called = {name for name in attributes() if name in known and name != "api_call" and not name.startswith("_")}
    return {method for name in called for method in UPLOAD.get(name, (METHOD_OF.get(name, name),))}


def events() -> set[str]:
    """Return the events that chatbot listens to, as a manifest names them."""
    tree = ast.parse((ROOT / "chatbot/app.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    names = [call.args[0] for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "event"]
    heard = [str(name.value) for name in names if isinstance(name, ast.Constant)]
    return {HEARD.get(name, name) for name in heard}


def needed() -> set[str]:
    """Return the scopes of all that."""
    found = {COMMANDS}
    for name in methods() - {"apps.connections.open"}:  # called with the app's own token
        access = METHODS[name]
        found |= {*access.scopes, *(access.by_kind[kind] for kind in KINDS if access.by_kind)}
    return found | {scope for event in events() for scope in EVENTS[event]}


def test_slack_imports_it() -> None:
    assert list(faults(MANIFEST, LIMITS)) == []
    assert re.fullmatch("#[0-9a-f]{6}", MANIFEST["display_information"]["background_color"])
    assert re.fullmatch("[a-z0-9._-]+", MANIFEST["features"]["bot_user"]["display_name"])
    assert MANIFEST["settings"]["socket_mode_enabled"]
    assert MANIFEST["settings"]["interactivity"]["is_enabled"]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"display_information": {"name": "x" * 36}}, ".display_information.name has not 1 to 35 characters"),
        ({"features": {"app_home": {"home_tab": True}}}, ".features.app_home.home_tab is unknown"),
        ({"features": {"shortcuts": [{"type": "messages"}]}}, ".features.shortcuts[0].type is none of"),
        ({"settings": {"socket_mode_enabled": "yes"}}, ".settings.socket_mode_enabled is no truth value"),
    ],
)
def test_what_slack_would_not_import_is_found(change: Any, fault: str) -> None:
    (found,) = faults(change, LIMITS)
    assert found.startswith(fault)


def test_every_method_is_one_that_the_stand_in_knows() -> None:
    unknown = methods() - set(METHODS)
    assert not unknown, f"teach the stand-in, with its scopes: {unknown}"
    assert {"chat.postMessage", "chat.update", "users.info", "usergroups.users.list", "views.open"} <= methods()


def test_scopes_are_those_that_are_used() -> None:
    scopes = set(MANIFEST["oauth_config"]["scopes"]["bot"])
    assert needed() - scopes == set(), "chatbot uses what these are needed for"
    assert scopes - needed() <= SOON, "nothing uses these"


def test_events_commands_and_shortcuts_are_those_that_are_heard() -> None:
    assert set(MANIFEST["settings"]["event_subscriptions"]["bot_events"]) == events()
    assert [one["command"] for one in MANIFEST["features"]["slash_commands"]] == [COMMAND]
    written = {one["callback_id"]: one["name"] for one in MANIFEST["features"]["shortcuts"]}
    assert written == {one.name: str(one.title) for one in SHORTCUTS}
    assert {one["type"] for one in MANIFEST["features"]["shortcuts"]} == {"message"}


def test_every_scope_and_event_has_its_reason_beside_it() -> None:
    lines = (ROOT / "manifest.yml").read_text(encoding="utf-8").splitlines()
    listed = [*MANIFEST["oauth_config"]["scopes"]["bot"], *MANIFEST["settings"]["event_subscriptions"]["bot_events"]]
    for name in listed:
        assert any(re.fullmatch(rf" +- {re.escape(name)} # \S.+", line) for line in lines), f"{name}: why?"


async def test_the_app_does_everything_with_what_its_manifest_grants(house: House) -> None:
    """`house` is an app that was installed from the manifest and is refused everything else."""
    assert "engine" in text_of(await house.mention("health"))
    direct = house.slack.direct(CAROL).id
    said = await house.after(CAROL, direct, lambda: house.slack.direct_message(CAROL, "help"), skip=1)
    assert "/ccb" in text_of(said)
    message = (await house.slack.say(CAROL, "general", "It broke")).message
    assert message is not None
    for shortcut in SHORTCUTS.names():
        assert (await house.slack.message_shortcut(ANNA, message, shortcut)).acked
    assert (await house.slack.open_home(CAROL)).sent
    assert house.slack.scopes_used <= set(MANIFEST["oauth_config"]["scopes"]["bot"])
    assert {"commands", "app_mentions:read", "im:history", "users:read", "chat:write"} <= house.slack.scopes_used
