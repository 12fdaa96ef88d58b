"""What was delivered with an event, secrets hidden: seen by whoever opens it alone."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Asked
from chatbot.view import Built, View, register
from core.context import Context
from core.events import payload, trace
from core.texts import T

BLOCKS = 5
PIECE = 2_500
"""Characters in a block, before what Slack needs escaped is."""
_HEADERS = 1_500


async def build(ctx: Context, asked: Asked) -> Built:
    """Return the headers and the body."""
    event = await trace.find(ctx, str(asked.about["event"]))
    found = await payload.shown(ctx, event)
    headers = "\n".join(f"{name}: {value}" for name, value in found.headers.items())
    hidden = T("{event} · {size}. Signatures, tokens and the integration's secrets are hidden.",
               event=blocks.code(event.id), size=trace.size(found.size))  # fmt: skip
    shown = [blocks.context(asked.say(hidden)), blocks.section(blocks.code_block(headers or "–", most=_HEADERS))]
    if found.text is None:
        return [*shown, blocks.section(asked.say(T("Its body is no text.")))]
    pieces = _pieces(found.text)
    shown += [blocks.section(blocks.code_block(piece)) for piece in pieces]
    length = sum(map(len, pieces))
    if length < len(found.text) or not found.whole:
        cut = T("Cut: the first {shown} characters are shown.", shown=length)
        shown.append(blocks.context(asked.say(cut)))
    return shown


def _pieces(text: str) -> list[str]:
    """Return the beginning of a text in pieces that each fit into a block, split at lines where it can be."""
    pieces: list[str] = []
    while text and len(pieces) < BLOCKS:
        most = PIECE
        while len(blocks.plain(text[:most])) > PIECE:
            most = most * 3 // 4
        at = len(text) if len(text) <= most else text.rfind("\n", most // 2, most) + 1 or most
        pieces.append(text[:at])
        text = text[at:]
    return pieces or ["–"]


register(View(name="payload", title=T("Payload"), build=build, permission="events.read"))
