"""What the schemes share: a header that must be there, a clock that must agree, a comparison that tells nothing."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence

from core.sources import Delivery, bad_signature
from core.texts import T

TOLERANCE = 300
"""Seconds that a signed time may differ from ours, either way (what Stripe, Slack and Standard Webhooks advise)."""

_STAMP_DIGITS = 12


def required(delivery: Delivery, header: str) -> str:
    """Return the header's value; raise `bad_signature` (missing) without one."""
    value = delivery.headers.get(header.lower(), "")
    if not value:
        raise bad_signature(
            T(
                "the header {header} is missing. Give the sender the webhook's secret or key: then it sends it.",
                header=header,
            ),
            code="missing",
        )
    return value


def check_age(stamp: str, *, header: str, now: float) -> None:
    """Raise `bad_signature` unless `stamp` (seconds since the epoch, in digits) is within `TOLERANCE` of `now`."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _STAMP_DIGITS):
        raise bad_signature(
            T(
                "the time in {header} is not a whole number of seconds since 1970. Send the header as signed.",
                header=header,
            ),
            code="malformed",
        )
    behind = now - int(stamp)
    if abs(behind) <= TOLERANCE:
        return
    if behind > 0:
        reason = T(
            "the sender's clock is {seconds} s behind ours, or the delivery was held up that long; {limit} s are "
            "allowed. Set both clocks by NTP and have the sender sign it anew.",
            seconds=round(behind),
            limit=TOLERANCE,
        )
    else:
        reason = T(
            "the sender's clock is {seconds} s ahead of ours; {limit} s are allowed. Set both clocks by NTP.",
            seconds=round(-behind),
            limit=TOLERANCE,
        )
    raise bad_signature(reason, code="expired")


def digest(key: bytes, *parts: bytes, algorithm: str = "sha256") -> bytes:
    """Return the HMAC (RFC 2104) of the parts put together; a large body is not copied for it."""
    if len(parts) == 1:
        return hmac.digest(key, parts[0], algorithm)
    keyed = hmac.new(key, digestmod=algorithm)
    for part in parts:
        keyed.update(part)
    return keyed.digest()


def match(
    header: str, given: Iterable[str], secrets: Sequence[str], expected: Callable[[str], str], *, shape: str | None
) -> str:
    """Return `header` if one of `given` is what one of `secrets` makes `expected`; raise `bad_signature` otherwise.

    `shape`: what a whole value looks like, told when none has its length; None where even the length is a secret.
    """
    usable = [secret for secret in secrets if secret]
    if not usable:
        raise bad_signature(
            T("this integration has no webhook secret. Set one here and the same at the sender."), code="no_secret"
        )
    candidates = [raw(value) for value in given]
    length = 0
    for secret in usable:
        wanted = raw(expected(secret))
        length = len(wanted)
        if any(hmac.compare_digest(wanted, candidate) for candidate in candidates):
            return header
    if shape is not None and all(len(candidate) != length for candidate in candidates):
        raise bad_signature(
            T("{header} must be {shape}. Was it cut off or changed on the way?", header=header, shape=shape),
            code="malformed",
        )
    raise bad_signature(
        T(
            "{header} does not fit the body and the secret. Check that the secret is the same on both sides, and that "
            "nothing on the way changes the body.",
            header=header,
        ),
        code="mismatch",
    )


def raw(text: str) -> bytes:
    """Return the bytes of a header or a secret; unlike `str.encode` it takes lone surrogates, and no two become one."""
    return text.encode("utf-8", "surrogatepass")
