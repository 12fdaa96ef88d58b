"""What somebody types, as Slack sends it on: names become ids, and nothing else has a meaning of its own. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.demo.stand_ins.slack import SlackStandIn

_NAME = re.compile(r"(?<![\w&/])([@#])([\w-]+(?:\.[\w-]+)*)")
_CODE = re.compile(r"(`[^`]+`)")


def names(slack: SlackStandIn) -> dict[str, str]:
    """Return what each `@name` and `#name` becomes (https://docs.slack.dev/messaging/formatting-message-text)."""
    return {
        **{f"@{one.name}": f"<@{one.id}>" for one in slack.users},
        **{f"@{one.handle}": f"<!subteam^{one.id}|@{one.handle}>" for one in slack.usergroups},
        **{f"@{word}": f"<!{word}>" for word in ("here", "channel", "everyone")},
        **{f"#{one.name}": f"<#{one.id}|{one.name}>" for one in slack.channels if one.name},
    }


def sent(text: str, known: Mapping[str, str]) -> str:
    """Return a typed text as the app gets it."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    parts = _CODE.split(safe)
    parts[::2] = [_NAME.sub(lambda found: known.get(found[0], found[0]), part) for part in parts[::2]]
    return "".join(parts)
