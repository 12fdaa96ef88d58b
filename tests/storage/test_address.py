"""What an address of PostgreSQL may say: all of libpq's parameters, each taken, left out, or refused by name."""

from __future__ import annotations

import pytest

from storage.address import CONNECT_SECONDS, AddressError, address

BASE = "postgresql://ccb:secret@db.internal/ccb"


@pytest.mark.parametrize(
    "settings",
    [
        "channel_binding=prefer",
        "channel_binding=disable",
        "channel_binding=require&sslmode=verify-full",
        "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=3&tcp_user_timeout=10000",
        "client_encoding=UTF8",
        "gssencmode=prefer",
        "load_balance_hosts=random",
        "sslsni=1",
    ],
)
def test_what_changes_nothing_is_left_out(settings: str) -> None:
    kept, _ = address(f"{BASE}?{settings}")
    assert kept in (BASE, f"{BASE}?sslmode=verify-full")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("sslmode=require", "sslmode=require"),
        ("ssl=require", "sslmode=require"),
        ("application_name=a", "application_name=a"),
        ("fallback_application_name=b", "application_name=b"),
        ("fallback_application_name=b&application_name=a", "application_name=a"),
        ("target_session_attrs=read-write", "target_session_attrs=read-write"),
        ("statement_timeout=1000", "statement_timeout=1000"),
    ],
)
def test_what_is_known_is_passed_on(given: str, kept: str) -> None:
    assert address(f"{BASE}?{given}")[0] == f"{BASE}?{kept}"


@pytest.mark.parametrize(
    "setting",
    [
        "channel_binding=require",
        "channel_binding=require&sslmode=require",
        "gssencmode=require",
        "hostaddr=10.0.0.1",
        "require_auth=scram-sha-256",
        "requirepeer=postgres",
        "sslcertmode=require",
        "sslcrldir=/crl",
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(setting: str) -> None:
    with pytest.raises(AddressError) as caught:
        address(f"{BASE}?{setting}")
    assert caught.value.setting == setting.partition("=")[0]
    assert "secret" not in str(caught.value)


def test_how_long_a_connection_may_take() -> None:
    assert [address(f"{BASE}{given}")[1] for given in ("", "?connect_timeout=3", "?connect_timeout=0")] == [
        CONNECT_SECONDS,
        3.0,
        CONNECT_SECONDS,
    ]
