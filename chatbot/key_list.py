"""API keys in words: the list with its buttons, and a new key, shown once."""

from __future__ import annotations

from chatbot import blocks, once, opening
from chatbot.asked import Asked, Open, Place, Reply
from core import auth
from core.auth import ApiKey
from core.context import Context
from core.errors import Upstream
from core.events import queue_status
from core.texts import TN, T, Text

SHOWN = 10
SOON_SECONDS = 7 * 86400.0
"""From when on an expiry is warned of."""


async def page(ctx: Context, asked: Asked, *, to: Place = "asker") -> Reply:
    """Return the keys: those that are good first, ten at most."""
    now = ctx.clock.now()
    found = await auth.list_keys(ctx, actor=asked.actor)
    ordered = sorted(found, key=lambda key: ("active", "expired", "revoked").index(key.status(now)))
    title = asked.say(TN("{count} API key", "{count} API keys", len(found)))
    lines, shown = [title], [blocks.section(f"*{title}*")]
    for number, key in enumerate(ordered[:SHOWN]):
        lines.append(_line(asked, key, now))
        shown.append(blocks.section(lines[-1]))
        if buttons := _buttons(asked, key, now, at=number):
            shown.append(blocks.actions(buttons))
    rest = len(found) - SHOWN
    if rest > 0:
        more = TN("{count} more: `ccb keys list` in a terminal.", "{count} more: `ccb keys list` in a terminal.", rest)
        shown.append(blocks.context(asked.say(more)))
    create = opening.button(asked.say(T("Make a key")), Open("key"), primary=True, at="new")
    return Reply("\n".join(lines), [*shown, blocks.actions([create])], to=to)


async def tell_new(ctx: Context, asked: Asked, key: ApiKey, plain: str, said: Text) -> None:
    """Show a new key once, to the asker alone; one that could not be shown is revoked, for nobody has it."""
    lines = [
        asked.say(said),
        blocks.code_block(plain),
        asked.say(T("It is shown this once, to you alone: copy it now. It may: {permissions}",
                    permissions=", ".join(auth.in_order(key.permissions)))),
    ]  # fmt: skip
    # Not in `text`, which notifications show and devices keep.
    if not await once.tell(asked, Reply("\n".join(lines[::2]), [blocks.section(line) for line in lines])):
        await auth.revoke(ctx, key.id, actor=asked.actor)
        raise Upstream(
            T("Slack did not show you the key {name}, so it was revoked. Try again in a channel that I am in.",
              name=key.name)
        )  # fmt: skip


def _line(asked: Asked, key: ApiKey, now: float) -> str:
    name = f"*{blocks.plain(key.name)}* {blocks.code(key.prefix + '…')} · {asked.say(_state(key, now))}"
    used = T("last used {when}", when=blocks.date(key.last_used_at)) if key.last_used_at else T("never used")
    made = T("made by {who}", who=blocks.plain(key.created_by))
    permissions = ", ".join(auth.in_order(key.permissions))
    return f"{name}\n{asked.say(used)} · {asked.say(made)} · {blocks.plain(permissions)}"


def _state(key: ApiKey, now: float) -> Text:
    match key.status(now):
        case "revoked":
            return T(":no_entry_sign: revoked")
        case "expired":
            return T(":red_circle: expired {when}", when=blocks.date(key.expires_at or now))
        case _ if key.expires_at is None:
            return T(":large_green_circle: good, never expires")
        case _:
            left, when = queue_status.age(key.expires_at - now), blocks.date(key.expires_at)
            if key.expires_at - now < SOON_SECONDS:
                return T(":large_yellow_circle: expires in {left}, {when}", left=left, when=when)
            return T(":large_green_circle: good, expires in {left}, {when}", left=left, when=when)


def _buttons(asked: Asked, key: ApiKey, now: float, *, at: int) -> list[blocks.Element]:
    if key.status(now) == "revoked" or key.origin == "environment":
        return []
    made = []
    leave = asked.say(T("Leave it"))
    if key.status(now) == "active":
        asks = blocks.confirm(
            asked.say(T("Rotate {name}?", name=key.name)),
            asked.say(T("It gets a new text, shown once. The former text stays good for 24 hours, then whoever still "
                        "shows it is refused.")),
            asked.say(T("Rotate")),
            leave,
            danger=False,
        )  # fmt: skip
        made.append(blocks.button(asked.say(T("Rotate")), f"key_rotate:{at}", key.id, confirm=asks))
    asks = blocks.confirm(
        asked.say(T("Revoke {name}?", name=key.name)),
        asked.say(T("Whoever shows this key is refused from now on. It cannot be made good again.")),
        asked.say(T("Revoke")),
        leave,
    )
    made.append(blocks.button(asked.say(T("Revoke")), f"key_revoke:{at}", key.id, style="danger", confirm=asks))
    return made
