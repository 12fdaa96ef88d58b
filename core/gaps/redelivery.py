"""Asking GitHub to deliver once more what never arrived."""

from __future__ import annotations

from typing import Any

import orjson

from core.context import Context
from core.errors import Upstream
from core.gaps.github import token_of
from core.gaps.hooks import hidden
from core.integrations import Installed
from core.texts import T
from storage.gaps import Gap

PATIENCE = (30.0, 120.0, 600.0)
"""Seconds to wait for the arrival after each time that GitHub was asked; after the last it is given up."""


async def ask(ctx: Context, installed: Installed, gap: Gap) -> bool:
    """Ask GitHub to deliver again; return False when it has the delivery no more.

    Raises `Upstream` (also where the token may read the hook and not do this) or `NotConfigured`.
    """
    detail: dict[str, Any] = orjson.loads(gap.detail)
    hook = f"/{detail['owner']}/hooks/{detail['hook_id']}"
    delivery = f"{hook}/deliveries/{detail['delivery_id']}"
    token = token_of(installed)
    try:
        await ctx.github.request("POST", f"{delivery}/attempts", token=token)
    except Upstream as error:
        if error.retry_after is not None or error.details.get("status") not in (404, 422):
            raise
        return await _is_refused(ctx, hook, delivery, token)
    return True


async def _is_refused(ctx: Context, hook: str, delivery: str, token: str | None) -> bool:
    """Return False when the delivery is gone; raise `Upstream` when GitHub hides it from the token.

    Both are a 404 to GitHub, so it is asked for the hook and for the delivery: who sees both lacks the right to write.
    """
    try:
        await ctx.github.request("GET", hook, token=token)
    except Upstream as error:
        if error.details.get("status") != 404:
            raise
        raise Upstream(hidden(error.message), error="GitHub hook not readable", status=404) from None
    try:
        await ctx.github.request("GET", delivery, token=token)
    except Upstream as error:
        if error.details.get("status") in (404, 422):
            return False
        raise
    raise Upstream(
        T(
            "GitHub does not deliver again for this token: it may read hooks and not write them. It needs the scope "
            "admin:repo_hook (a fine-grained token or an app: the permission Webhooks, read and write)."
        ),
        error="GitHub hook not writable",
        status=404,
    )
