"""The address of a PostgreSQL: libpq's parameters, of which asyncpg knows some, and what becomes of the others.

The list is PostgreSQL 18's: https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS

What asyncpg does not know it would send to the server, which refuses the connection. So what changes nothing that
matters is left out, and what asks for a protection or a place that asyncpg cannot give is refused in words.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.engine import make_url

CONNECT_SECONDS = 8.0
"""How long a connection may take to be made, unless the address says so itself (`connect_timeout`)."""

LEFT_OUT = frozenset(
    {
        # how the connection is kept alive: what is silent for too long is given up anyway
        "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
        # what asyncpg decides by itself
        "client_encoding", "load_balance_hosts", "max_protocol_version", "sslcompression", "sslkeylogfile", "sslsni",
        "gssdelegation",
    }
)  # fmt: skip
"""Parameters that change nothing that matters here."""
HARMLESS: Mapping[str, frozenset[str]] = {
    "channel_binding": frozenset({"prefer", "disable"}),
    "gssencmode": frozenset({"prefer", "disable"}),
    "min_protocol_version": frozenset({"3.0"}),
    "replication": frozenset({"false", "off", "no", "0"}),
    "requiressl": frozenset({"0"}),
    "sslcertmode": frozenset({"allow", "disable"}),
    "hostaddr": frozenset(),
    "require_auth": frozenset(),
    "requirepeer": frozenset(),
    "servicefile": frozenset(),
    "sslcrldir": frozenset(),
    "scram_client_key": frozenset(),
    "scram_server_key": frozenset(),
    "oauth_issuer": frozenset(),
    "oauth_client_id": frozenset(),
    "oauth_client_secret": frozenset(),
    "oauth_scope": frozenset(),
}
"""Parameters that asyncpg cannot honour, and the values with which they may be left out all the same."""


class AddressError(ValueError):
    """The address asks for something that cannot be had; `setting` is its name."""

    def __init__(self, setting: str) -> None:
        super().__init__(f"{setting} cannot be honoured")
        self.setting = setting


def address(url: str) -> tuple[str, float]:
    """Return the address as asyncpg wants it, whatever form of postgres:// it has, and the seconds to connect in.

    Raises `AddressError` for a parameter that asks for what cannot be had.
    """
    parsed = make_url(url).set(drivername="postgresql")
    query = {name: value if isinstance(value, str) else value[-1] for name, value in parsed.query.items()}
    seconds = float(query.pop("connect_timeout", CONNECT_SECONDS))
    if "ssl" in query:
        query["sslmode"] = query.pop("ssl")
    fallback = query.pop("fallback_application_name", "")
    if fallback:
        query.setdefault("application_name", fallback)
    kept = {name: value for name, value in query.items() if not _left_out(name, value, query.get("sslmode", ""))}
    return parsed.set(query=kept).render_as_string(hide_password=False), seconds if seconds > 0 else CONNECT_SECONDS


def _left_out(name: str, value: str, sslmode: str) -> bool:
    """Say whether a parameter may be left out; raise `AddressError` when it may neither be left out nor passed on."""
    if name in LEFT_OUT:
        return True
    if name not in HARMLESS:
        return False
    # Channel binding proves whose server it is; so does its certificate, when the name in it is checked.
    if value in HARMLESS[name] or (name, value, sslmode) == ("channel_binding", "require", "verify-full"):
        return True
    raise AddressError(name)
