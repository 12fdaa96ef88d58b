"""Integrations: installed, configured, activated, paused."""

from core.integrations.changes import (
    activate,
    activated,
    configure,
    monitor,
    pause,
    set_webhook_secret,
)
from core.integrations.install import Wish, install
from core.integrations.installed import (
    Held,
    Installed,
    WebhookSecret,
    find,
    load,
    missing,
    shown_config,
    unknown,
    webhook_url,
)
from core.integrations.own import ensure as ensure_own
from core.integrations.updates import from_repository, update

__all__ = [
    "Held",
    "Installed",
    "WebhookSecret",
    "Wish",
    "activate",
    "activated",
    "configure",
    "ensure_own",
    "find",
    "from_repository",
    "install",
    "load",
    "missing",
    "monitor",
    "pause",
    "set_webhook_secret",
    "shown_config",
    "unknown",
    "update",
    "webhook_url",
]
