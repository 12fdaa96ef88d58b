"""Sessions of the dashboard on both databases: as long as their key is good, and links that work once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa

from core import audit, auth, sessions
from core.actors import LOCAL, SYSTEM
from core.auth import ApiKey
from core.context import Context
from core.errors import Unauthenticated
from storage import sessions as rows
from storage.db import Database
from tests.contexts import MovableClock, context

Issue = Callable[..., Awaitable[tuple[ApiKey, str]]]


@pytest.fixture
def ctx(db: Database, clock: MovableClock) -> Context:
    return context(db=db, clock=clock)


async def _key(ctx: Context, *, expires_at: float | None = None) -> tuple[ApiKey, str]:
    return await auth.issue(ctx, actor=SYSTEM, name="ops", permissions=["metrics.read"], expires_at=expires_at)


async def test_a_session_is_as_good_as_its_key(ctx: Context, clock: MovableClock) -> None:
    key, plain = await _key(ctx, expires_at=clock.now() + 3600)
    _, revoked = await sessions.sign_in(ctx, f" {plain}\n")
    assert await sessions.who(ctx, revoked) == key.actor
    assert await sessions.who(ctx, revoked + "x") is None and await sessions.who(ctx, "") is None

    await auth.change(ctx, key.id, actor=SYSTEM, permissions=["events.read"])
    changed = await sessions.who(ctx, revoked)
    assert changed is not None and changed.permissions == {"events.read"}
    clock.move(3600)
    assert await sessions.who(ctx, revoked) is None  # the key has expired
    await auth.change(ctx, key.id, actor=SYSTEM, expires_at=None)
    assert await sessions.who(ctx, revoked) is not None
    await auth.revoke(ctx, key.id, actor=SYSTEM)
    assert await sessions.who(ctx, revoked) is None


async def test_a_rotation_ends_the_sessions_and_the_former_text_opens_none(ctx: Context) -> None:
    key, plain = await _key(ctx)
    actor, secret = await sessions.sign_in(ctx, plain)
    link, _ = await sessions.offer_link(ctx, actor=actor, key=plain)
    _, new = await auth.rotate(ctx, key.id, actor=SYSTEM)
    assert await sessions.who(ctx, secret) is None
    for refused in (
        sessions.sign_in(ctx, plain),
        sessions.offer_link(ctx, actor=actor, key=plain),
        sessions.follow_link(ctx, link),
    ):
        with pytest.raises(Unauthenticated):
            await refused
    _, again = await sessions.sign_in(ctx, new)
    assert await sessions.who(ctx, again) is not None


async def test_whatever_is_wrong_with_a_key_is_said_in_the_same_words(ctx: Context) -> None:
    key, plain = await _key(ctx)
    await auth.revoke(ctx, key.id, actor=SYSTEM)
    said = set()
    for wrong in (plain, plain[:-1], "", "ghp_x", auth.new_key(), "a\udcff", "Bearer x"):
        with pytest.raises(Unauthenticated) as refused:
            await sessions.sign_in(ctx, wrong)
        said.add(str(refused.value))
    assert len(said) == 1


async def test_a_link_works_once_for_five_minutes(ctx: Context, clock: MovableClock) -> None:
    link, expires_at = await sessions.offer_link(ctx, actor=LOCAL, key=None)
    assert expires_at == clock.now() + 300
    tried = await asyncio.gather(*(sessions.follow_link(ctx, link) for _ in range(5)), return_exceptions=True)
    good = [one for one in tried if not isinstance(one, BaseException)]
    assert len(good) == 1 and [type(one) for one in tried].count(Unauthenticated) == 4
    assert good[0][0] == LOCAL and await sessions.who(ctx, good[0][1]) == LOCAL

    late, _ = await sessions.offer_link(ctx, actor=LOCAL, key=None)
    clock.move(300)
    with pytest.raises(Unauthenticated):
        await sessions.follow_link(ctx, late)


async def test_a_session_ends_unused_at_last_and_by_signing_out(ctx: Context, clock: MovableClock) -> None:
    _, plain = await _key(ctx)
    _, idle = await sessions.sign_in(ctx, plain)
    actor, used = await sessions.sign_in(ctx, plain)
    _, left = await sessions.sign_in(ctx, plain)
    await sessions.sign_out(ctx, left, actor=actor)
    assert await sessions.who(ctx, left) is None
    for _ in range(13):
        clock.move(sessions.IDLE_SECONDS - 1)
        assert await sessions.who(ctx, used) is not None
        assert await sessions.who(ctx, idle) is None or clock.now() < 1_700_000_000 + sessions.IDLE_SECONDS
        idle = "" if idle else idle
    clock.move(sessions.LONGEST_SECONDS)
    assert await sessions.who(ctx, used) is None


async def test_what_is_over_is_deleted_and_nothing_secret_is_stored(ctx: Context, clock: MovableClock) -> None:
    _, plain = await _key(ctx)
    _, old = await sessions.sign_in(ctx, plain)
    link, _ = await sessions.offer_link(ctx, actor=LOCAL, key=None)
    clock.move(sessions.IDLE_SECONDS)
    _, young = await sessions.sign_in(ctx, plain)
    fresh, _ = await sessions.offer_link(ctx, actor=LOCAL, key=None)

    def count(connection: sa.Connection) -> list[str]:
        return [row.hash for table in (rows.SESSIONS, rows.LINKS) for row in connection.execute(table.select())]

    kept = await ctx.db.read(count)
    assert len(kept) == 4 and not {old, young, link, fresh} & set(kept)
    await sessions.forget(ctx)
    assert len(await ctx.db.read(count)) == 2
    assert await sessions.who(ctx, young) is not None and await sessions.follow_link(ctx, fresh)

    entries = await audit.newest(ctx)
    assert {"dashboard.signed_in", "dashboard.link_made"} <= {entry.action for entry in entries}
    assert not any(secret in str(entries) for secret in (plain, old, young, link, fresh))
