"""The engine's own words: stored in English, read in any language."""

from __future__ import annotations

import pytest

from core import auth
from core.alerting import engine_words
from core.alerting.subjects import of_finding
from core.alerts.defaults import DEFAULTS
from core.quotas import Quota
from tests.core.alerting.house import RULE, House


@pytest.mark.parametrize("changed", [{"CCB_PUBLIC_URL": "http://127.0.0.1:9"}], ids=str)
async def test_all_that_the_engine_watches_is_known(quick_house: House) -> None:
    house = quick_house
    house.watch()
    now = house.clock.now()
    await auth.issue(
        house.ctx, actor=auth.SYSTEM, name="ci {x} [*] $", permissions=("alerts.read",), expires_at=now + 15 * 86_400
    )
    for service in ("github", "claude"):
        house.ctx.quotas.hear(service, "key", Quota(5, 100, now + 60, kind="tokens"))
    forward = await house.install({**RULE, "notification_channels": ["slack://random"]})
    await house.count(forward, dead=10)
    await house.look()
    await house.tell(40)
    await house.watcher.refresh()
    subjects = [of_finding(one) for one in house.watcher.findings or ()]
    assert len({subject.name for subject in subjects}) >= 7
    for subject in subjects:
        for stored in filter(None, (subject.name, subject.condition, subject.description)):
            read = engine_words.spoken(stored)
            assert str(read) == stored and read.message != "{text}", stored


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ("it expires in 14 days or less", "it expires in {count} day or less"),
        ("it expires in 0 days or less", "it expires in 0 days or less"),
        ("Key expiry: Disk quota", "Key expiry: {name}"),
        ("Channel jsons://hooks.example.com/••••3fa9c1", "Channel {channel}"),
        ("Call {the} team", "{text}"),
    ],
)
def test_which_text_it_is(stored: str, message: str) -> None:
    assert engine_words.spoken(stored).message == message and str(engine_words.spoken(stored)) == stored


@pytest.mark.parametrize(
    ("stored", "russian"),
    [
        ("the newest good backup is older than 26 h", "последняя удачная резервная копия старше 26 ч"),
        ("less than 1 GB is free in the data folder", "в папке данных свободно меньше 1 ГБ"),
        ("less than 100 MB is free in the data folder", "в папке данных свободно меньше 100 МБ"),
    ],
)
def test_measures_in_it_are_read_too(stored: str, russian: str) -> None:
    assert engine_words.spoken(stored).render("ru") == russian and str(engine_words.spoken(stored)) == stored


def test_days_in_it_are_counted() -> None:
    read = engine_words.spoken("the newest good backup is older than 3 days")
    assert (read.message, read.count) == ("the newest good backup is older than {count} day", 3)
    assert str(read) == "the newest good backup is older than 3 days"


def test_the_advice_of_the_rules_that_each_integration_has_is_the_engines_too() -> None:
    for rule in DEFAULTS:
        assert engine_words.spoken(rule.description).message == rule.description
