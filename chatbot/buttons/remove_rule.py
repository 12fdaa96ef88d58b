"""The button that removes an alert rule; it has asked first."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.button import Button, register
from chatbot.dispatch import run_button
from core import alerts, integrations
from core.alerts import Stored
from core.context import Context
from core.integrations import Installed
from core.texts import T


def element(asked: Asked, installed: Installed, stored: Stored, *, at: str = "0") -> blocks.Element:
    """Return the button, which says first what will be lost."""
    name = blocks.cut(stored.rule.name, 60)
    asks = blocks.confirm(
        asked.say(T("Remove this rule?")),
        asked.say(
            T("Nobody is told by {name} any more, and its open alert ends. Its condition, channels and text are gone; "
              "the history of its alerts is kept for 90 days.", name=name)
        ),
        asked.say(T("Remove")),
        asked.say(T("Leave it")),
    )  # fmt: skip
    value = f"{installed.id} {stored.id}"
    return blocks.button(asked.say(T("Remove")), f"remove_rule:{at}", value, style="danger", confirm=asks)


async def remove_rule(ctx: Context, asked: Asked) -> Answer:
    """Remove it, and say so in the channel with what it was."""
    integration_id, _, rule_id = asked.value.partition(" ")
    installed = await integrations.find(ctx, integration_id)
    gone = await alerts.remove(ctx, installed.id, rule_id, actor=asked.actor)
    said = asked.say(
        T(":wastebasket: {who} removed the alert rule {name} of {integration}: {condition}", who=f"<@{asked.user}>",
          name=f"*{blocks.plain(gone.rule.name)}*", integration=blocks.code(installed.slug),
          condition=blocks.code(gone.rule.condition))
    )  # fmt: skip
    back = run_button(asked, asked.say(T("Show the rules")), ("alerts", installed.slug))
    return Reply(said, [blocks.section(said), blocks.actions([back])], to="channel")


register(Button("remove_rule", remove_rule, "alerts.write"))
