"""What the services' tokens really grant an integration, with what is missing named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from core import access
from core.access import Access, Need
from core.context import Context
from core.errors import NotFound
from core.http.routes import Request, route
from core.texts import T, Text


class NeedOut(BaseModel):
    """One permission that the manifest's actions need."""

    permission: str = Field(description="Such as issues: write on acme/app, or chat:write.")
    why: str = Field(description="The action that needs it, or what it is good for.")
    granted: bool | None = Field(description="Null: the service does not say.")
    how: str = Field(description="How to grant it.")


class TroubleOut(BaseModel):
    """Why the service could not be asked."""

    error: str
    message: str


class AccessOut(BaseModel):
    """One service."""

    needed: bool = Field(description="Whether one of the manifest's actions needs it.")
    configured: bool
    token: Literal["bot", "integration"] | None = Field(description="Whose token is used.")
    kind: str | None = Field(description="GitHub: classic, fine-grained or app; Slack: bot; e-mail: smtp.")
    login: str | None = Field(description="Who the token is there.")
    granted: list[str] = Field(
        description="What the service says that the token has; a fine-grained token says nothing."
    )
    required: list[NeedOut]
    recommended: list[NeedOut] = Field(description="It works without these, and better with them.")
    missing: list[str]
    error: TroubleOut | None


class PermissionsOut(BaseModel):
    """All services."""

    ok: bool = Field(description="Nothing is missing, and every service that is needed could be asked.")
    services: dict[str, AccessOut] = Field(description="github, slack and email.")
    missing: list[str] = Field(description="What is missing, each with its service, such as slack: chat:write.")


@route(
    "GET", "/v1/integrations/{id}/permissions", permission="integrations.read", tag="integrations",
    response=PermissionsOut, errors=[NotFound],
    summary=T("Ask GitHub and Slack what an integration's tokens grant, and what is missing"),
)  # fmt: skip
async def permissions(ctx: Context, request: Request) -> PermissionsOut:
    """Ask the services themselves, at most every 30 seconds; one that does not answer is an error in its part."""
    found = await access.report(ctx, request.path["id"])
    services = {name: _service(one, request.language) for name, one in found.services.items()}
    return PermissionsOut(ok=found.ok, services=services, missing=found.missing)


def _service(one: Access, language: str) -> AccessOut:
    return AccessOut(
        needed=one.needed,
        configured=one.token is not None,
        token=one.token,
        kind=one.kind,
        login=one.login,
        granted=list(one.granted),
        required=_needs(one.required, language),
        recommended=_needs(one.recommended, language),
        missing=one.missing,
        error=TroubleOut(error=one.error.error, message=one.error.message.render(language)) if one.error else None,
    )


def _needs(needs: Sequence[Need], language: str) -> list[NeedOut]:
    return [
        NeedOut(
            permission=need.permission,
            why=need.why.render(language) if isinstance(need.why, Text) else need.why,
            granted=need.granted,
            how=need.how.render(language),
        )
        for need in needs
    ]
