"""Alerting with everything real but the clock: a database, Slack as it stands in, a mail server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from core import alerting, alerts, auth, integrations
from core.alerting import Dispatcher, Evaluator, Watcher
from core.alerts import RuleWish
from core.context import Context
from core.demo.stand_ins.slack import SlackStandIn
from core.integrations import Wish
from storage import metrics
from storage.alerts import Alert
from tests.contexts import MovableClock
from tests.inbox import Inbox
from tests.packages import package

HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
RULE: dict[str, Any] = {
    "name": "Errors",
    "condition": "error_rate > 5%",
    "notification_channels": ["slack://deploys"],
    "severity": "critical",
}


async def install(ctx: Context, *rules: dict[str, Any], slug: str = "forward", name: str = "Forward") -> str:
    """Install an integration that does nothing, with these rules alone; return its id."""
    files = package(HANDLER, "example.com", slug=slug, name=name)["files"]
    wish = Wish(files=files, provenance={}, config={}, webhook_secret="a secret of sixteen", activate=True)
    installed, _ = await integrations.install(ctx, wish, actor=auth.SYSTEM)
    await replace_rules(ctx, installed.id, *rules)
    return installed.id


async def replace_rules(ctx: Context, integration_id: str, *rules: dict[str, Any]) -> None:
    """Make these all rules of an integration."""
    wishes = [RuleWish.model_validate(rule) for rule in rules]
    await alerts.replace(ctx, integration_id, wishes, actor=auth.SYSTEM)


async def count(ctx: Context, integration_id: str, **counts: float) -> None:
    """Count at this moment."""
    made: metrics.Counts = {}
    for name, value in counts.items():
        metrics.count(made, integration_id, ctx.clock.now(), name, by=value)
    await ctx.db.write(metrics.add, made)


@dataclass
class House:
    """Rules are looked at, and messages said, when the test says so."""

    ctx: Context
    clock: MovableClock
    slack: SlackStandIn
    inbox: Inbox
    ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew with what the database holds alone."""
        self.evaluator, self.dispatcher = Evaluator(self.ctx), Dispatcher(self.ctx)

    def configure(self, **changed: Any) -> None:
        """Begin anew with other settings."""
        self.ctx = replace(self.ctx, settings=self.ctx.settings.model_copy(update=changed))
        self.restart()

    def watch(self) -> None:
        """Begin anew, and look after the engine itself too."""
        self.watcher = Watcher(self.ctx)
        self.evaluator, self.dispatcher = Evaluator(self.ctx, self.watcher), Dispatcher(self.ctx)

    async def install(self, *rules: dict[str, Any], slug: str = "forward") -> str:
        """Install an integration with these rules alone; return its id."""
        made = await install(self.ctx, *rules, slug=slug)
        self.ids.append(made)
        return made

    async def rules(self, integration_id: str, *rules: dict[str, Any]) -> None:
        """Make these all rules that it has."""
        await replace_rules(self.ctx, integration_id, *rules)

    async def count(self, integration_id: str, **counts: float) -> None:
        """Count at this moment."""
        await count(self.ctx, integration_id, **counts)

    async def flap(self, integration_id: str, times: int) -> None:
        """Let `queue_depth < 1 and received > 0` begin to hold and end, so many times, each told."""
        for _ in range(times):
            await self.count(integration_id, received=1)
            await self.look()
            await self.tell(12)
            self.clock.move(310)
            await self.look(8)
            await self.tell(3)

    async def look(self, times: int = 1, *, every: float = 20.0) -> None:
        """Let time pass, and look at all rules, so many times."""
        for _ in range(times):
            self.clock.move(every)
            assert await self.evaluator.look()

    async def tell(self, times: int = 1) -> None:
        """Say what is due, so many seconds long."""
        for _ in range(times):
            self.clock.move(1.0)
            await self.dispatcher.run()

    async def alerts(self, **chosen: Any) -> list[Alert]:
        """Return the alerts, the oldest first."""
        return (await alerting.newest(self.ctx, **chosen))[::-1]

    async def alert(self) -> Alert:
        """Return the only one."""
        (found,) = await self.alerts()
        return found

    async def kinds(self, alert: Alert) -> list[str]:
        """Return what happened with an alert."""
        return [line.kind for line in await alerting.history(self.ctx, alert)]

    async def history(self, alert: Alert, kind: str) -> list[dict[str, Any]]:
        """Return the data of an alert's lines of one kind."""
        return [orjson.loads(line.data) for line in await alerting.history(self.ctx, alert) if line.kind == kind]

    async def state(self, rule: str = "Errors") -> str:
        """Return how a rule stands."""
        found = await alerting.standings(self.ctx, integration_id=None)
        return next(row.state for row in found if row.name == rule)

    def posted(self, channel: str = "deploys") -> list[dict[str, Any]]:
        """Return the messages of a channel that are no answers in a thread."""
        return [m for m in self.slack.channel(channel).messages if "thread_ts" not in m]

    def thread(self, channel: str = "deploys") -> list[str]:
        """Return what was said in threads of a channel."""
        return [m["text"] for m in self.slack.channel(channel).messages if "thread_ts" in m]
