"""How deliveries to an integration are proved: its address, its scheme, its secret."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from core import integrations
from core.context import Context
from core.errors import Conflict, NotFound
from core.http.routes import Request, kept_for, moment, route
from core.http.times import KEPT
from core.integrations import Installed
from core.requests import service as requests
from core.texts import T


class WebhookConfigOut(BaseModel):
    """Where the source's service delivers to, and what proves its deliveries."""

    url: str
    scheme: str = Field(description="The kind of source, which is the signature scheme.")
    secret_configured: bool = Field(
        description="Whether deliveries can be proved: a secret is there, or none is needed."
    )
    secret_needed: bool
    former_secret_valid_until: str | None = Field(description="While a rotation goes on, both secrets are taken.")
    accepts_deliveries: bool = Field(description="Whether the integration is active.")


class SecretChangedOut(WebhookConfigOut):
    """The same after a change of the secret."""

    secret: str | None = Field(None, description="The secret that was made, shown this once; null for one of your own.")


class SecretIn(BaseModel):
    """A webhook secret."""

    model_config = ConfigDict(extra="forbid")

    secret: str | None = Field(
        None, min_length=8, max_length=500, description="The new secret; absent: one is made and answered, this once."
    )
    keep: str = Field(
        "24h", description="How long the former secret stays valid beside it, from 0s to 30d.", json_schema_extra=KEPT
    )


@route(
    "GET", "/v1/integrations/{id}/webhook-config", permission="integrations.read", tag="webhooks",
    response=WebhookConfigOut, errors=[NotFound], summary=T("Ask how an integration's deliveries are proved"),
)  # fmt: skip
async def webhook_config(ctx: Context, request: Request) -> WebhookConfigOut:
    """Show the address, the signature scheme, and whether there is a secret; never the secret itself."""
    return WebhookConfigOut(**_shown(ctx, await integrations.find(ctx, request.path["id"])))


@route(
    "PATCH", "/v1/integrations/{id}/webhook-secret", permission="integrations.write", tag="webhooks",
    request=SecretIn, response=SecretChangedOut, errors=[Conflict, NotFound],
    summary=T("Set or make the secret that deliveries are signed with; the former one stays valid for a while"),
)  # fmt: skip
async def webhook_secret(ctx: Context, request: Request) -> SecretChangedOut:
    """Change the webhook secret. Both are valid for the time that `keep` says, so that no delivery is lost."""
    wish = request.body_as(SecretIn)
    installed, made = await integrations.set_webhook_secret(
        ctx, request.path["id"], wish.secret, actor=request.actor, keep_seconds=kept_for(wish.keep, path="keep")
    )
    await requests.tell_again(ctx, installed.id)
    return SecretChangedOut(**_shown(ctx, installed), secret=made)


def _shown(ctx: Context, installed: Installed) -> dict[str, object]:
    now = ctx.clock.now()
    former = [s.expires_at for s in installed.webhook_secrets if s.expires_at is not None and s.expires_at > now]
    return {
        "url": integrations.webhook_url(ctx, installed.id),
        "scheme": installed.source.kind,
        "secret_configured": bool(installed.secrets_at(now)) or not installed.source.needs_secret,
        "secret_needed": installed.source.needs_secret,
        "former_secret_valid_until": moment(max(former)) if former else None,
        "accepts_deliveries": installed.status == "active",
    }
