"""What is said of an integration that was installed, configured, activated or paused, with what comes next."""

from __future__ import annotations

from dataclasses import replace

from chatbot import blocks, opening, request_blocks
from chatbot.asked import Asked, Open, Place, Reply
from chatbot.dispatch import run_button
from core import gallery, integrations
from core.context import Context
from core.errors import Conflict
from core.integrations import Installed, Wish
from core.texts import T, Text

_MOST_OF_A_KIND = 20


async def from_gallery(ctx: Context, asked: Asked, name: str) -> Reply:
    """Install a ready-made integration; say what it needs. A second one gets a slug of its own."""
    wish = Wish(files=gallery.load(name), provenance={"kind": "gallery", "name": name}, config={})
    for number in range(1, _MOST_OF_A_KIND):
        try:
            # The webhook secret that is made is told to nobody: whoever configures it sets the one that the sender has.
            installed, _ = await integrations.install(
                ctx, wish if number == 1 else replace(wish, slug=f"{name}-{number}"), actor=asked.actor
            )
        except Conflict as error:
            if error.details.get("integration") is None:
                raise
            continue
        told = T("{who} has installed {name}.", who=f"<@{asked.user}>", name=named(installed))
        return said(ctx, asked, installed, told, to="channel")
    raise Conflict(T("There are {count} of this kind already. Use one of them.", count=_MOST_OF_A_KIND - 1))


def said(ctx: Context, asked: Asked, installed: Installed, told: Text, *, to: Place) -> Reply:
    """Return a message about an integration: what was done, what it needs, and the buttons for that."""
    missing = integrations.missing(installed)
    lines = [asked.say(told)]
    if missing:
        lines.append(
            asked.say(T("It still needs {names}: press Configure.", names=", ".join(map(blocks.code, missing))))
        )
    elif installed.status != "active":
        lines.append(asked.say(T("Nothing is missing: an admin switches it on with Activate.")))
    lines.append(asked.say(T("Its events come to {url}.",
                             url=blocks.code(integrations.webhook_url(ctx, installed.id)))))  # fmt: skip
    return Reply("\n".join(lines), [blocks.section("\n".join(lines)), blocks.actions(buttons(asked, installed))], to)


def buttons(asked: Asked, installed: Installed) -> list[blocks.Element]:
    """Return what can be done with an integration now, the most useful first."""
    slug, missing = installed.slug, integrations.missing(installed)
    configure = opening.button(
        asked.say(T("Configure")), Open("config", {"integration": slug}), primary=bool(missing), at="config"
    )
    shown = [configure]
    if installed.status == "active":
        shown.append(pause(asked, slug))
    elif not missing:
        shown.insert(0, request_blocks.activate(asked.language, slug))
    return [*shown, run_button(asked, asked.say(T("Status")), ("status", slug), at="status")]


def pause(asked: Asked, slug: str) -> blocks.Element:
    """Return the button that lets an integration rest; it asks first."""
    asks = blocks.confirm(
        asked.say(T("Pause it?")),
        asked.say(
            T("Deliveries are refused until it is activated again; some senders do not send them a second time.")
        ),
        asked.say(T("Pause")),
        asked.say(T("Keep it on")),
    )
    return blocks.button(asked.say(T("Pause")), "run:pause", f"pause\n{slug}", style="danger", confirm=asks)


def named(installed: Installed) -> str:
    """Return an integration's name and slug."""
    return f"*{blocks.plain(installed.name)}* {blocks.code(installed.slug)}"
