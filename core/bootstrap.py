"""The one composition root: settings → context → server, worker, scheduler."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

import structlog
from sqlalchemy.engine import make_url

from core import alerting, auth, deployments, gallery, integrations, logs, shared_quotas, tracing, webhook_log
from core import mail as _mail
from core.aside import Aside
from core.clock import Clock, SystemClock
from core.config import Settings
from core.context import Context, SlackPort
from core.errors import Unavailable
from core.events.worker import Worker
from core.generation import service as _claude
from core.github import service as _github
from core.github.client import GitHub
from core.http.server import Server
from core.outbound import Outbound
from core.quotas import Quotas
from core.requests.announcer import Announcer
from core.requests.claiming import Claimer
from core.requests.worker import RequestWorker
from core.runtime import HandlerPool
from core.scheduler import LEASE_LOST, Scheduler
from core.secret_box import SecretBox
from core.services import SERVICES, Entry, Service
from core.texts import T
from storage import alert_outbox, migrate, queue, requests, tables
from storage.db import Database, open_database

log = structlog.get_logger()

WORKER_GRACE_SECONDS = 4.0
"""How long events in hand may take to finish at a stop: with the server's own grace under ten seconds, the usual
patience of a process manager."""
WEBHOOK_LOG_SECONDS = 1.0

assert tables.ALL and _claude and _github and _mail  # imported for what they register


class Port(SlackPort, Protocol):
    """A way to Slack that is closed at the end."""

    async def close(self) -> None:
        """Close its connections."""
        ...


class Door(Protocol):
    """A door of its own package, found through the entry point group `ccb.doors`."""

    service: Service

    def port(self, settings: Settings) -> Port:
        """Return the way to Slack that core uses."""
        ...

    async def serve(self, ctx: Context, stack: AsyncExitStack) -> None:
        """Take what people type and press, until `stack` is left; waits for no service outside."""
        ...

    def commands(self) -> Sequence[Entry]:
        """Return what can be typed after its command."""
        ...

    def shortcuts(self) -> Sequence[Entry]:
        """Return what it adds to a message's menu."""
        ...


@dataclass(frozen=True)
class ServiceState:
    """One line of the start: what is connected, and what would connect what is not."""

    name: str
    title: str
    configured: bool
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What a start found. `admin_key` is there only when one was made just now; it cannot be shown again."""

    address: str
    database: str
    gallery: int
    sandbox_workers: int
    admin_key: str | None
    services: tuple[ServiceState, ...]
    claim_code: str | None = None
    """With it somebody becomes Slack's first admin; like the key, it is shown once."""


@dataclass
class Engine:
    """A running engine."""

    ctx: Context
    report: Report
    server: Server | None
    worker: Worker | None
    scheduler: Scheduler | None


@cache
def _doors() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group="ccb.doors"))  # which reads what every installed package says of itself


def load_doors() -> list[Door]:
    """Return the doors that are installed."""
    return [entry.load()() for entry in _doors()]


def load_services() -> dict[str, Service]:
    """Return every service that the engine can be connected to, Slack's door included."""
    load_doors()
    return SERVICES


async def serve(settings: Settings, *, on_ready: Callable[[Report], None]) -> None:
    """Run until SIGTERM or SIGINT; `on_ready` is called once everything is up.

    Raises `storage.sqlite.AlreadyRunningError`, and `CcbError` for settings that cannot work.
    """
    logs.configure(settings.log_level)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.unseen)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with start(_with_a_port(settings)) as engine:
        gc.collect()
        gc.freeze()  # what a start makes stays; each full collection would stop everything for 0.1 s to look at it
        on_ready(engine.report)
        await stopping.wait()
        log.info("stopping", in_flight=engine.worker.in_flight if engine.worker else 0)
    log.info("stopped")


