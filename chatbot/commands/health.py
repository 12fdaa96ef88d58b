"""`/ccb health`: the engine and what it depends on."""

from __future__ import annotations

from chatbot import blocks
from chatbot.asked import Answer, Asked, Reply
from chatbot.command import Command, register
from chatbot.dispatch import run_button
from chatbot.states import health as in_words
from core import health
from core.context import Context
from core.texts import T


async def show(ctx: Context, asked: Asked) -> Answer:
    """Show what works and what does not, what is wrong in words, and what would mend it."""
    found = await health.report(ctx)
    said = asked.say(T("The engine: {state}", state=in_words(found.status)))
    order = {"down": 0, "degraded": 1, "starting": 2, "ok": 3, "not_configured": 4}
    rows = sorted(found.dependencies.items(), key=lambda item: order[item[1].status])
    lines = [_line(asked, name, finding) for name, finding in rows]
    buttons = [run_button(asked, asked.say(T("Look again")), ("health",), at="again")]
    buttons.append(run_button(asked, asked.say(T("Integrations")), ("status",), at="status"))
    return Reply(
        "\n".join([said, *lines]), [blocks.section(f"*{said}*"), *map(blocks.section, lines), blocks.actions(buttons)]
    )


def _line(asked: Asked, name: str, finding: health.Finding) -> str:
    parts = [f"{asked.say(in_words(finding.status))} · *{blocks.plain(name)}*"]
    if finding.latency_ms is not None:
        parts.append(asked.say(T("{time} ms", time=round(finding.latency_ms))))
    if finding.detail:
        parts.append(blocks.plain(asked.say(finding.detail)))
    if finding.status == "not_configured":
        settings = ", ".join(map(blocks.code, finding.settings))
        parts.append(asked.say(T("would need {settings}: {command}", settings=settings,
                                 command=blocks.code(f"ccb init {name}"))))  # fmt: skip
    return " · ".join(parts)


register(
    Command(
        name="health",
        summary=T("Show whether the engine and what it depends on work"),
        run=show,
        permission="integrations.read",
        examples=("health",),
    )
)
