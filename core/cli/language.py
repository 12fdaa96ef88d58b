"""The terminal's language: what was set, else what the terminal itself says it reads."""

from __future__ import annotations

import os
from functools import cache

from dotenv import dotenv_values

from core.texts import DEFAULT_LANGUAGE, LANGUAGES, Text


@cache
def language() -> str:
    """Return `CCB_LANGUAGE` (environment, then .env), else the locale's language (POSIX: LC_ALL, LC_MESSAGES, LANG)."""
    chosen = os.environ.get("CCB_LANGUAGE") or dotenv_values(".env").get("CCB_LANGUAGE")
    if chosen in LANGUAGES:
        return chosen
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    spoken = locale.partition(".")[0].partition("_")[0].lower()
    return spoken if spoken in LANGUAGES else DEFAULT_LANGUAGE


def said(text: Text) -> str:
    """Return `text` in the terminal's language."""
    return text.render(language())
