from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core import auth
from core.auth import LOCAL, PERMISSIONS, ROLES, SYSTEM, Actor
from core.context import Context
from core.errors import Conflict, Denied, Invalid, Malformed, NotFound, Unauthenticated
from core.memo import Memo
from storage import api_keys as rows
from storage.db import Database, open_database
from tests import templates
from tests.contexts import MovableClock, context, settings

OWN_KEY = "ccb_my-own-key-0123456789-0123456789-abc"


@pytest.fixture
async def ctx(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Context]:
    templates.sqlite_in(tmp_path)
    db = await open_database(None, tmp_path)
    yield context(clock=clock, db=db)
    await db.close()


def another_node(ctx: Context) -> Context:
    return replace(ctx, memo=Memo())


def started_with(ctx: Context, key: str | None) -> Context:
    return replace(ctx, memo=Memo(), settings=settings(CCB_ADMIN_KEY=key) if key else settings())


def bearer(plain: str) -> str:
    return f"Bearer {plain}"


async def kept(db: Database, key_id: str) -> rows.ApiKeyRow:
    row = await db.read(rows.get, key_id)
    assert row is not None
    return row


def test_a_new_key_has_the_form_and_carries_256_bits() -> None:
    keys = {auth.new_key() for _ in range(200)}
    assert len(keys) == 200
    for key in keys:
        assert key.startswith("ccb_") and len(key) == 53 and key[4:].isalnum() and key.isascii()
        assert auth.is_well_formed(key)


def test_the_checksum_is_crc32_in_base_62() -> None:
    # crc32("ccb_000…") = 1486135162 = 1·62⁵ + 38·62⁴ + 35·62³ + 41·62² + 39·62 + 60
    body = "ccb_" + "0" * 43
    assert auth.is_well_formed(body + "1cZfdy")
    assert not auth.is_well_formed(body + "1cZfdz")


@given(st.integers(0, 52), st.sampled_from("0aZz_-é\udcff "))
def test_one_wrong_character_is_noticed(place: int, character: str) -> None:
    key = auth.new_key()
    if key[place] != character:
        assert not auth.is_well_formed(key[:place] + character + key[place + 1 :])


@given(st.text(max_size=80))
def test_any_text_can_be_asked_about(text: str) -> None:
    assert not auth.is_well_formed(text)


def test_roles_grow_and_only_admin_implies_everything() -> None:
    assert ROLES["viewer"] < ROLES["operator"]
    admin = Actor("slack", "U1", "ann", ROLES["admin"])
    assert all(admin.may(permission) for permission in PERMISSIONS)
    operator = Actor("slack", "U2", "bob", ROLES["operator"])
    assert operator.may("events.replay")
    assert not operator.may("integrations.activate") and not operator.may("tokens.read")


def test_denial_names_what_is_required_and_what_is_granted() -> None:
    actor = Actor("key", "key_1", "ci", frozenset({"events.read", "alerts.read"}))
    actor.require("events.read")
    with pytest.raises(Denied) as denied:
        actor.require("events.read", "events.replay")
    assert denied.value.details == {"required": ["events.replay"], "granted": ["alerts.read", "events.read"]}
    assert denied.value.error == "Insufficient permissions"


async def test_an_issued_key_lets_in_and_is_not_stored(ctx: Context) -> None:
    key, plain = await auth.issue(ctx, actor=LOCAL, name=" ci ", permissions=["events.read", "events.read"])
    actor = await auth.authenticate(ctx, bearer(plain))
    assert actor == Actor("key", key.id, "ci", frozenset({"events.read"}))
    assert (key.prefix, key.origin, key.created_by) == (plain[:8], "made", "local")
    row = await kept(ctx.db, key.id)
    assert plain not in repr(row.model_dump())


