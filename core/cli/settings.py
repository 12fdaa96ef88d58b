"""The engine's settings as a command reads them: what is wrong is named, each on a line of its own."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from core.cli.failure import USAGE, CliError
from core.cli.language import said
from core.cli.screen import clean
from core.config import Settings
from core.texts import TN
from core.validation import reason


def load_settings(**given: Any) -> Settings:
    """Return the settings, those `given` (by environment name) before all others.

    Raises `CliError` with one line for each setting that is wrong.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = problems(error)
        head = TN("{count} setting is wrong:", "{count} settings are wrong:", len(lines))
        raise CliError(
            "\n".join([said(head), *(f"  {line}" for line in lines)]),
            code=USAGE,
            error="Wrong settings",
            problems=lines,
        ) from None


def problems(error: ValidationError) -> list[str]:
    """Return one line for each setting that is wrong; no line repeats a value, for it may be a secret."""
    return [_line(found) for found in error.errors(include_url=False, include_input=False)]


def _line(found: Any) -> str:
    name = str(found["loc"][0]) if found["loc"] else ""
    why = clean(said(reason(found)))
    return f"{name}: {why}" if name else why
