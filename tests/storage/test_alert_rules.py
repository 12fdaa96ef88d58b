from __future__ import annotations

from typing import Any

from storage import alert_rules
from storage.db import Database


def rule(id_: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id_, "name": name, "condition": "failed > 3", "channels": '["slack"]', "severity": "warning",
        "description": "", **more,
    }  # fmt: skip


async def put(db: Database, now: float, *rules: dict[str, Any], of: str = "int_1") -> Any:
    return await db.write(alert_rules.replace, of, rules, now=now)


async def test_they_keep_their_order_and_belong_to_one_integration(db: Database) -> None:
    await put(db, 1.0, rule("alr_2", "b"), rule("alr_1", "a"))
    await put(db, 1.0, rule("alr_3", "a"), of="int_2")
    assert [(r.id, r.name) for r in await db.read(alert_rules.all_of, "int_1")] == [("alr_2", "b"), ("alr_1", "a")]
    assert [(r.id, r.name) for r in await db.read(alert_rules.all_of, "int_2")] == [("alr_3", "a")]
    assert await put(db, 2.0) == []
    assert len(await db.read(alert_rules.all_of, "int_2")) == 1


async def test_a_name_that_stays_keeps_its_id(db: Database) -> None:
    await put(db, 1.0, rule("alr_1", "same"), rule("alr_2", "changed"), rule("alr_3", "gone"))
    found = await put(
        db, 2.0, rule("alr_4", "changed", condition="failed > 4"), rule("alr_5", "new"), rule("alr_6", "same")
    )
    assert [(r.id, r.name, r.condition, r.created_at, r.updated_at) for r in found] == [
        ("alr_2", "changed", "failed > 4", 1.0, 2.0),
        ("alr_5", "new", "failed > 3", 2.0, 2.0),
        ("alr_1", "same", "failed > 3", 1.0, 1.0),
    ]


async def test_a_rule_can_be_renamed_and_nobody_overwrites_what_they_have_not_seen(db: Database) -> None:
    await put(db, 1.0, rule("alr_1", "a"), rule("alr_2", "b"))
    seen = [("alr_1", 1.0), ("alr_2", 1.0)]
    renamed = [rule("alr_1", "c"), rule("alr_2", "b")]
    kept = await db.write(alert_rules.replace, "int_1", renamed, now=2.0, seen=seen)
    assert kept is not None
    assert [(r.id, r.name, r.created_at, r.updated_at) for r in kept] == [("alr_1", "c", 1, 2), ("alr_2", "b", 1, 1)]
    assert await db.write(alert_rules.replace, "int_1", [], now=3.0, seen=seen) is None
    assert len(await db.read(alert_rules.all_of, "int_1")) == 2