@pytest.mark.parametrize(
    ("header", "kind", "said"),
    [
        (None, Unauthenticated, "No API key was sent"),
        ("ccb_1234567890abcdef", Malformed, "`Bearer` is missing"),
        ("token ccb_1234567890abcdef", Malformed, "must have the form"),
        ("Basic dXNlcjpwYXNz", Malformed, "must have the form"),
        ("Bearer", Malformed, "must have the form"),
        ("", Malformed, "must have the form"),
        ("Bearer ghp_abcdef", Unauthenticated, "another service"),
        ("Bearer ccb_1234567890abcdef", Unauthenticated, "mistyped or cut off"),
        ("Bearer \udcff\udcfe", Unauthenticated, "another service"),
        pytest.param(bearer(auth.new_key()), Unauthenticated, "does not know", id="unknown"),
    ],
)
async def test_what_is_wrong_with_a_header_is_said(
    ctx: Context, header: str | None, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said) as refused:
        await auth.authenticate(ctx, header)
    assert header is None or "Bearer ccb_1" not in str(refused.value)


async def test_the_scheme_may_be_written_in_any_case(ctx: Context) -> None:
    _, plain = await auth.issue(ctx, actor=LOCAL, name="ci", permissions=["events.read"])
    assert (await auth.authenticate(ctx, f"bearer   {plain} ")).name == "ci"


async def test_an_expired_key_says_since_when(ctx: Context, clock: MovableClock) -> None:
    _, plain = await auth.issue(ctx, actor=LOCAL, name="ci", permissions=["events.read"], expires_at=clock.now() + 60)
    await auth.authenticate(ctx, bearer(plain))
    clock.move(60)
    with pytest.raises(Unauthenticated, match="expired on 2023-11-14 22:14 UTC"):
        await auth.authenticate(ctx, bearer(plain))


async def test_a_revoked_key_is_refused_at_once_here_and_at_the_latest_when_the_memory_ends_elsewhere(
    ctx: Context,
) -> None:
    other = another_node(ctx)
    key, plain = await auth.issue(ctx, actor=LOCAL, name="ci", permissions=["events.read"])
    for node in (ctx, other):
        await auth.authenticate(node, bearer(plain))
    revoked = await auth.revoke(ctx, key.id, actor=LOCAL)
    assert revoked.revoked_at == ctx.clock.now()
    with pytest.raises(Unauthenticated, match="was revoked on"):
        await auth.authenticate(ctx, bearer(plain))
    await auth.authenticate(other, bearer(plain))
    other.memo.drop("api keys")  # what five seconds do
    with pytest.raises(Unauthenticated, match="was revoked on"):
        await auth.authenticate(other, bearer(plain))


async def test_a_key_once_found_is_not_looked_up_again_for_a_while(ctx: Context) -> None:
    _, plain = await auth.issue(ctx, actor=LOCAL, name="ci", permissions=["events.read"])
    await auth.authenticate(ctx, bearer(plain))
    await ctx.db.write(lambda connection: connection.execute(sa.delete(rows.KEYS)).rowcount)
    assert (await auth.authenticate(ctx, bearer(plain))).name == "ci"


async def test_a_key_that_is_refused_is_not_remembered(ctx: Context) -> None:
    plain = auth.new_key()
    with pytest.raises(Unauthenticated):
        await auth.authenticate(ctx, bearer(plain))
    await auth.ensure_first_admin(started_with(ctx, plain))
    assert (await auth.authenticate(ctx, bearer(plain))).may("admin")


async def test_last_use_is_kept_to_the_minute(ctx: Context, clock: MovableClock) -> None:
    key, plain = await auth.issue(ctx, actor=LOCAL, name="ci", permissions=["events.read"])
    assert key.last_used_at is None
    first = clock.now()
    for _ in range(3):
        await auth.authenticate(ctx, bearer(plain))
        assert (await kept(ctx.db, key.id)).last_used_at == first
        clock.move(19)
    clock.move(3)
    await auth.authenticate(ctx, bearer(plain))
    assert (await kept(ctx.db, key.id)).last_used_at == first + 60


