"""What one person sees of the workspace, as plain values for the page. No HTTP in here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.demo.page.words import INVITE, WORDS
from core.demo.stand_ins.slack import BOT, SlackStandIn
from core.demo.stand_ins.slack.workspace import Channel, Message, User
from core.services import Entry
from core.texts import LANGUAGES, TN, Text

COMMAND = "/ccb"
MOST_MESSAGES = 300
"""The newest of a channel that are shown."""
_FIRST = ("help", "status", "list")
"""What a channel in which nothing was said yet offers to press."""


@dataclass(frozen=True)
class Cast:
    """Whom one may be, each with their role; the first is who one is at first."""

    roles: Mapping[str, Text]
    commands: Sequence[Entry] = ()
    """What the app lets people type after its command."""
    shortcuts: Sequence[Entry] = ()
    """What the app adds to a message's menu."""


def language_of(user: User) -> str:
    """Return the language of ours that somebody reads."""
    language = user.locale.partition("-")[0]
    return language if language in LANGUAGES else LANGUAGES[0]


def setting(slack: SlackStandIn, cast: Cast, user: str) -> dict[str, Any]:
    """Return what does not change while one is `user`: the words, the people, what can be typed and chosen."""
    language = language_of(slack.user(user))
    return {
        "language": language,
        "words": {name: text.render(language) for name, text in WORDS.items()},
        "me": user,
        "bot": BOT,
        "command": COMMAND,
        "cast": [{"id": one, "role": role.render(language)} for one, role in cast.roles.items()],
        "people": [{"id": one.id, "name": one.name, "title": one.real_name, "bot": one.is_bot} for one in slack.users],
        "groups": [{"id": one.id, "handle": one.handle} for one in slack.usergroups],
        "commands": _commands(cast, language),
        "first": [f"{COMMAND} {name}" for name in _FIRST if name in {one.name for one in cast.commands}],
        "shortcuts": [{"id": one.name, "title": one.summary.render(language)} for one in cast.shortcuts],
    }


def _commands(cast: Cast, language: str) -> list[dict[str, str]]:
    known = [(f"{COMMAND} {one.name}", one.usage, one.summary) for one in cast.commands]
    return [
        {"text": text, "usage": usage, "summary": summary.render(language)}
        for text, usage, summary in [*known, ("/invite", "@ccb", INVITE)]
    ]


def state(slack: SlackStandIn, user: str) -> dict[str, Any]:
    """Return what `user` sees now: channels with what was said, modals (the topmost last), the app's Home."""
    places = [place for place in slack.channels if user in place.members and not place.is_archived and not place.user]
    direct = next((place for place in slack.channels if place.user == user), None)
    return {
        "channels": [_channel(slack, user, place) for place in places],
        "direct": {"id": "", "messages": []} if direct is None else _channel(slack, user, direct),
        "modals": slack.views.get(user, []),
        "home": slack.homes.get(user),
    }


def _channel(slack: SlackStandIn, user: str, place: Channel) -> dict[str, Any]:
    said = slack.seen_by(user, place.id)[-MOST_MESSAGES:]
    language = language_of(slack.user(user))
    return {
        "id": place.id,
        "name": place.name,
        "private": place.is_private,
        "has_bot": place.is_member,
        "messages": [_message(message, said, language) for message in said],
    }


def _message(message: Message, said: list[Message], language: str) -> dict[str, Any]:
    shown = {key: value for key, value in message.items() if key not in ("metadata", "team", "app_id", "type")}
    answers = sum(1 for one in said if one.get("thread_ts") == message["ts"] and one is not message)
    if answers:
        shown["answers"] = TN("{count} reply", "{count} replies", answers).render(language)
    return shown
