"""The way out: one guard for every request that handlers, alerts and checks send.

The address is checked where the socket is made, after names are resolved, for every address that is tried: neither an
address written in a URL, nor a DNS answer that changes between check and use, gets past it.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from core import VERSION
from core.errors import CcbError, Denied, Invalid, Upstream
from core.outbound import addresses
from core.texts import T

MAX_ANSWER = 1024 * 1024
"""Bytes of an answer that are read; the rest is left."""
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OF_A_BODY = ("Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-Length")


@dataclass(frozen=True)
class Answer:
    """What a server answered; `truncated` when its body was longer than what was read."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    truncated: bool

    @property
    def text(self) -> str:
        """The body as UTF-8, with what is not UTF-8 replaced."""
        return self.body.decode("utf-8", "replace")


@dataclass
class _Attempt:
    """What the socket factory must know of the request it makes a socket for, and what it found."""

    listed: bool
    tried: bool = False
    refused: list[str] = field(default_factory=list)


# The connector calls the factory with an address alone. Its tasks inherit the context of the request that they serve.
_attempt: ContextVar[_Attempt] = ContextVar("attempt")


class Outbound:
    """The guarded HTTP client. Connections are kept alive and shared by all requests to one host and port."""

    def __init__(self, allow: Sequence[str] = (), *, resolver: AbstractResolver | None = None) -> None:
        """`allow`: CCB_OUTBOUND_ALLOW; raises `Invalid` for a wrong entry. `resolver`: in place of the system's."""
        self._allowed = addresses.parse_allowed(allow)
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the client in the running event loop."""
        connector = aiohttp.TCPConnector(
            limit=0,  # the workers' slots are the limit; one here would let a slow host starve the others
            resolver=self._resolver,
            socket_factory=self._socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": f"claude-code-bot/{VERSION}"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # `request` has one for the whole
            trust_env=False,  # neither proxies nor ~/.netrc of the machine
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = 10,
        max_answer: int = MAX_ANSWER,
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Redirects are followed on the same scheme, host and port only. `timeout`: seconds for all of it. `max_answer`:
        bytes of the body to read. Raises `Invalid` (not an address), `Denied` (an address that is not public) or
        `Upstream` (no answer). No error names more of the URL than its scheme, host and port: paths and queries of
        webhooks are often secret.
        """
        target = parse_url(url)
        attempt = _Attempt(listed=addresses.place_of(target) in self._allowed.places)
        token = _attempt.set(attempt)
        try:
            async with asyncio.timeout(timeout):
                return await self._follow(method, target, CIMultiDict(headers or {}), body, max_answer)
        except TimeoutError:
            raise Upstream(
                T("{where} did not answer within {seconds} s.", where=_where(target), seconds=f"{timeout:g}")
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            if attempt.refused and not attempt.tried:
                raise _refusal(target, attempt.refused[0]) from None
            raise _translated(error, target) from None
        finally:
            _attempt.reset(token)

    async def _follow(
        self, method: str, url: URL, headers: CIMultiDict[str], body: bytes | None, max_answer: int
    ) -> Answer:
        assert self._session is not None, "Outbound is not started"
        origin = url.origin()
        for _ in range(MAX_REDIRECTS + 1):
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or location is None:
                    content, truncated = await _read(response, max_answer)
                    return Answer(response.status, response.headers, content, truncated)
                url = _redirected(url, location, permanent=response.status in (301, 308))
            # RFC 9110 §15.4: 303 turns every method into GET, 301 and 302 turn POST into it, 307 and 308 keep all.
            if (response.status == 303 and method != "HEAD") or (response.status in (301, 302) and method == "POST"):
                method, body = "GET", None
                for name in _OF_A_BODY:
                    headers.popall(name, None)
        raise Upstream(T("{where} redirected more than {count} times.", where=_where(origin), count=MAX_REDIRECTS))

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Make the socket for one entry as of `getaddrinfo`, or raise the OSError after which the next is tried."""
        family, kind, protocol, _, peer = info
        attempt = _attempt.get()
        address = addresses.meant(peer[0])
        # What is not an address would be resolved once more on connecting, unseen.
        if address is None or not (attempt.listed or self._allowed.covers(address) or addresses.public(address)):
            attempt.refused.append(peer[0])
            raise PermissionError(errno.EACCES, "address not allowed")
        attempt.tried = True
        return socket.socket(family, kind, protocol)


def parse_url(url: str) -> URL:
    """Return `url` parsed; raise `Invalid` unless it is http(s) with a host and without a user name or password."""
    try:
        parsed = addresses.read(url)
    except ValueError:
        raise _not_a_url(T("it cannot be read")) from None
    if parsed.scheme not in ("http", "https"):
        raise _not_a_url(T("it must begin with http:// or https://"))
    if not parsed.raw_host:
        raise _not_a_url(T("it has no host"))
    if parsed.raw_user is not None or parsed.raw_password is not None:
        raise _not_a_url(T("a user name or password may not stand in it; send them in a header"))
    return parsed


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            response.close()
            return bytes(body[:limit]), True
    return bytes(body), False


def _redirected(url: URL, location: str, *, permanent: bool) -> URL:
    try:
        target = url.join(addresses.read(location))
        same = target.origin() == url.origin() and target.raw_user is None
    except ValueError:
        raise Upstream(T("{where} redirects to what is not an address.", where=_where(url))) from None
    if not same:
        raise Upstream(
            T(
                "{where} redirects to {other}. Redirects to another place are not followed: ask there directly.",
                where=_where(url),
                other=_where(target),
            ),
            permanent=permanent,
        )
    return target


def _where(url: URL) -> str:
    return f"{url.scheme}://{url.host_port_subcomponent}"


def _not_a_url(reason: Any) -> Invalid:
    return Invalid(T("This is not an address to send to: {reason}.", reason=reason), field="url")


def _refusal(url: URL, address: str) -> Denied:
    host, port = addresses.place_of(url)
    host = f"[{host}]" if ":" in host else host
    return Denied(
        T(
            "{host} leads to {address}, which is not a public address. "
            "Whoever runs the engine can allow it: add {entry} to {setting}.",
            host=host,
            address=address,
            entry=f"{host}:{port}",
            setting=addresses.SETTING,
        ),
        error="Address not allowed",
        host=host,
        address=address,
        setting=addresses.SETTING,
    )


def _translated(error: aiohttp.ClientError | OSError, url: URL) -> CcbError:
    """Return what happened in plain words; aiohttp's own texts quote the URL."""
    where = _where(url)
    match error:
        case aiohttp.InvalidURL():
            return _not_a_url(T("{host} is not a host", host=url.raw_host))
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or type(error.certificate_error).__name__
            return Upstream(T("The TLS certificate of {where} is not valid: {reason}.", where=where, reason=reason))
        case aiohttp.ClientConnectorSSLError():
            reason = getattr(error.os_error, "reason", None) or "TLS"
            return Upstream(T("No TLS connection to {where}: {reason}.", where=where, reason=reason))
        case aiohttp.ClientConnectorDNSError():
            return Upstream(
                T("The name {host} cannot be resolved: {reason}.", host=url.host, reason=_reason(error.os_error))
            )
        case aiohttp.ClientConnectorError():
            return Upstream(T("No connection to {where}: {reason}.", where=where, reason=_reason(error.os_error)))
        case _:
            return Upstream(T("{where} broke off before its answer was complete.", where=where))


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).partition("\n")[0]