async def test_a_key_never_grants_what_it_does_not_hold(ctx: Context) -> None:
    actor = Actor("key", "key_1", "ci", frozenset({"tokens.write", "tokens.read", "events.read"}))
    key, _ = await auth.issue(ctx, actor=actor, name="less", permissions=["events.read"])
    for wanted in (["events.read", "events.replay"], ["admin"]):
        with pytest.raises(Denied) as denied:
            await auth.issue(ctx, actor=actor, name="more", permissions=wanted)
        assert denied.value.details["required"] == wanted[-1:]
        with pytest.raises(Denied):
            await auth.change(ctx, key.id, actor=actor, permissions=wanted)
    with pytest.raises(Denied):
        await auth.issue(ctx, actor=replace(actor, permissions=frozenset({"events.read"})), name="x",
                         permissions=["events.read"])  # fmt: skip
    assert [k.name for k in await auth.list_keys(ctx, actor=actor)] == ["less"]


@pytest.mark.parametrize(
    ("name", "permissions", "expires_in", "path"),
    [
        ("ci", ["events.read", "events.everything"], None, "permissions"),
        ("ci", [], None, "permissions"),
        ("  ", ["events.read"], None, "name"),
        ("n" * 101, ["events.read"], None, "name"),
        ("ci", ["events.read"], -1.0, "expires_at"),
    ],
)
async def test_a_wrong_wish_is_refused_by_field(
    ctx: Context, name: str, permissions: list[str], expires_in: float | None, path: str
) -> None:
    expires_at = None if expires_in is None else ctx.clock.now() + expires_in
    with pytest.raises(Invalid) as refused:
        await auth.issue(ctx, actor=LOCAL, name=name, permissions=permissions, expires_at=expires_at)
    assert refused.value.details["path"] == path
    if path == "permissions":
        assert refused.value.details["known"] == list(PERMISSIONS)


async def test_changing_a_key(ctx: Context) -> None:
    key, plain = await auth.issue(ctx, actor=LOCAL, name="ci", permissions=["events.read"])
    await auth.authenticate(ctx, bearer(plain))
    changed = await auth.change(ctx, key.id, actor=LOCAL, name="deploy", permissions=["logs.read"])
    assert (changed.name, changed.permissions) == ("deploy", frozenset({"logs.read"}))
    assert not (await auth.authenticate(ctx, bearer(plain))).may("events.read")
    await auth.revoke(ctx, key.id, actor=LOCAL)
    with pytest.raises(Conflict):
        await auth.change(ctx, key.id, actor=LOCAL, name="again")
    with pytest.raises(NotFound):
        await auth.change(ctx, "key_none", actor=LOCAL, name="again")
    with pytest.raises(NotFound):
        await auth.revoke(ctx, "key_none", actor=LOCAL)


async def test_revoking_twice_keeps_the_first_time(ctx: Context, clock: MovableClock) -> None:
    key, _ = await auth.issue(ctx, actor=LOCAL, name="ci", permissions=["events.read"])
    first = await auth.revoke(ctx, key.id, actor=LOCAL)
    clock.move(100)
    assert (await auth.revoke(ctx, key.id, actor=LOCAL)).revoked_at == first.revoked_at


async def test_everybody_may_see_their_own_key_and_no_other(ctx: Context) -> None:
    key, plain = await auth.issue(ctx, actor=LOCAL, name="ci", permissions=["events.read"])
    other, _ = await auth.issue(ctx, actor=LOCAL, name="other", permissions=["events.read"])
    actor = await auth.authenticate(ctx, bearer(plain))
    assert (await auth.get(ctx, key.id, actor=actor)).name == "ci"
    with pytest.raises(Denied):
        await auth.get(ctx, other.id, actor=actor)
    with pytest.raises(NotFound):
        await auth.get(ctx, "key_none", actor=LOCAL)


