from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from storage import api_keys
from storage.db import Database


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"key_{number}", "name": "n", "hash": f"hash{number}", "prefix": "ccb_0000", "permissions": '["admin"]',
        "created_at": 100.0, "created_by": "test", "origin": "made", **more,
    }  # fmt: skip


async def test_keys_are_found_by_id_and_by_hash_and_listed_newest_first(db: Database) -> None:
    for number in (1, 2):
        await db.write(api_keys.add, row(number))
    found = await db.read(api_keys.by_hash, "hash2")
    assert found == await db.read(api_keys.get, "key_2")
    assert await db.read(api_keys.by_hash, "hash") is None
    assert [key.id for key in await db.read(api_keys.all_of_them)] == ["key_2", "key_1"]


async def test_a_hash_is_there_once(db: Database) -> None:
    await db.write(api_keys.add, row(1))
    with pytest.raises(sa.exc.IntegrityError):
        await db.write(api_keys.add, row(2, hash="hash1"))


async def test_touch_is_written_once_in_the_time_given(db: Database) -> None:
    await db.write(api_keys.add, row(1))
    for now, expected in ((100.0, 100.0), (159.0, 100.0), (160.0, 160.0)):
        await db.write(api_keys.touch, "key_1", now=now, unless_since=now - 60)
        found = await db.read(api_keys.get, "key_1")
        assert found is not None and found.last_used_at == expected


ENTRY = {"at": 5.0, "actor_kind": "key", "actor_id": "key_9", "actor_name": "n", "action": "token.revoked"}


async def test_what_is_revoked_stays_as_it_is(db: Database) -> None:
    await db.write(api_keys.add, row(1))
    await db.write(api_keys.change, "key_1", {"revoked_at": 5.0}, ENTRY)
    found = await db.write(api_keys.change, "key_1", {"revoked_at": 6.0, "name": "other"}, ENTRY)
    assert found is not None and (found.revoked_at, found.name) == (5.0, "n")
    assert await db.write(api_keys.change, "key_9", {"name": "other"}, ENTRY) is None


async def test_one_key_of_the_environment_at_a_time(db: Database) -> None:
    for number in (1, 2, 1):
        await db.write(api_keys.put_environment, row(number, origin="environment"))
    states = {key.id: key.revoked_at for key in await db.read(api_keys.all_of_them)}
    assert states == {"key_1": None, "key_2": 100.0}


@pytest.mark.parametrize(
    ("there", "added"),
    [
        ({}, False),
        ({"revoked_at": 1.0}, True),
        ({"expires_at": 100.0}, True),
        ({"expires_at": 100.5}, False),
        ({"permissions": '["tokens.write"]'}, True),
        ({"permissions": '["events.read","admin"]'}, False),
    ],
)
async def test_an_admin_key_is_added_only_where_none_is_usable(
    db: Database, there: dict[str, Any], added: bool
) -> None:
    await db.write(api_keys.add, row(1, **there))
    assert await db.write(api_keys.add_unless_admin, row(2)) is added
    assert (await db.read(api_keys.get, "key_2") is not None) is added
