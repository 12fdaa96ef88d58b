"""Addresses of channels: what is taken, in which form it is kept, and what is said of a wrong one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import channels
from core.channels import CHANNELS, Target
from core.errors import Invalid, NotConfigured
from tests.contexts import settings


@pytest.mark.parametrize(
    ("address", "target", "shown"),
    [
        ("slack", Target("slack", ()), "slack"),
        ("slack://dev-alerts", Target("slack", ("dev-alerts",)), "slack://dev-alerts"),
        ("slack://#dev_alerts", Target("slack", ("dev_alerts",)), "slack://dev_alerts"),
        ("slack://C0DEPLOYS", Target("slack", ("C0DEPLOYS",)), "slack://C0DEPLOYS"),
        ("slack://тревоги", Target("slack", ("тревоги",)), "slack://тревоги"),
        ("email", Target("email", ()), "email"),
        ("email://a@b.example", Target("email", ("a@b.example",)), "email://a@b.example"),
        (
            "email://a@b.example, c@d.example,a@b.example",
            Target("email", ("a@b.example", "c@d.example")),
            "email://a@b.example,c@d.example",
        ),
    ],
)
def test_addresses(address: str, target: Target, shown: str) -> None:
    assert channels.parse(address) == target
    assert str(target) == shown
    assert channels.parse(shown) == target


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("pager://me", "no channel called 'pager'. Known: discord, email"),
        ("", "Known: discord, email"),
        ("dev-alerts", "Known: discord, email"),
        ("Slack://dev", "Known: discord, email"),
        ("slack:dev", "Known: discord, email"),
        ("slack://", "slack://dev-alerts"),
        ("slack://Dev Alerts", "lower-case"),
        ("slack://dev.alerts", "lower-case"),
        ("slack://" + "x" * 81, "lower-case"),
        ("email://", "email://team@example.com"),
        ("email://team", "'team' is no e-mail address"),
        ("email://a@b.example,", "'' is no e-mail address"),
        ("email://Team <a@b.example>", "without a name"),
        ("email://a@b.example\r\nBcc: c@d.example", "no e-mail address"),
        ("email://" + ",".join(f"a{n}@b.example" for n in range(21)), "at most 20"),
        ("email://" + "a" * 500, "at most 500 characters"),
    ],
)
def test_wrong_addresses_are_answered_with_the_form(address: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        channels.parse(address)
    assert said in str(caught.value)


@given(
    st.one_of(
        st.text(max_size=30), st.sampled_from(["slack://", "email://"]).flatmap(lambda s: st.text().map(s.__add__))
    )
)
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        target = channels.parse(text)
    except Invalid:
        return
    assert channels.parse(str(target)) == target


@pytest.mark.parametrize("channel", [kind.name for kind in CHANNELS if kind.setting])
def test_the_channel_alone_takes_the_settings_place(channel: str) -> None:
    kind = CHANNELS.get(channel)
    target = kind.parse(channel)
    with pytest.raises(NotConfigured) as caught:
        kind.resolved(settings(), target)
    assert caught.value.settings == (kind.setting,)
    assert kind.form in str(caught.value)
    where = kind.form.partition("://")[2]
    for value in (where, kind.form):
        assert kind.resolved(settings(**{kind.setting: value}), target) == (where,)
    with pytest.raises(Invalid, match=kind.setting):
        kind.resolved(settings(**{kind.setting: "No Place"}), target)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", []),
        (" , ;\n", []),
        ("slack", ["slack"]),
        ("slack,email", ["slack", "email"]),
        ("slack://deploys\r\nemail://a@b.example;email", ["slack://deploys", "email://a@b.example", "email"]),
        ("slack://deploys,signl4://secret", ["slack://deploys", "signl4://secret"]),
        ("email://a@b.example, c@d.example,slack", ["email://a@b.example,c@d.example", "slack"]),
        ("slack://dev alerts", ["slack://dev", "alerts"]),
    ],
)
def test_several_addresses_in_one_field(typed: str, found: list[str]) -> None:
    assert channels.addresses(typed) == found


@given(st.lists(st.sampled_from(["slack", "slack://a", "email://a@b.example,c@d.example", "json://me:pa,ss@host/x"])))
def test_what_is_written_is_read(given: list[str]) -> None:
    for between in (", ", ",", "\n", " ; "):
        assert channels.addresses(between.join(given)) == given
