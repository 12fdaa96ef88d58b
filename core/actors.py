"""Who asks, and what they may do: permissions, the roles that are sets of them, actors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from core.errors import Denied, Invalid
from core.texts import T

Permission = Literal[
    "integrations.read",
    "integrations.write",
    "integrations.activate",
    "events.read",
    "events.replay",
    "webhooks.receive",
    "alerts.read",
    "alerts.write",
    "metrics.read",
    "logs.read",
    "tokens.read",
    "tokens.write",
    "backup.read",
    "backup.write",
    "admin",
]
PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)

_VIEWER: Final[frozenset[Permission]] = frozenset(
    {"integrations.read", "events.read", "alerts.read", "metrics.read", "logs.read"}
)
ROLES: Final[Mapping[str, frozenset[Permission]]] = {
    "viewer": _VIEWER,
    "operator": _VIEWER | {"integrations.write", "events.replay", "alerts.write"},
    "admin": frozenset({"admin"}),
}
"""What a Slack user is maps to these. Activating fixes what an integration may reach, so it is an admin's."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: `id` is stable, `name` is for people and for the records of who did what."""

    kind: Literal["key", "local", "slack", "github", "system", "anonymous"]
    id: str
    name: str
    permissions: frozenset[Permission]

    def may(self, permission: Permission) -> bool:
        """Say whether the actor holds `permission`; `admin` implies all."""
        return permission in self.permissions or "admin" in self.permissions

    def require(self, *needed: Permission) -> None:
        """Raise `Denied`, which says what is `required` and what is `granted`, unless the actor holds all `needed`."""
        missing = [permission for permission in needed if not self.may(permission)]
        if missing:
            raise Denied(
                T(
                    "This needs the permission {required}, which {name} does not have. Ask an admin for a key with it.",
                    required=", ".join(missing),
                    name=self.name,
                ),
                required=missing,
                granted=sorted(self.permissions),
            )


_ADMIN: Final[frozenset[Permission]] = frozenset({"admin"})
LOCAL = Actor("local", "local", "local", _ADMIN)
"""Whoever may open the engine's own socket: the user it runs as, or root."""
SYSTEM = Actor("system", "system", "system", _ADMIN)
ANONYMOUS = Actor("anonymous", "anonymous", "anonymous", frozenset())


def parse_permissions(names: Iterable[str]) -> frozenset[Permission]:
    """Return `names` as permissions; raise `Invalid` that lists the known ones."""
    wanted = set(names)
    unknown = sorted(wanted.difference(PERMISSIONS))
    if unknown:
        raise Invalid(
            T(
                "No such permission: {unknown}. Known: {known}.",
                unknown=", ".join(unknown),
                known=", ".join(PERMISSIONS),
            ),
            path="permissions",
            known=list(PERMISSIONS),
        )
    if not wanted:
        raise Invalid(
            T("A key needs at least one permission. Known: {known}.", known=", ".join(PERMISSIONS)),
            path="permissions",
            known=list(PERMISSIONS),
        )
    return frozenset(permission for permission in PERMISSIONS if permission in wanted)


def in_order(permissions: frozenset[Permission]) -> list[Permission]:
    """Return permissions in the order in which they are always shown."""
    return [permission for permission in PERMISSIONS if permission in permissions]