def _with_a_port(settings: Settings) -> Settings:
    """Return settings whose port is known: it stands in the webhooks' addresses, which are made before anybody asks."""
    if settings.port or "http" not in settings.roles:
        return settings
    family, *_, address = socket.getaddrinfo(settings.host, 0, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as free:
        free.bind(address)
        return settings.model_copy(update={"port": free.getsockname()[1]})


@asynccontextmanager
async def start(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[Engine]:
    """Start what `settings.roles` name; leaving the context stops it, the server first, the database last."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        db = await open_database(_url(settings), settings.data_dir)
        stack.push_async_callback(db.close)
        await _upgrade(db, settings)
        sandbox = await stack.enter_async_context(HandlerPool(processes=settings.sandbox_processes))
        http = await stack.enter_async_context(Outbound(settings.outbound_allow))
        aside = await stack.enter_async_context(Aside())
        quotas = Quotas(clock.now)
        github = GitHub(settings, clock, quotas)
        stack.push_async_callback(github.close)
        doors = load_doors()
        slack = next((door.port(settings) for door in doors), None)
        if slack is not None:
            stack.push_async_callback(slack.close)
        tracer = tracing.opened(settings)
        if tracer is not None:
            stack.push_async_callback(tracer.close)
        ctx = Context(
            settings=settings,
            db=db,
            clock=clock,
            secrets=SecretBox.open(settings),
            http=http,
            sandbox=sandbox,
            github=github,
            quotas=quotas,
            slack=slack,
            tracer=tracer,
            aside=aside,
        )
        await _resume(ctx)
        admin_key = await auth.ensure_first_admin(ctx)
        claim_code = await auth.ensure_claim_code(ctx)
        scheduler = await _start_scheduler(ctx, stack)
        _start_guard(ctx, stack)
        worker = await _start_worker(ctx, stack)
        server = await _start_server(ctx, stack)
        if "slack" in settings.roles:
            for door in doors:
                await door.serve(ctx, stack)
        stack.callback(db.hurry)  # the first of what a stop does
        address = server.address if server is not None else ""
        yield Engine(ctx, _report(settings, address, admin_key, claim_code), server, worker, scheduler)


async def _upgrade(db: Database, settings: Settings) -> None:
    try:
        await db.alone(migrate.upgrade)
    except OSError as error:
        if not db.shared:
            raise
        raise Unavailable(
            T("{database} cannot be reached: {reason}. Check CCB_DATABASE_URL.", database=_where(settings),
              reason=str(error) or type(error).__name__)
        ) from None  # fmt: skip


async def _resume(ctx: Context) -> None:
    """Take up what an earlier process left: on SQLite nobody else can hold a lease; services may be configured now."""
    now = ctx.clock.now()
    await integrations.ensure_own(ctx)
    if not ctx.db.shared:
        await ctx.db.write(queue.reap, now, why=LEASE_LOST.dump(), all_leases=True)
        await ctx.db.write(alert_outbox.release)
    await ctx.db.write(queue.release_waiting, now)  # what still has no token will wait again
    await ctx.db.write(requests.resume, now, all_leases=not ctx.db.shared)
    await deployments.note(ctx)


async def _start_scheduler(ctx: Context, stack: AsyncExitStack) -> Scheduler | None:
    if "scheduler" not in ctx.settings.roles:
        return None
    scheduler = Scheduler(ctx)
    scheduler.start()
    stack.push_async_callback(scheduler.stop)
    return scheduler


def _start_guard(ctx: Context, stack: AsyncExitStack) -> None:
    """Let every node watch that some node runs the scheduler, and share what it hears of quotas."""
    guarding = asyncio.create_task(alerting.Guard(ctx).run(), name="alert-guard")

    sharing = asyncio.create_task(shared_quotas.keep_sharing(ctx), name="quotas")

    async def stop() -> None:
        for task in (guarding, sharing):
            task.cancel()
        await asyncio.gather(guarding, sharing, return_exceptions=True)

    stack.push_async_callback(stop)


async def _start_worker(ctx: Context, stack: AsyncExitStack) -> Worker | None:
    if "worker" not in ctx.settings.roles:
        return None
    wake = asyncio.Event()
    ctx.db.on_work("events", wake.set)
    worker = Worker(ctx, wake)
    _run(stack, worker)
    asked = asyncio.Event()
    ctx.db.on_work("requests", asked.set)
    _run(stack, RequestWorker(ctx, asked))
    moved = asyncio.Event()
    ctx.db.on_work("requests", moved.set)
    _run(stack, Announcer(ctx, moved))
    return worker


def _run(stack: AsyncExitStack, worker: Worker | Claimer[Any]) -> None:
    """Let a worker run until the stack is left."""
    running = asyncio.create_task(worker.run(), name=type(worker).__name__)

    async def stop() -> None:
        await worker.stop(grace=WORKER_GRACE_SECONDS)
        await running

    stack.push_async_callback(stop)


async def _start_server(ctx: Context, stack: AsyncExitStack) -> Server | None:
    flushing = asyncio.create_task(_flush_webhook_log(ctx), name="webhook-log")

    async def stop_flushing() -> None:
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)
        await _write_webhook_log(ctx)

    stack.push_async_callback(stop_flushing)
    if "http" not in ctx.settings.roles:
        return None
    server = Server(ctx)
    await server.start()
    stack.push_async_callback(server.stop)
    return server


async def _flush_webhook_log(ctx: Context) -> None:
    while True:
        await asyncio.sleep(WEBHOOK_LOG_SECONDS)
        await _write_webhook_log(ctx)


async def _write_webhook_log(ctx: Context) -> None:
    try:
        await webhook_log.flush(ctx)
    except Exception:  # the loop, and the stop, must outlive a database that is away for a moment
        log.exception("webhook log not written")


def _url(settings: Settings) -> str | None:
    return settings.database_url.get_secret_value() if settings.database_url else None


def _report(settings: Settings, address: str, admin_key: str | None, claim_code: str | None) -> Report:
    return Report(
        address=address,
        database=_where(settings),
        gallery=len(gallery.names()),
        sandbox_workers=settings.sandbox_processes,
        admin_key=admin_key,
        services=tuple(ServiceState(s.name, s.title, s.configured(settings), s.required) for s in SERVICES.values()),
        claim_code=claim_code,
    )


def _where(settings: Settings) -> str:
    """Say which database it is, without its password."""
    if url := _url(settings):
        parsed = make_url(url)
        return f"PostgreSQL at {parsed.host or 'a socket'}/{parsed.database}"
    folder = settings.data_dir
    return f"SQLite in {folder if folder.is_absolute() else f'./{folder}'}"


async def database_of(settings: Settings) -> Database:
    """Open the database alone, for a command that needs nothing else (`ccb db upgrade`)."""
    return await open_database(_url(settings), settings.data_dir)