async def test_the_first_start_makes_one_admin_key_and_later_ones_none(ctx: Context, clock: MovableClock) -> None:
    plain = await auth.ensure_first_admin(ctx)
    assert plain is not None
    assert (await auth.authenticate(ctx, bearer(plain))).may("admin")
    assert await auth.ensure_first_admin(started_with(ctx, None)) is None
    (key,) = await auth.list_keys(ctx, actor=SYSTEM)
    await auth.revoke(ctx, key.id, actor=SYSTEM)
    again = await auth.ensure_first_admin(started_with(ctx, None))
    assert again is not None and again != plain


async def test_an_expired_admin_key_is_no_admin_key(ctx: Context, clock: MovableClock) -> None:
    await auth.issue(ctx, actor=SYSTEM, name="short", permissions=["admin"], expires_at=clock.now() + 60)
    await auth.issue(ctx, actor=SYSTEM, name="no admin", permissions=["tokens.write"])
    assert await auth.ensure_first_admin(ctx) is None
    clock.move(61)
    assert await auth.ensure_first_admin(ctx) is not None


async def test_a_key_of_ones_own_lets_in_though_it_has_another_form(ctx: Context) -> None:
    assert await auth.ensure_first_admin(started_with(ctx, OWN_KEY)) is None
    assert (await auth.authenticate(ctx, bearer(OWN_KEY))).may("backup.write")
    assert len(await auth.list_keys(ctx, actor=SYSTEM)) == 1


async def test_changing_and_removing_the_own_key_revokes_the_former(ctx: Context) -> None:
    changed = OWN_KEY[::-1].replace("_bcc", "") + "z"
    await auth.ensure_first_admin(started_with(ctx, OWN_KEY))
    await auth.ensure_first_admin(started_with(ctx, "ccb_" + changed))
    with pytest.raises(Unauthenticated, match="revoked"):
        await auth.authenticate(another_node(ctx), bearer(OWN_KEY))
    made = await auth.ensure_first_admin(started_with(ctx, None))
    assert made is not None, "nobody could get in any more"
    with pytest.raises(Unauthenticated, match="revoked"):
        await auth.authenticate(another_node(ctx), bearer("ccb_" + changed))
    await auth.ensure_first_admin(started_with(ctx, OWN_KEY))
    assert (await auth.authenticate(another_node(ctx), bearer(OWN_KEY))).may("admin")


async def test_removing_the_own_key_leaves_keys_made_here_alone(ctx: Context) -> None:
    await auth.ensure_first_admin(started_with(ctx, OWN_KEY))
    _, plain = await auth.issue(ctx, actor=SYSTEM, name="second", permissions=["admin"])
    assert await auth.ensure_first_admin(started_with(ctx, None)) is None
    assert (await auth.authenticate(another_node(ctx), bearer(plain))).may("admin")


async def test_a_made_key_may_become_the_own_one(ctx: Context) -> None:
    plain = await auth.ensure_first_admin(ctx)
    assert plain is not None
    await auth.ensure_first_admin(started_with(ctx, plain))
    (key,) = await auth.list_keys(ctx, actor=SYSTEM)
    assert key.origin == "environment"
    await auth.ensure_first_admin(started_with(ctx, OWN_KEY))
    with pytest.raises(Unauthenticated, match="revoked"):
        await auth.authenticate(another_node(ctx), bearer(plain))


async def test_the_own_key_is_changed_only_where_it_comes_from(ctx: Context) -> None:
    await auth.ensure_first_admin(started_with(ctx, OWN_KEY))
    (key,) = await auth.list_keys(ctx, actor=SYSTEM)
    with pytest.raises(Conflict, match="CCB_ADMIN_KEY"):
        await auth.revoke(ctx, key.id, actor=SYSTEM)
    with pytest.raises(Conflict, match="CCB_ADMIN_KEY"):
        await auth.change(ctx, key.id, actor=SYSTEM, permissions=["events.read"])
