"""A server with alerts at it, looked at and told when the test says so, and a browser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson
import sqlalchemy as sa
from pydantic import SecretStr

from core import alerting, auth
from core.alerting import Dispatcher, Evaluator, Watcher
from core.context import Context
from storage import alerts as rows
from storage.alerts import Alert
from tests.contexts import MovableClock
from tests.core.alerting import house
from tests.core.http.dashboard.browser import Browser
from tests.inbox import Inbox

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
MAIL = "email://ops@example.org"
BROKEN = "email://gone@example.org"
RULE: dict[str, Any] = {
    "name": "Errors", "condition": "error_rate > 5%", "severity": "critical", "notification_channels": [MAIL, BROKEN],
    "description": f"Look at the trace {EVIL}",
}  # fmt: skip


@dataclass
class Site:
    """All of it."""

    ctx: Context
    clock: MovableClock
    browser: Browser
    inbox: Inbox

    def __post_init__(self) -> None:
        told = self.ctx.settings.model_copy(
            update={"smtp_url": SecretStr(self.inbox.url), "mail_from": "CCB <ccb@example.org>"}
        )
        self.evaluator, self.dispatcher = Evaluator(self.ctx), Dispatcher(replace(self.ctx, settings=told))

    async def enter(self, *permissions: str) -> None:
        """Sign in with a key that may do this."""
        _, plain = await auth.issue(self.ctx, actor=auth.SYSTEM, name="ops", permissions=permissions)
        assert (await self.browser.send("/dashboard/sign-in", {"key": plain})).status == 303

    async def install(self, *rules: dict[str, Any], slug: str = "forward", name: str = "Forward") -> str:
        """Install an integration with these rules alone; return its id."""
        return await house.install(self.ctx, *rules, slug=slug, name=name)

    async def rules(self, integration_id: str, *rules: dict[str, Any]) -> None:
        """Make these all rules that it has."""
        await house.replace_rules(self.ctx, integration_id, *rules)

    async def count(self, integration_id: str, **counts: float) -> None:
        """Count at this moment."""
        await house.count(self.ctx, integration_id, **counts)

    async def look(self, times: int = 1) -> None:
        """Look at all rules, so many times."""
        for _ in range(times):
            self.clock.move(20)
            assert await self.evaluator.look()

    async def watch(self) -> None:
        """Look at what the engine watches about itself too."""
        watcher = Watcher(self.ctx)
        await watcher.refresh()
        assert await Evaluator(self.ctx, watcher).look()

    async def tell(self, times: int = 1) -> None:
        """Say what is due, so many seconds long."""
        for _ in range(times):
            self.clock.move(1)
            await self.dispatcher.run()

    async def fire(self, *, name: str = "Forward", rule: dict[str, Any] = RULE) -> Alert:
        """Have an integration's only rule fire."""
        made = await self.install(rule, name=name)
        await self.count(made, dead=31, succeeded=219)
        await self.look()
        (found,) = await alerting.newest(self.ctx)
        return found

    async def set(self, alert: Alert, facts: dict[str, Any] | None = None, **columns: Any) -> None:
        """Have columns of an alert be so."""
        if facts is not None:
            columns["facts"] = orjson.dumps(facts).decode()

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.update(rows.ALERTS).where(rows.ALERTS.c.id == alert.id).values(**columns))

        await self.ctx.db.write(write)

    async def ended(self, count: int, **columns: Any) -> list[str]:
        """Have this many alerts have ended, the oldest first; return their ids."""
        fixed = {
            "rule_id": "alr_x", "integration_id": "engine", "integration": "engine", "condition": "x",
            "severity": "info",
            "channels": "[]", "status": "resolved", "started_at": 1.0, "fired_at": 2.0, "ended_at": 3.0,
        }  # fmt: skip
        ids = [f"alt_{number:026}" for number in range(count)]
        made = [{**fixed, "id": one, "name": f"Disk {one}", **columns} for one in ids]
        await self.ctx.db.write(lambda connection: connection.execute(sa.insert(rows.ALERTS), made))
        return ids
