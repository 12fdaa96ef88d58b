"""The workspace: who is in it, what was said, which modals are open. No HTTP in here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.clock import Clock, SystemClock
from core.demo.stand_ins.slack.answers import Refused
from core.demo.stand_ins.slack.changes import Changes
from core.demo.stand_ins.slack.scopes import DIRECT, EVENTS, PRIVATE, PUBLIC

BOT_TOKEN = "xoxb-stand-in"
APP_TOKEN = "xapp-stand-in"
WEBHOOK = "T0ACME/B0CCB/stand-in"
TEAM, BOT, BOT_ID, APP = "T0ACME", "U0CCB", "B0CCB", "A0CCB"
ANNA, BORIS, CAROL = "U0ANNA", "U0BORIS", "U0CAROL"
SCOPES = (
    "chat:write",
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:read",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "reactions:write",
    "usergroups:read",
    "users:read",
)
TRIGGER_SECONDS = 3.0

Message = dict[str, Any]
View = dict[str, Any]
Found = TypeVar("Found")


@dataclass
class Channel:
    """A conversation, and what was said in it (oldest first)."""

    id: str
    name: str
    is_member: bool = True
    is_private: bool = False
    is_archived: bool = False
    messages: list[Message] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    user: str = ""
    """Whom the bot talks with, when it is a direct message."""

    @property
    def kind(self) -> str:
        """Return Slack's name for what sort of conversation it is."""
        return DIRECT if self.user else PRIVATE if self.is_private else PUBLIC


@dataclass
class User:
    """Somebody in the workspace."""

    id: str
    name: str
    real_name: str
    locale: str = "en-US"
    tz: str = "Europe/London"
    tz_offset: int = 0
    is_bot: bool = False
    is_admin: bool = False
    deleted: bool = False
    team: str = TEAM
    """Another one is that of somebody outside, in a channel that two workspaces share."""


@dataclass
class UserGroup:
    """A group such as @ops."""

    id: str
    handle: str
    name: str
    users: list[str]
    disabled: bool = False


@dataclass
class Trigger:
    """A trigger_id: lets the app open one modal for `user` within 3 seconds."""

    user: str
    at: float
    in_modal: bool = False
    used: bool = False


