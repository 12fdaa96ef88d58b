"""The errors that cross a border: nouns with a meaning, mapped once to HTTP and once to Slack.

Each carries the contract's short `error` (English, stable: programs match on it), a `message` for people that says what
to do about it, and `details`, plain JSON values that stand beside both. Identifiers go in, secrets never.
"""

from __future__ import annotations

from typing import Any, ClassVar

from core.texts import Text

RATE_LIMITED = "Rate limit exceeded"
"""The contract's short `error` where a service or we ourselves are asked too often."""


class CcbError(Exception):
    """The base of all errors that a door may show as they are."""

    default_error: ClassVar[str] = "Internal error"

    def __init__(self, message: Text, /, *, error: str | None = None, **details: Any) -> None:
        super().__init__(str(message))
        self.message = message
        self.error = error or self.default_error
        self.details = details


class Malformed(CcbError):
    """What came in cannot be read at all (not JSON, a header of the wrong form)."""

    default_error = "Malformed request"


class Invalid(CcbError):
    """It can be read and is wrong; `details` name the field's path."""

    default_error = "Invalid value"


class Unauthenticated(CcbError):
    """Nobody we know: no key, a wrong key, a wrong signature."""

    default_error = "Invalid API Key"


class Denied(CcbError):
    """Known, and not allowed to."""

    default_error = "Insufficient permissions"


class NotFound(CcbError):
    """No such thing."""

    default_error = "Not found"


class Conflict(CcbError):
    """Not in this state: `details` say what stands in the way."""

    default_error = "Conflict"


class InProgress(Conflict):
    """The same request, by its Idempotency-Key, is being worked on; `retry_after` is in seconds."""

    default_error = "Request in progress"

    def __init__(self, message: Text, /, *, retry_after: float, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class TooMany(CcbError):
    """More requests than the limit that `details` name; `retry_after` is in seconds."""

    default_error = "Too many requests"

    def __init__(self, message: Text, /, *, retry_after: float, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class TooLarge(CcbError):
    """More bytes than the limit that `details` name."""

    default_error = "Payload too large"


class Unsupported(CcbError):
    """A media type or encoding that is not taken."""

    default_error = "Unsupported media type"


class Unavailable(CcbError):
    """Cannot be done now, may be done later; `retry_after` is in seconds."""

    default_error = "Service unavailable"

    def __init__(self, message: Text, /, *, retry_after: float = 5, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class Upstream(CcbError):
    """A service that we asked failed us.

    `retry_after`: seconds it told us to wait, or None. `permanent`: asking again cannot help (it is not retried).
    """

    default_error = "Upstream failed"

    def __init__(
        self, message: Text, /, *, retry_after: float | None = None, permanent: bool = False, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after
        self.permanent = permanent


class Connecting(Upstream):
    """A service to which this process is still connecting for the first time: nothing has failed."""


class NotConfigured(CcbError):
    """A service has no token yet. What needs it waits and is taken up when the `settings` are there."""

    default_error = "Not configured"

    def __init__(self, message: Text, /, *, service: str, settings: tuple[str, ...]) -> None:
        super().__init__(message, service=service, settings=list(settings))
        self.service = service
        self.settings = settings
