"""Which addresses may be reached: public ones, and the private ones that the operator listed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

from core.errors import Invalid
from core.texts import T

SETTING = "CCB_OUTBOUND_ALLOW"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Not public, or not what they seem, whatever `is_global` of the running Python says: its tables differ by release
# (https://github.com/python/cpython/issues/113171, 124217).
# https://www.iana.org/assignments/iana-ipv4-special-registry, …/iana-ipv6-special-registry
_REFUSED: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598; 100.100.100.200 is a cloud's metadata service
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's host agent, on an address that looks public
        "169.254.0.0/16",  # link-local, RFC 3927; 169.254.169.254 is the clouds' metadata service
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF assignments, RFC 6890; 192.0.0.192 is a cloud's metadata service
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays, withdrawn by RFC 7526
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",  # IETF assignments, Teredo among them, RFC 4380
        "2001:db8::/32",
        "2002::/16",  # 6to4 carries an IPv4 address, RFC 3056
        "3fff::/20",  # documentation, RFC 9637
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA has given out, RFC 4291 §2.4
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1
_HOST = re.compile(r"\[[0-9a-fA-F:.]+\]|[^\s\[\]/:?#@]+")


@dataclass(frozen=True)
class Allowed:
    """The setting, parsed: networks, and places `(host, port)`."""

    networks: tuple[Network, ...] = ()
    places: frozenset[tuple[str, int]] = frozenset()

    def covers(self, address: Address) -> bool:
        """Say whether `address` is in a listed network."""
        return any(address in network for network in self.networks)


def read(text: str) -> URL:
    """Return a URL or a part of one, parsed; raise `ValueError`."""
    try:
        url = URL(text)
    except IndexError:  # yarl's, for brackets before an @ with nothing after it
        raise ValueError("it has no host") from None
    if url.raw_host and ":" in url.raw_host and meant(url.raw_host) is None:
        raise ValueError("what stands in brackets is not an IPv6 address")
    return url


def parse_allowed(entries: Iterable[str]) -> Allowed:
    """Return the entries (`10.0.0.0/8`, `::1/128`, `jira.corp:443`) parsed; raise `Invalid` naming a wrong one."""
    networks: list[Network] = []
    places: set[tuple[str, int]] = set()
    for entry in entries:
        place = _place(entry)
        if place:
            places.add(place)
            continue
        try:
            networks.append(ip_network(entry))
        except ValueError as error:
            raise Invalid(
                T(
                    "{setting}: {entry} is neither a network such as 10.0.0.0/8 nor host:port ({reason}).",
                    setting=SETTING,
                    entry=repr(entry),
                    reason=str(error),
                ),
                setting=SETTING,
                entry=entry,
            ) from None
    return Allowed(tuple(networks), frozenset(places))


def place_of(url: URL) -> tuple[str, int]:
    """Return the host (lower case, IDNA, without a final dot) and the port of an http(s) URL."""
    return (url.raw_host or "").rstrip(".").lower(), url.port or 0


def meant(literal: str) -> Address | None:
    """Return the address that is reached by connecting to `literal`, or None when it is not an address.

    IPv4 addresses inside IPv6 (mapped, RFC 4291 §2.5.5.2; NAT64, RFC 6052) come out as IPv4.
    """
    try:
        address = ip_address(literal)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(address.packed[-4:])
    return address


def public(address: Address) -> bool:
    """Say whether `address` (as `meant` gives it) belongs to the public internet."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not any(address in network for network in _REFUSED)


def _place(entry: str) -> tuple[str, int] | None:
    host, _, port = entry.rpartition(":")
    if not _HOST.fullmatch(host) or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        return None
    try:
        return place_of(read(f"http://{entry}"))
    except ValueError:
        return None
