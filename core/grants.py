"""Grants: a manifest's capabilities with the configuration filled in, fixed when somebody activates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from core.errors import Denied, Invalid
from core.manifest import FromConfig, Manifest
from core.outbound import addresses
from core.texts import T


class Grants(BaseModel):
    """What one installation may do. Hosts are `host` (ports 80 and 443) or `host:port`, in lower case."""

    model_config = ConfigDict(frozen=True)

    actions: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    repositories: frozenset[str] = frozenset()
    recipients: frozenset[str] = frozenset()
    secrets: dict[str, frozenset[str]] = Field(default_factory=dict)


def resolve(manifest: Manifest, config: Mapping[str, Any]) -> Grants:
    """Return the grants of `manifest` under `config`; a `$config` entry whose value is not set grants nothing."""
    wanted = manifest.capabilities
    return Grants(
        actions=frozenset(wanted.actions),
        hosts=_filled(wanted.hosts, config, host_of),
        channels=_filled(wanted.channels, config, str),
        repositories=_filled(wanted.repositories, config, str.lower),
        recipients=_filled(wanted.recipients, config, str.lower),
        secrets={name: _filled(hosts, config, host_of) for name, hosts in wanted.secrets.items()},
    )


def wider(approved: Grants, wanted: Grants) -> list[str]:
    """Return what `wanted` allows beyond `approved`, each as `list: entry`."""
    found = [
        f"{name}: {entry}"
        for name in ("actions", "hosts", "channels", "repositories", "recipients")
        for entry in sorted(getattr(wanted, name) - getattr(approved, name))
    ]
    for secret, hosts in sorted(wanted.secrets.items()):
        found += [f"secrets.{secret}: {host}" for host in sorted(hosts - approved.secrets.get(secret, frozenset()))]
    return found


def legible(manifest: Manifest, config: Mapping[str, Any]) -> tuple[Grants, Invalid | None]:
    """Return the grants as `resolve` does; where an address in `config` cannot be read the actions alone, and why."""
    try:
        return resolve(manifest, config), None
    except Invalid as error:
        return Grants(actions=frozenset(manifest.capabilities.actions)), error


def host_of(address: str) -> str:
    """Return `host` or `host:port` of a URL or a bare host, in lower case (IDNA); ports 80 and 443 are left out.

    Read by what the HTTP client reads it by, so that both mean the same host. Raises `Invalid`.
    """
    try:
        url = addresses.read(address if "//" in address else f"//{address}")
    except ValueError:
        raise Invalid(T("An address of a host cannot be read. Write host, host:port or a URL.")) from None
    host = (url.raw_host or "").rstrip(".").lower()
    host = f"[{host}]" if ":" in host else host
    return host if url.explicit_port in (None, 80, 443) else f"{host}:{url.explicit_port}"


def require(value: str, allowed: frozenset[str], *, noun: str) -> None:
    """Raise `Denied` unless `value` is granted; `noun` is the manifest's list that it is missing from."""
    if value not in allowed:
        raise Denied(
            T(
                "{value} is not among this integration's {noun} ({allowed}). "
                "Add it to capabilities.{noun} in integration.yaml and activate again.",
                value=repr(_short(value)),
                noun=noun,
                allowed=", ".join(sorted(allowed)) or "-",
            ),
            error="Not allowed by the manifest",
            list=noun,
            value=_short(value),
        )


def _short(value: str) -> str:
    return value if len(value) <= 200 else f"{value[:199]}…"


def _filled(entries: list[str | FromConfig], config: Mapping[str, Any], form: Any) -> frozenset[str]:
    values: list[str] = []
    for entry in entries:
        value = config.get(entry.key) if isinstance(entry, FromConfig) else entry
        values += [str(v) for v in value] if isinstance(value, list) else [str(value)] if value else []
    return frozenset(form(value) for value in values)
