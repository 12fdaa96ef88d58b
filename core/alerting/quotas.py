"""What the engine says of services' quotas: which is nearly used up."""

from __future__ import annotations

from core import shared_quotas
from core.alerting.subjects import Finding
from core.clock import moment
from core.context import Context
from core.texts import T
from storage import quotas as rows
from storage.quotas import ServiceQuota

LEAST_QUOTA = 0.1
"""The share of a service's quota that is little."""


async def findings(ctx: Context) -> list[Finding]:
    """Say when little of a service's quota is left, as it said in its last answer to any node."""
    await shared_quotas.share(ctx)
    now, known = ctx.clock.now(), await ctx.db.read(rows.known)
    found = []
    for service, title in (("github", "GitHub"), ("claude", "Claude")):
        mine = [one for one in known if one.service == service]
        if mine:
            found.append(_finding(title, min(mine, key=lambda one: _nearness(one, now)), now))
    return found


def _nearness(one: ServiceQuota, now: float) -> tuple[bool, float]:
    """Return what sorts the quota first that is nearest to its end; those that have been given anew come last."""
    over = now >= one.resets_at
    return over, -one.heard_at if over else one.remaining / max(1, one.allowed)


def _finding(title: str, quota: ServiceQuota, now: float) -> Finding:
    little = now < quota.resets_at and quota.remaining <= quota.allowed * LEAST_QUOTA
    said = {"limit": quota.allowed, "service": title, "remaining": quota.remaining, "when": moment(quota.resets_at)}
    return Finding(
        f"engine:quota:{quota.service}", f"{title} quota", "warning", little,
        T("Of {limit} tokens of {service}, {remaining} are left until {when}.", **said)
        if quota.kind == "tokens"
        else T("Of {limit} requests to {service}, {remaining} are left until {when}.", **said),
        f"{round(LEAST_QUOTA * 100)}% or less is left",
    )  # fmt: skip
