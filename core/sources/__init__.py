"""Who sends webhooks: how a delivery is proved genuine, what identifies it, what type of event it is.

One file per kind. A source is pure: bytes and headers in, a value or an error out; it never waits and never asks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field

from core.errors import Malformed, Unauthenticated
from core.registry import Registry
from core.texts import T, Text


@dataclass(frozen=True)
class Delivery:
    """One request as it came: header names in lower case, the body's raw bytes."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Identity:
    """What a source says of a delivery: its event type, and its own id for the delivery where it has one."""

    type: str
    delivery_id: str | None


@dataclass(frozen=True)
class SignedRequest:
    """A request that the source's own service could have sent."""

    headers: dict[str, str]
    body: bytes


class SourceParams(BaseModel):
    """What the manifest's `source:` says. Kinds with parameters of their own extend it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    events: list[str] = Field(default_factory=list, description="Event types that are handled; empty means all.")
    sequence_path: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Dotted path to the whole number that its sender counts events by: shows which are missing.",
    )

    def handles(self, event_type: str) -> bool:
        """Say whether this type runs the handler: listed itself, or its part before the first dot is."""
        return not self.events or event_type in self.events or event_type.partition(".")[0] in self.events


Params = TypeVar("Params", bound=SourceParams)


class Source(ABC, Generic[Params]):
    """A kind of sender."""

    kind: ClassVar[str]
    title: ClassVar[str]
    needs_secret: ClassVar[bool] = True
    key_authenticated: ClassVar[bool] = False
    """The sender shows an API key with `webhooks.receive`, which the HTTP layer checks after `verify`."""
    generic: ClassVar[bool] = False
    """Senders of many kinds use it: that two integrations have it does not say that they hear the same service."""
    params: type[Params]

    @abstractmethod
    def verify(self, params: Params, delivery: Delivery, *, secrets: Sequence[str], now: float) -> str:
        """Return what proved the delivery (a header's name, for the trace), or raise `bad_signature`.

        `secrets`: those valid now (two during a rotation). `now`: seconds since the epoch, for time tolerance.
        """

    @abstractmethod
    def identify(self, params: Params, delivery: Delivery, payload: Any) -> Identity:
        """Name the event: its type, and the sender's own id of this delivery."""

    @abstractmethod
    def sign(
        self, params: Params, *, secret: str, event_type: str, delivery_id: str, payload: Any, now: float
    ) -> SignedRequest:
        """Make the request that this service would send: what `verify` and `identify` take back."""

    def parse(self, delivery: Delivery) -> Any:
        """Return the payload; raise `Malformed` when it is not what this source sends (JSON)."""
        return parse_json(delivery.body)

    def reply(self, params: Params, delivery: Delivery, payload: Any) -> dict[str, Any] | None:
        """Return what must be answered at once instead of storing an event (a handshake), or None."""
        return None


SOURCES: Registry[Source[Any]] = Registry("source", "core.sources")


def bad_signature(reason: Text, *, code: str) -> Unauthenticated:
    """Return the contract's error for a delivery that is not proved; `code` names the cause for the webhook log.

    The code is one of `missing`, `malformed`, `mismatch`, `expired`, `no_secret`.
    """
    return Unauthenticated(
        T("Signature verification failed: {reason}", reason=reason), error="Invalid webhook signature", reason=code
    )


def parse_json(body: bytes) -> Any:
    """Return the JSON value in `body`; raise `Malformed` that says where it breaks."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed(
            T(
                "The body is not JSON: {reason} (line {line}, column {column}).",
                reason=error.msg,
                line=error.lineno,
                column=error.colno,
            ),
            error="Malformed JSON",
        ) from None
