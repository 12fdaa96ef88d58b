"""Which scope a method or an event needs: what a manifest is held against.

A method's page is https://docs.slack.dev/reference/methods/<name>, an event's
https://docs.slack.dev/reference/events/<name>.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PUBLIC, PRIVATE, DIRECT, GROUP = "public_channel", "private_channel", "im", "mpim"
READ = {PUBLIC: "channels:read", PRIVATE: "groups:read", DIRECT: "im:read", GROUP: "mpim:read"}
HISTORY = {PUBLIC: "channels:history", PRIVATE: "groups:history", DIRECT: "im:history", GROUP: "mpim:history"}


@dataclass(frozen=True)
class Access:
    """What a call of a method must bring."""

    scopes: tuple[str, ...] = ()
    by_kind: Mapping[str, str] = field(default_factory=dict)
    """The scope for each kind of conversation."""
    takes_json: bool = True
    """Reading methods take query and form arguments only, and ignore JSON."""
    app_token: bool = False


METHODS: Mapping[str, Access] = {
    "auth.test": Access(),
    "apps.connections.open": Access(("connections:write",), app_token=True),
    "chat.postMessage": Access(("chat:write",)),
    "chat.postEphemeral": Access(("chat:write",)),
    "chat.update": Access(("chat:write",)),
    "chat.delete": Access(("chat:write",)),
    "chat.getPermalink": Access(takes_json=False),
    "conversations.list": Access(by_kind=READ, takes_json=False),
    "conversations.info": Access(by_kind=READ, takes_json=False),
    "conversations.members": Access(by_kind=READ, takes_json=False),
    "conversations.history": Access(by_kind=HISTORY, takes_json=False),
    "conversations.replies": Access(by_kind=HISTORY, takes_json=False),
    "conversations.join": Access(("channels:join",)),
    "conversations.open": Access(("im:write",)),
    "users.conversations": Access(by_kind=READ, takes_json=False),
    "users.info": Access(("users:read",), takes_json=False),
    "users.list": Access(("users:read",), takes_json=False),
    "usergroups.list": Access(("usergroups:read",), takes_json=False),
    "usergroups.users.list": Access(("usergroups:read",), takes_json=False),
    "views.open": Access(),
    "views.push": Access(),
    "views.update": Access(),
    "views.publish": Access(),
    "files.getUploadURLExternal": Access(("files:write",), takes_json=False),
    "files.completeUploadExternal": Access(("files:write",)),
    "reactions.add": Access(("reactions:write",)),
    "reactions.remove": Access(("reactions:write",)),
}

EVENTS: Mapping[str, tuple[str, ...]] = {
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "app_uninstalled": (),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "reaction_added": ("reactions:read",),
    "subteam_members_changed": ("usergroups:read",),
    "subteam_updated": ("usergroups:read",),
    "tokens_revoked": (),
    "user_change": ("users:read",),
}
"""An event comes when the app has subscribed to it and has one of these scopes (none: always)."""

COMMANDS = "commands"
"""The scope of slash commands and shortcuts (https://docs.slack.dev/reference/scopes/commands)."""
WEBHOOKS = "incoming-webhook"
