"""What the Slack token grants against what the integration needs."""

from __future__ import annotations

from dataclasses import replace

from core.access.model import Access, Need
from core.context import Context, SlackAccess
from core.grants import Grants
from core.integrations import Installed
from core.services import SERVICES
from core.texts import T, Text

ACTION = "slack_message"


async def look(ctx: Context, installed: Installed, wanted: Grants) -> Access:
    """Ask Slack, if there is a token; raise what the port raises."""
    blank = begin(ctx, installed, wanted)
    if blank.token is None or ctx.slack is None:
        return blank
    channels = sorted(wanted.channels) if blank.needed else []
    found = await ctx.slack.access(channels, token=installed.engine.slack_token)
    if not blank.needed:
        return _seen(blank, found)
    return replace(
        _seen(blank, found),
        required=[
            Need("chat:write", ACTION, "chat:write" in found.scopes, _scope("chat:write")),
            *(_member(found, channel) for channel in channels),
        ],
        recommended=[
            Need(scope, why, scope in found.scopes, _scope(scope))
            for scope, why in (
                ("channels:read", T("so that a channel is found by its name")),
                ("groups:read", T("so that a private channel is found by its name")),
                ("channels:history", T("so that a repeated message is recognised")),
                ("groups:history", T("so that a repeated message is recognised in a private channel")),
            )
        ],
    )


def begin(ctx: Context, installed: Installed, wanted: Grants) -> Access:
    """Return what is known before anybody is asked. The bot token is enough: the app token opens the socket only."""
    service = SERVICES.get("slack")
    own = installed.engine.slack_token is not None
    return Access(
        needed=ACTION in wanted.actions,
        token="integration" if own else "bot" if ctx.settings.slack_bot_token is not None else None,
        settings=service.required if service else ("SLACK_BOT_TOKEN",),
    )


def _seen(blank: Access, found: SlackAccess) -> Access:
    login = f"@{found.user} in {found.team}"
    return replace(blank, kind="bot", login=login, granted=tuple(sorted(found.scopes)))


def _member(found: SlackAccess, channel: str) -> Need:
    granted = found.channels.get(channel)
    if granted is None and "chat:write.public" in found.scopes:
        how = T(
            "It is not seen in {channel}, and may post there only where that is a public channel (chat:write.public). "
            "Type /invite @{user} there to be sure.",
            channel=channel, user=found.user,
        )  # fmt: skip
    elif granted is None:
        how = T(
            "Nobody can tell whether it may post to {channel}: that takes the scopes channels:read and groups:read. "
            "Type /invite @{user} there to be sure.",
            channel=channel, user=found.user,
        )  # fmt: skip
    else:
        how = T("Type /invite @{user} in {channel}; check its name, and that it is not archived.", user=found.user,
                channel=channel)  # fmt: skip
    return Need(f"member of {channel}", ACTION, granted, how)


def _scope(scope: str) -> Text:
    return T("Add {scope} to the Slack app (OAuth & Permissions → Bot Token Scopes) and install it again.", scope=scope)
