"""A rule that another version of the engine has written: its pages are shown, without a limit in their charts."""

from __future__ import annotations

import sqlalchemy as sa

from storage.alert_rules import RULES
from tests.core.http.dashboard.site import Site

ODD = "error_rate ~ 5%"


async def test_pages_with_a_condition_that_cannot_be_read(site: Site) -> None:
    alert = await site.fire()
    await site.set(alert, condition=ODD, metric="error_rate")

    def write(connection: sa.Connection) -> None:
        connection.execute(sa.update(RULES).values(condition=ODD))

    await site.ctx.db.write(write)
    await site.enter("alerts.read", "metrics.read", "integrations.read", "events.read")
    own = f"/dashboard/integrations/{alert.integration_id}"
    for path in (
        f"/dashboard/alerts/{alert.id}", f"/dashboard/alerts/{alert.id}/chart.json", "/dashboard/alerts/rules", own,
        f"{own}/chart.json?metric=error_rate", f"{own}/alerts", "/dashboard/alerts",
    ):  # fmt: skip
        assert (await site.browser.get(path)).status == 200, path
