"""What is counted and kept of an integration, and for how long."""

from __future__ import annotations

from core import integrations
from core.context import Context
from core.errors import Conflict, NotFound
from core.http.routes import Request, route
from core.monitoring import Monitoring
from core.texts import T


@route(
    "GET", "/v1/integrations/{id}/monitoring", permission="integrations.read", tag="metrics", response=Monitoring,
    errors=[NotFound], summary=T("Get an integration's monitoring settings"),
)  # fmt: skip
async def monitoring(ctx: Context, request: Request) -> Monitoring:
    """Show the monitoring settings."""
    return (await integrations.find(ctx, request.path["id"])).monitoring


@route(
    "PATCH", "/v1/integrations/{id}/monitoring", permission="integrations.write", tag="metrics",
    request=Monitoring, response=Monitoring, errors=[Conflict, NotFound],
    summary=T("Set keys of an integration's monitoring settings"),
)  # fmt: skip
async def monitor(ctx: Context, request: Request) -> Monitoring:
    """Change the monitoring settings; what is not mentioned stays. Retention deletes within the hour."""
    changes = request.body_as(Monitoring).model_dump(exclude_unset=True)
    return (await integrations.monitor(ctx, request.path["id"], changes, actor=request.actor)).monitoring
