"""Claude among the services: what configures it."""

from __future__ import annotations

import asyncio
from importlib import import_module

from core.config import Settings
from core.services import Service, register
from core.texts import Text


async def check(settings: Settings) -> Text:
    """Return that the model is available; raise `Upstream` that says what is wrong, or `NotConfigured`."""
    # Its library takes a second or more to import: no start should wait for it, nor the deliveries of that moment.
    await asyncio.to_thread(import_module, "core.generation.claude")
    from core.generation import claude

    return await claude.check(settings)


register(Service(name="claude", title="Claude", required=("ANTHROPIC_API_KEY",), check=check))
