"""What the services' tokens really grant an integration, asked of the services, against what its manifest needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from core import integrations
from core.access import email, github, slack
from core.access.model import Access, Need, Report, Trouble
from core.context import Context
from core.errors import CcbError, Upstream
from core.grants import Grants, legible
from core.integrations import Installed
from core.texts import T

__all__ = ["Access", "Need", "Report", "Trouble", "report"]

TIMEOUT_SECONDS = 5.0
"""How long a service may take."""
KEPT_SECONDS = 30.0
"""How long an answer is good for: whoever asks meanwhile gets the same one."""


@dataclass(frozen=True)
class _Service:
    """How one is asked, and what is known of it before."""

    look: Callable[[Context, Installed, Grants], Awaitable[Access]]
    begin: Callable[[Context, Installed, Grants], Access]


_SERVICES: Mapping[str, _Service] = {
    "github": _Service(github.look, github.begin),
    "slack": _Service(slack.look, slack.begin),
    "email": _Service(email.look, email.begin),
}


async def report(ctx: Context, reference: str) -> Report:
    """Ask all services at once. What cannot be asked is an error in its part. Raises `NotFound`."""
    installed = await integrations.find(ctx, reference)
    key = ("access", installed.id, installed.updated_at)
    task: asyncio.Task[Report] | None = ctx.memo.get(key)
    if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
        task = asyncio.create_task(_ask(ctx, installed), name=f"access-{installed.id}")
        ctx.memo.put(key, task, seconds=KEPT_SECONDS)
    return await asyncio.shield(task)


async def _ask(ctx: Context, installed: Installed) -> Report:
    wanted, _ = legible(installed.manifest, installed.config)  # what it is to have, also before anybody activates it
    found = await asyncio.gather(*(_one(ctx, installed, wanted, service) for service in _SERVICES.values()))
    return Report(dict(zip(_SERVICES, found, strict=True)))


async def _one(ctx: Context, installed: Installed, wanted: Grants, service: _Service) -> Access:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await service.look(ctx, installed, wanted)
    except TimeoutError:
        late = T("No answer within {seconds} seconds.", seconds=TIMEOUT_SECONDS)
        trouble = Trouble(Upstream.default_error, late)
    except CcbError as error:
        trouble = Trouble(error.error, error.message)
    return replace(service.begin(ctx, installed, wanted), error=trouble)
