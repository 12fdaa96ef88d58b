"""`/ccb list`: the integrations."""

from __future__ import annotations

from chatbot import blocks, picking
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, register
from chatbot.dispatch import run_button
from chatbot.states import state
from core import listing
from core.context import Context
from core.listing import Listed
from core.texts import TN, T

SHOWN = 10


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show the newest integrations, with a button for how each is."""
    found, count = await listing.newest(ctx, SHOWN)
    if not found:
        return await picking.integration(ctx, asked, "status")
    said = asked.say(TN("{count} integration", "{count} integrations", count))
    how = asked.say(T("Status"))
    rows = [
        blocks.section(
            _row(asked, one), accessory=run_button(asked, how, ("status", one.installed.slug), at=str(number))
        )
        for number, one in enumerate(found)
    ]
    rest = count - len(found)
    more = [blocks.context(asked.say(T("The newest {shown}. All of them: {command}", shown=len(found),
                                       command="`ccb integrations`")))] if rest > 0 else []  # fmt: skip
    lines = [f"{one.installed.name} ({one.installed.slug}): {asked.say(state(one.installed.status))}" for one in found]
    return Reply("\n".join([said, *lines]), [blocks.header(said), *rows, *more])


def _row(asked: Asked, one: Listed) -> str:
    installed = one.installed
    last = (
        asked.say(T("last event {when}", when=blocks.date(one.last)))
        if one.last is not None
        else asked.say(T("nothing has arrived yet"))
    )
    name = f"*{blocks.plain(installed.name)}* {blocks.code(installed.slug)}"
    return f"{name}\n{asked.say(state(installed.status))} · {blocks.code(installed.version)} · {last}"


register(
    Command(
        name="list",
        summary=T("Show the integrations"),
        run=show,
        permission="integrations.read",
        aliases=("ls", "integrations"),
        examples=("list",),
    )
)
