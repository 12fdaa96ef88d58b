"""`/ccb alerts`: what is open, how the rules stand, why somebody was told or was not; rules, tests and silences."""

from __future__ import annotations

from collections.abc import Sequence

from chatbot import alert_rules, alert_story
from chatbot.asked import Answer, Asked, Open
from chatbot.command import Command, register
from chatbot.views import alert_rule
from core import alerting, integrations
from core import alerts as rules
from core.alerting.subjects import ENGINE
from core.context import Context
from core.errors import Invalid
from core.integrations import Installed
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
    return await _of(ctx, asked, await integrations.find(ctx, first), rest)


async def _of(ctx: Context, asked: Asked, installed: Installed, rest: Sequence[str]) -> Answer:
    match rest:
        case [] | ["edit" | "remove"]:
            return await alert_rules.one(ctx, asked, installed)
        case ["add"]:
            return Open(alert_rule.ADD, {"integration": installed.id}, T("Add a rule"))
        case ["edit", name, *_]:
            return alert_rule.editing(await rules.find(ctx, installed.id, name), installed.id)
        case ["remove", name, *_]:
            return await alert_rules.removing(ctx, asked, installed, name)
        case ["silence"]:
            return Open("silence", {"integration": installed.id}, T("Silence"))
        case ["test", *more]:
            return await alert_rules.test(ctx, asked, installed, more[0] if more else None)
        case _:
            known = "add, edit, remove, silence, test"
            raise Invalid(T("{word} is not known here. There are: {known}.", word=rest[0][:40], known=known))


register(
    Command(
        name="alerts",
        summary=T(
            "Show open alerts and how the rules stand; why you were told, or not; add, edit, remove, test, silence"
        ),
        run=alerts,
        permission="alerts.read",
        usage="[integration] [add | edit | remove | test | silence]",
        aliases=("alert",),
        examples=(
            "alerts",
            "alerts github-push-to-slack",
            "alerts github-push-to-slack test",
            'alerts github-push-to-slack edit "Error rate"',
        ),
    )
)
