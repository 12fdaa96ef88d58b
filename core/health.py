"""Health: what the engine depends on, and whether it answers.

A check is run when somebody asks, at most every `every` seconds, and never longer than `TIMEOUT_SECONDS`; all who ask
meanwhile share its result. Outside services (`core.services`) are asked at most once a minute, and sooner while one is
in trouble. The first answer of one may take longer (libraries are imported, connections made): until it is there the
service is starting, which is no trouble.
"""

from __future__ import annotations

import asyncio
import math
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import sqlalchemy as sa
import structlog

from core.context import Context
from core.errors import CcbError, Connecting
from core.services import SERVICES, Service
from core.texts import T, Text
from storage import leader

log = structlog.get_logger()

Status = Literal["ok", "starting", "degraded", "down", "not_configured"]
Overall = Literal["ok", "starting", "degraded", "down"]

TIMEOUT_SECONDS = 2.0
FIRST_SECONDS = 20.0
"""How long an outside service's first answer may take; nobody who asks waits longer than `TIMEOUT_SECONDS`."""
SERVICE_SECONDS = 60.0
"""How often an outside service is asked at most."""
TROUBLE_SECONDS = 10.0
"""The same for one that did not answer well."""
STARTING_SECONDS = 1.0
"""The same for one to which this process is still connecting."""
OWN_SECONDS = 5.0
"""The same for what this process knows of one, its connections."""
LITTLE_SPACE = 1 << 30
NO_SPACE = 100 << 20


@dataclass(frozen=True)
class Finding:
    """What a check found. `detail` is for people who are allowed to know; the open answer leaves it out."""

    status: Status
    detail: Text | str = ""
    latency_ms: float | None = None
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """One dependency. Without a `vital` one nothing works: then the engine is down, otherwise degraded."""

    name: str
    run: Callable[[Context], Awaitable[Finding]]
    vital: bool = False
    every: float = 1.0
    outside: bool = False


@dataclass(frozen=True)
class Report:
    """Everything at once."""

    status: Overall
    dependencies: Mapping[str, Finding]


CHECKS: dict[str, Check] = {}


def register(check: Check) -> None:
    """Add `check`, in place of one of the same name."""
    CHECKS[check.name] = check


async def report(ctx: Context, *, fresh: bool = False) -> Report:
    """Run every check that is due (all of them if `fresh`) and sum up."""
    checks = [*CHECKS.values(), *(_of_service(ctx, service) for service in SERVICES.values())]
    findings = await asyncio.gather(*(_shared(ctx, check, fresh=fresh) for check in checks))
    return Report(
        _overall(checks, findings), {check.name: finding for check, finding in zip(checks, findings, strict=True)}
    )


def _overall(checks: Sequence[Check], findings: Sequence[Finding]) -> Overall:
    found = {finding.status for finding in findings}
    if any(check.vital and finding.status == "down" for check, finding in zip(checks, findings, strict=True)):
        return "down"
    if found & {"down", "degraded"}:
        return "degraded"
    return "starting" if "starting" in found else "ok"


async def one(ctx: Context, name: str) -> Finding:
    """Run one check."""
    return await _shared(ctx, CHECKS[name], fresh=False)


async def _shared(ctx: Context, check: Check, *, fresh: bool) -> Finding:
    task: asyncio.Task[Finding] | None = None if fresh else ctx.memo.get(("health", check.name))
    if task is None:
        task = asyncio.create_task(_run(ctx, check), name=f"health-{check.name}")
        ctx.memo.put(("health", check.name), task, seconds=check.every)
    if _unheard(ctx, check):
        await asyncio.wait({task}, timeout=TIMEOUT_SECONDS)
        if not task.done():
            return Finding("starting", T("Asked for the first time since the start; the answer is still to come."))
    return await asyncio.shield(task)


def _unheard(ctx: Context, check: Check) -> bool:
    """Say whether it is an outside service that has given this process no answer yet, neither good nor bad."""
    return check.outside and ctx.memo.get(("health heard", check.name)) is None


async def _run(ctx: Context, check: Check) -> Finding:
    began = time.perf_counter()
    seconds = FIRST_SECONDS if _unheard(ctx, check) else TIMEOUT_SECONDS
    try:
        async with asyncio.timeout(seconds):
            finding = await check.run(ctx)
    except TimeoutError:
        finding = Finding("down", T("No answer within {seconds} seconds.", seconds=seconds))
    except Connecting as error:
        finding = Finding("starting", error.message)
    except CcbError as error:
        finding = Finding("down", error.message)
    except Exception as error:  # whatever a check raises is what it found
        log.warning("health check failed", check=check.name, exc_info=error)
        finding = Finding("down", T("The check failed ({kind}); the log says why.", kind=type(error).__name__))
    if check.outside:
        _keep(ctx, check, finding.status)
    if finding.status == "not_configured":
        return finding
    return replace(finding, latency_ms=round((time.perf_counter() - began) * 1e3, 1))


def _keep(ctx: Context, check: Check, status: Status) -> None:
    """Look again soon at an outside service that is not well yet, or no more."""
    if status != "starting":
        ctx.memo.put(("health heard", check.name), True, seconds=math.inf)
    if status in ("starting", "degraded", "down"):
        soon = STARTING_SECONDS if status == "starting" else TROUBLE_SECONDS
        ctx.memo.put(("health", check.name), asyncio.current_task(), seconds=min(soon, check.every))


def _of_service(ctx: Context, service: Service) -> Check:
    own = ctx.checks.get(service.name)

    async def ask(ctx: Context) -> Finding:
        if not service.configured(ctx.settings):
            return Finding("not_configured", settings=service.required)
        return Finding("ok", await (own() if own else service.check(ctx.settings)))

    return Check(service.name, ask, every=OWN_SECONDS if own else SERVICE_SECONDS, outside=True)


async def _database(ctx: Context) -> Finding:
    await ctx.db.read(lambda connection: connection.execute(sa.select(1)).scalar_one())
    return Finding("ok", ctx.db.dialect)


async def _sandbox(ctx: Context) -> Finding:
    ran = await ctx.sandbox.run("def handle(event, config):\n    return []", event={}, config={}, owner="health")
    return Finding("ok" if ran.actions == [] else "down")


async def _disk(ctx: Context) -> Finding:
    free = (await asyncio.to_thread(shutil.disk_usage, ctx.settings.data_dir)).free
    status: Status = "ok" if free >= LITTLE_SPACE else "degraded" if free >= NO_SPACE else "down"
    return Finding(status, T("{free} MB are free in the data folder.", free=free >> 20))


async def _scheduler(ctx: Context) -> Finding:
    """Say whether some node holds the duty: retries and lost leases wait for it."""
    holder = await ctx.db.read(leader.current, leader.SCHEDULER)
    if holder is None or holder.expires_at <= ctx.clock.now():
        return Finding("down", T("No node runs the scheduler. Start one with the role scheduler."))
    return Finding("ok", T("held by {holder}", holder=holder.holder))


register(Check("database", _database, vital=True))
register(Check("sandbox", _sandbox, vital=True, every=5.0))
register(Check("disk", _disk, every=5.0))
register(Check("scheduler", _scheduler))
