"""Integrations: installed, configured, activated, paused."""

from core.integrations.changes import (
    activate,
    configure,
    monitor,
    pause,
    set_webhook_secret,
)
from core.integrations.install import Wish, install
from core.integrations.installed import (
    Installed,
    WebhookSecret,
    find,
    load,
    missing,
    shown_config,
    unknown,
    webhook_url,
)

__all__ = [
    "Installed",
    "WebhookSecret",
    "Wish",
    "activate",
    "configure",
    "find",
    "install",
    "load",
    "missing",
    "monitor",
    "pause",
    "set_webhook_secret",
    "shown_config",
    "unknown",
    "webhook_url",
]