class Workspace:
    """A workspace `Acme` with the bot `ccb`, in #general and #deploys, not in #random."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.changes = Changes()
        self.tokens = {BOT_TOKEN: "ccb", "xoxb-own": "own-bot"}
        self.app_token = APP_TOKEN
        self.app_scopes: tuple[str, ...] = ("connections:write",)
        self.scopes: tuple[str, ...] = SCOPES
        self.commands = {"/ccb"}
        """Slash commands that the app has."""
        self.shortcuts: dict[str, str] | None = None
        """The callback ids of the app's shortcuts, `global` or `message`; None lets any be used."""
        self.interactive = self.has_home = self.has_messages = True
        """Whether the app may be pressed, has a Home, may be written to."""
        self.subscriptions = {"app_mention", "app_home_opened", "message.im", "member_joined_channel"}
        """Events that the app has subscribed to."""
        people = [ANNA, BORIS, CAROL]
        self.channels = [
            Channel("C0GENERAL", "general", members=[*people, BOT]),
            Channel("C0DEPLOYS", "deploys", members=[*people, BOT]),
            Channel("C0RANDOM1", "random", is_member=False, members=[*people]),
            Channel("C0ARCHIVE", "old-news", is_archived=True, members=[BOT]),
            Channel("C0PRIVATE", "secret-plans", is_member=False, is_private=True, members=[ANNA]),
        ]
        self.users = [
            User(ANNA, "anna", "Anna Admin", is_admin=True),
            User(BORIS, "boris", "Борис Орлов", locale="ru-RU", tz="Europe/Moscow", tz_offset=10_800),
            User(CAROL, "carol", "Carol Chen", tz="America/New_York", tz_offset=-18_000),
            User(BOT, "ccb", "Claude Code Bot", is_bot=True),
        ]
        self.usergroups = [UserGroup("S0OPS", "ops", "Operations", [BORIS])]
        self.ephemerals: dict[str, list[Message]] = {}
        """What only one user sees, by user."""
        self.views: dict[str, list[View]] = {}
        """Each user's open modals, the topmost last."""
        self.homes: dict[str, View] = {}
        """Each user's App Home."""
        self.versions: dict[str, list[Message]] = {}
        """By ts, what an edited or deleted message said before, the oldest first."""
        self.files: dict[str, dict[str, Any]] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, Any] = {}
        self.called: list[str] = []
        """Every method that was called, in order."""
        self.scopes_used: set[str] = set()
        """Scopes without which something that was done would have failed."""
        self.refused: list[tuple[str, str, list[str]]] = []
        """Method, code and messages of every `ok: false`."""
        self.unprocessed = 0
        """How often an image of an uploaded file is refused before Slack has taken it in."""
        self.trouble: dict[str, list[str | int]] = {}
        """By method, what becomes of the next calls: a code (`internal_error`), or seconds to wait (429)."""
        self.offered: dict[str, list[dict[str, Any]]] = {}
        """By action_id, the options that the app offered last."""
        self.limits: dict[str, int] = {}
        """Channels (by name) at their rate limit, and the Retry-After in seconds."""
        self.one_a_second = False
        """Whether a second message to a channel within a second is refused."""
        self.posted_at: dict[str, float] = {}
        self.hang_up_after_posting = 0
        """How many of the next messages are posted without the caller learning of it."""
        self.page_size = 200
        self.webhooks = {WEBHOOK: "deploys"}
        """Incoming webhooks: the path after /services/, and the channel's name."""
        self._numbers = 0

    async def until(self, condition: Callable[[], Found], seconds: float = 10) -> Found:
        """Wait until `condition` gives something true, and return it."""
        return await self.changes.until(condition, seconds)

    def install(self, manifest: dict[str, Any]) -> None:
        """Take scopes, events, commands and shortcuts from an app's manifest, as Slack does on import."""
        features, settings = manifest.get("features", {}), manifest.get("settings", {})
        self.scopes = tuple(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", []))
        self.subscriptions = set(settings.get("event_subscriptions", {}).get("bot_events", []))
        self.commands = {one["command"] for one in features.get("slash_commands", [])}
        self.shortcuts = {one["callback_id"]: one["type"] for one in features.get("shortcuts", [])}
        self.interactive = bool(settings.get("interactivity", {}).get("is_enabled"))
        home = features.get("app_home", {})
        self.has_home = bool(home.get("home_tab_enabled"))
        self.has_messages = bool(home.get("messages_tab_enabled", True)) and not home.get(
            "messages_tab_read_only_enabled"
        )

    def channel(self, name: str) -> Channel:
        """Return the channel called `name` or with that id."""
        name = name.removeprefix("#")
        return next(channel for channel in self.channels if name in (channel.name, channel.id))

    def user(self, user: str) -> User:
        """Return who has this id."""
        return next(one for one in self.users if one.id == user)

    def direct(self, user: str) -> Channel:
        """Return the direct message with a user, opened if there was none."""
        for channel in self.channels:
            if channel.user == user:
                return channel
        made = Channel(f"D0{user.removeprefix('U0')}", "", members=[user, BOT], user=user)
        self.channels.append(made)
        return made

    @property
    def texts(self) -> list[str]:
        """Everything posted, channel by channel."""
        return [message["text"] for channel in self.channels for message in channel.messages]

    def seen_by(self, user: str, channel: str) -> list[Message]:
        """Return what a user sees in a channel, ephemeral messages too, oldest first."""
        place = self.channel(channel)
        own = [message for message in self.ephemerals.get(user, []) if message["channel"] == place.id]
        return sorted([*place.messages, *own], key=lambda message: str(message["ts"]))

    def view(self, user: str) -> View | None:
        """Return the modal that a user sees, if one is open."""
        return next(iter(self.views.get(user, [])[::-1]), None)

    def number(self) -> int:
        """Return the next number that nothing else has."""
        self._numbers += 1
        return self._numbers

    def ts(self) -> str:
        """Return a message's timestamp: unique and rising."""
        return f"{int(self.clock.now())}.{self.number():06d}"

    def trigger(self, user: str, *, in_modal: bool = False) -> str:
        """Return a new trigger_id."""
        made = f"{self.number()}.{int(self.clock.now())}.{secrets.token_hex(16)}"
        self.triggers[made] = Trigger(user, self.clock.now(), in_modal)
        return made

    def needs(self, *scopes: str) -> None:
        """Refuse for want of one of these scopes (each is needed)."""
        for scope in scopes:
            if scope not in self.scopes:
                raise Refused("missing_scope", needed=scope, provided=",".join(self.scopes))
            self.scopes_used.add(scope)

    def needs_one(self, scopes: Iterable[str]) -> None:
        """Refuse for want of all these scopes (one is enough)."""
        wanted = list(scopes)
        held = [scope for scope in wanted if scope in self.scopes]
        if wanted and not held:
            raise Refused("missing_scope", needed=wanted[0], provided=",".join(self.scopes))
        self.scopes_used.update(held[:1])

    def hears(self, event: str) -> bool:
        """Say if the app gets this event: it is subscribed to, and one of its scopes is there."""
        scopes = EVENTS[event]
        held = [scope for scope in scopes if scope in self.scopes]
        if event not in self.subscriptions or (scopes and not held):
            return False
        self.scopes_used.update(held[:1])
        return True

    def find(self, channel: str, ts: Any) -> tuple[Channel, Message] | None:
        """Return the message with this timestamp in a channel given by id."""
        for place in self.channels:
            for message in place.messages:
                if place.id == channel and message["ts"] == ts:
                    return place, message
        return None
