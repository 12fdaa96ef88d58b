"""Claude among the services: what configures it."""

from __future__ import annotations

from core.config import Settings
from core.services import Service, register
from core.texts import Text


async def check(settings: Settings) -> Text:
    """Return that the model is available; raise `Upstream` that says what is wrong, or `NotConfigured`."""
    from core.generation import claude  # its library takes a second to import, which no start should wait for

    return await claude.check(settings)


register(Service(name="claude", title="Claude", required=("ANTHROPIC_API_KEY",), check=check))
