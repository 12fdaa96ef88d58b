"""The process that tells services through apprise: it sees one address at a time, and reaches what it is allowed to.

Its guard is an audit hook of Python (PEP 578): whatever library makes a connection, the address is checked where the
socket connects, after names are resolved.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import resource
import socket
import ssl
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

import requests
import requests.sessions
import urllib3

from core.aside.serving import serve
from core.outbound import addresses

MEMORY = 1 << 30
"""Bytes of address space: an answer without an end ends here."""
MOST_SAID = 2_000


@dataclass
class Outcome:
    """What became of one message. `kind`: what it failed of."""

    ok: bool = False
    kind: str = ""
    """`address`, `refused`, `status`, `redirect`, `late`, `name`, `tls`, `connection`; "" where only apprise knows."""
    where: str = ""
    """Scheme, host and port of the last request."""
    reached: str = ""
    """The address that was refused."""
    status: int = 0
    retry_after: str = ""
    said: str = ""
    logged: list[str] = field(default_factory=list)


@dataclass
class _Turn:
    """The message that is being sent, for the hook and the session."""

    allowed: addresses.Allowed = field(default_factory=addresses.Allowed)
    seconds: float = 10.0
    listed: bool = False
    outcome: Outcome = field(default_factory=Outcome)


_turn = _Turn()


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a connection to an address that is neither public nor allowed; for `sys.addaudithook`."""
    if event == "socket.getaddrinfo":
        host, port = arguments[0], arguments[1]
        name = host.decode() if isinstance(host, bytes) else str(host)
        _turn.listed = (name.rstrip(".").lower(), int(port or 0)) in _turn.allowed.places
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        peer = arguments[1]
        address = addresses.meant(peer[0]) if isinstance(peer, tuple) else None
        if address is None or not (_turn.listed or _turn.allowed.covers(address) or addresses.public(address)):
            _turn.outcome.reached = str(peer[0]) if isinstance(peer, tuple) else "a local socket"
            raise PermissionError("address not allowed")
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"):
        raise PermissionError("nothing is started from here")


class Session(requests.Session):
    """A session without proxies, `~/.netrc` and redirects, that remembers what it was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send, and keep what is needed to say what became of it."""
        url = addresses.read(str(request.url))
        outcome = _turn.outcome
        outcome.where, outcome.kind = f"{url.scheme}://{url.host_port_subcomponent}", ""
        bundle = os.environ.get("SSL_CERT_FILE")
        options |= {"allow_redirects": False, "timeout": _turn.seconds, "proxies": {}}
        if bundle and options.get("verify") is True:
            options["verify"] = bundle
        try:
            response = super().send(request, **options)
        except requests.RequestException as error:
            outcome.kind, outcome.said = _cause(error)
            raise
        outcome.status = response.status_code
        outcome.retry_after = response.headers.get("Retry-After", "")
        if response.is_redirect or response.status_code in (300, 304):
            outcome.kind = "redirect"
        elif response.status_code >= 400:
            outcome.kind, outcome.said = "status", response.text[:MOST_SAID]
        return response


def _cause(error: BaseException) -> tuple[str, str]:
    """Return the kind and the words of what lies at the bottom of an error; urllib3's own texts quote the URL."""
    if _turn.outcome.reached:
        return "refused", ""
    seen: set[int] = set()
    found: list[BaseException] = [error]
    while found:
        one = found.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        match one:
            case requests.Timeout() | urllib3.exceptions.ReadTimeoutError() | TimeoutError():
                return "late", ""
            case socket.gaierror():
                return "name", one.strerror or ""
            case ssl.SSLCertVerificationError():
                return "tls", one.verify_message
            case ssl.SSLError():
                return "tls", one.reason or "TLS"
            case OSError() if one.strerror and not isinstance(one, requests.RequestException):
                return "connection", one.strerror
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        found += [part for part in inner if isinstance(part, BaseException)]
    return "connection", ""


class _Lines(logging.Handler):
    """Keeps what apprise logs from a warning on: its reasons are told in no other way."""

    def emit(self, record: logging.LogRecord) -> None:
        _turn.outcome.logged.append(record.getMessage()[:300])


def notify(message: bytes) -> bytes:
    """Send one message (JSON: url, title, body, type, allow, seconds, picture, check); return the `Outcome` as JSON."""
    wish = json.loads(message)
    _turn.allowed = addresses.parse_allowed(wish["allow"])
    _turn.seconds, _turn.listed, _turn.outcome = wish["seconds"], False, Outcome()
    _send(wish)
    return json.dumps(asdict(_turn.outcome)).encode()


def _send(wish: dict[str, Any]) -> None:
    import apprise  # half a second: only this process pays it
    from apprise.attachment.memory import AttachMemory

    asset = apprise.AppriseAsset(
        app_id="Claude Code Bot", app_desc="Claude Code Bot", app_url="", image_url_mask="", image_url_logo="",
        image_path_mask="", plugin_paths=[], async_mode=False, secure_logging=True, http_redirects=False,
    )  # fmt: skip
    plugin = apprise.Apprise.instantiate(wish["url"], asset=asset)
    if plugin is None:
        _turn.outcome.kind = "address"
        return
    if wish["check"]:
        _turn.outcome.ok = True
        return
    picture = wish.get("picture")
    attached: list[Any] | None = None
    if picture and plugin.attachment_support:
        memory: Any = AttachMemory  # apprise has no types there
        attached = [memory(base64.b64decode(picture), name="chart.png", mimetype="image/png")]
    _turn.outcome.ok = bool(
        plugin.notify(
            body=wish["body"], title=wish["title"], notify_type=apprise.NotifyType(wish["type"]), attach=attached
        )
    )


def main() -> None:
    """Close every other way out, then serve."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    requests.Session = requests.sessions.Session = Session  # type: ignore[misc]  # apprise asks for it by this name
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.setLevel(logging.WARNING)
    logger.addHandler(_Lines())
    sys.addaudithook(watch)
    serve(notify)


if __name__ == "__main__":
    main()
