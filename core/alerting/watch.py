"""The engine's own conditions."""

from __future__ import annotations

from core.alerting.subjects import Finding
from core.context import Context


async def findings(ctx: Context) -> list[Finding]:
    """Return them."""
    return []
