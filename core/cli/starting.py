"""What may go wrong when the engine or its database is opened, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.cli.failure import refused
from core.errors import CcbError
from core.texts import T, Text


@contextmanager
def explained() -> Iterator[None]:
    """Turn what stops the opening into `CliError`."""
    # Here: no command that only asks a running engine should wait for these imports.
    from sqlalchemy.exc import DBAPIError

    from storage.address import AddressError
    from storage.sqlite import AlreadyRunningError

    try:
        yield
    except AlreadyRunningError as error:
        raise refused(
            T(
                "An engine is running on {folder} (process {pid}). On SQLite one process does everything: stop that "
                "one first, or set CCB_DATA_DIR to another folder.",
                folder=str(error.path),
                pid=error.pid or "?",
            ),
            error="Already running",
            pid=error.pid,
        ) from None
    except CcbError as error:
        raise refused(error.message, error=error.error, **error.details) from None
    except AddressError as error:
        raise refused(_not_honoured(error.setting), error="Database not usable", setting=error.setting) from None
    except DBAPIError as error:
        raise refused(
            T("The database cannot be used: {reason}. Check CCB_DATABASE_URL.", reason=str(error.orig).rstrip(".")),
            error="Database not usable",
        ) from None
    except OSError as error:
        raise refused(T("The engine cannot start: {reason}.", reason=str(error)), error="Cannot start") from None


def _not_honoured(setting: str) -> Text:
    if setting == "channel_binding":
        return T(
            "CCB_DATABASE_URL demands channel_binding, which the engine's driver does not have. Set "
            "sslmode=verify-full, which proves as well whose server it is, or leave channel_binding out."
        )
    return T(
        "CCB_DATABASE_URL says {setting}, which the engine's driver does not have and which must not be passed over. "
        "Leave it out, or say in another way what it is for.",
        setting=setting,
    )
