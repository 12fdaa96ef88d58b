"""`/ccb alerts`: what is open, how the rules stand, why somebody was told or was not; rules, tests and silences."""

from __future__ import annotations

from chatbot import alert_rules, alert_story
from chatbot.asked import Answer, Asked, Open
from chatbot.command import Command, register
from core import alerting, integrations
from core.alerting.subjects import ENGINE
from core.context import Context
from core.errors import Invalid
from core.texts import T


async def alerts(ctx: Context, asked: Asked) -> Answer:
    """Show all, one integration's, or one alert's story; or do what the second word says."""
    if not asked.words:
        return await alert_rules.overall(ctx, asked)
    first, *rest = asked.words
    if first.startswith("alt_"):
        return await alert_story.told(ctx, asked, await alerting.find(ctx, first))
    if first == ENGINE and not rest:
        return await alert_rules.engine(ctx, asked)
    installed = await integrations.find(ctx, first)
    match rest:
        case []:
            return await alert_rules.one(ctx, asked, installed)
        case ["add"]:
            return Open("alert_rule", {"integration": installed.id}, T("Add a rule"))
        case ["silence"]:
            return Open("silence", {"integration": installed.id}, T("Silence"))
        case ["test", *more]:
            return await alert_rules.test(ctx, asked, installed, more[0] if more else None)
        case _:
            raise Invalid(
                T("{word} is not known here. There are: {known}.", word=rest[0][:40], known="add, silence, test")
            )


register(
    Command(
        name="alerts",
        summary=T("Show open alerts and how the rules stand; why you were told, or not; add, test, silence"),
        run=alerts,
        permission="alerts.read",
        usage="[integration] [add | test | silence]",
        aliases=("alert",),
        examples=("alerts", "alerts github-push-to-slack", "alerts github-push-to-slack test"),
    )
)
