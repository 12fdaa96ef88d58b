from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from core.errors import Invalid
from core.outbound.addresses import meant, parse_allowed, place_of, public


def _public(literal: str) -> bool:
    address = meant(literal)
    return address is not None and public(address)


@pytest.mark.parametrize(
    "literal",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.19.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_what_is_not_public_is_refused(literal: str) -> None:
    assert not _public(literal)


@pytest.mark.parametrize(
    "literal", ["1.1.1.1", "140.82.112.3", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2a00:1450::8a"]
)
def test_what_is_public_is_reached(literal: str) -> None:
    assert _public(literal)


@pytest.mark.parametrize("literal", ["localhost", "", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "1.1.1.1 "])
def test_what_is_not_an_address_means_none(literal: str) -> None:
    assert meant(literal) is None


@given(st.ip_addresses(v=4))
@example(IPv4Address("127.0.0.1"))
def test_an_ipv4_address_inside_ipv6_is_judged_as_itself(address: IPv4Address) -> None:
    assert meant(f"::ffff:{address}") == address
    assert meant(f"64:ff9b::{address}") == address
    assert not _public(f"::{address}")


@given(st.ip_addresses())
def test_nothing_that_python_calls_special_is_public(address: IPv4Address | IPv6Address) -> None:
    judged = meant(str(address))
    assert judged is not None
    if public(judged):
        special = (judged.is_private, judged.is_loopback, judged.is_link_local, judged.is_multicast, judged.is_reserved)
        assert not any(special)


def test_networks_and_places_are_told_apart() -> None:
    allowed = parse_allowed(["10.0.0.0/8", "::1/128", "127.0.0.1", "Jira.Corp.:443", "[::1]:9000", "пример.рф:80"])
    assert set(allowed.networks) == {ip_network("10.0.0.0/8"), ip_network("::1"), ip_network("127.0.0.1")}
    assert allowed.places == {("jira.corp", 443), ("::1", 9000), ("xn--e1afmkfd.xn--p1ai", 80)}
    assert allowed.covers(ip_address("10.9.9.9"))
    assert not allowed.covers(ip_address("11.0.0.1"))


@pytest.mark.parametrize(
    "entry",
    [
        "localhost",
        "10.0.0.1/8",
        "a:0",
        "a:65536",
        "a:b",
        "http://a:80",
        "a/b:80",
        "*",
        "",
        "u@h:80",
        "a:-1",
        "[]:80",
        "[:]:1",
    ],
)
def test_a_wrong_entry_is_named(entry: str) -> None:
    with pytest.raises(Invalid) as raised:
        parse_allowed(["10.0.0.0/8", entry])
    assert repr(entry) in str(raised.value)
    assert "CCB_OUTBOUND_ALLOW" in str(raised.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://A.Example./x", ("a.example", 80)),
        ("https://a.example", ("a.example", 443)),
        ("http://[::1]:8/", ("::1", 8)),
    ],
)
def test_the_place_of_a_url(url: str, place: tuple[str, int]) -> None:
    assert place_of(URL(url)) == place
