"""What an integration needs of a service, and whether its token grants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from core.texts import Text


@dataclass(frozen=True)
class Need:
    """One permission. `granted` is None where nobody can tell. `why`: the action or purpose. `how`: what to do."""

    permission: str
    why: Text | str
    granted: bool | None
    how: Text


@dataclass(frozen=True)
class Trouble:
    """Why a service could not be asked."""

    error: str
    message: Text


@dataclass(frozen=True)
class Access:
    """One service. `token`: whose is used, `integration`'s own or the `bot`'s; None: there is none."""

    needed: bool
    token: Literal["bot", "integration"] | None
    kind: str | None = None
    login: str | None = None
    granted: Sequence[str] = ()
    required: Sequence[Need] = ()
    recommended: Sequence[Need] = ()
    error: Trouble | None = None
    settings: Sequence[str] = ()
    """What configures it."""

    @property
    def missing(self) -> list[str]:
        """What is needed and not granted; where there is no token at all, the setting that holds one."""
        if self.needed and self.token is None:
            return list(self.settings[:1])
        return [need.permission for need in self.required if need.granted is False]


@dataclass(frozen=True)
class Report:
    """All services by their names."""

    services: Mapping[str, Access]

    @property
    def missing(self) -> list[str]:
        """What is missing, each with its service: `slack: chat:write`."""
        return [f"{name}: {what}" for name, access in self.services.items() for what in access.missing]

    @property
    def ok(self) -> bool:
        """Say whether nothing is missing, and every service that is needed could be asked."""
        return not self.missing and not any(a.needed and a.error for a in self.services.values())
