"""GitHub: a repository made ready for integration requests."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.context import Context
from core.errors import Conflict, Invalid, NotConfigured
from core.github import setup
from core.http.routes import Request, route
from core.texts import T


class SetupIn(BaseModel):
    """Which repository."""

    model_config = ConfigDict(extra="forbid", strict=True)

    repository: str | None = Field(
        None,
        max_length=140,
        description="owner/repo; absent: the one that GITHUB_REPOSITORY names.",
        json_schema_extra={"anyOf": [{"type": "string", "maxLength": 140, "pattern": setup.FORM}, {"type": "null"}]},
    )


class SetupStepOut(BaseModel):
    """One part of the setup."""

    name: str
    title: str = Field(description="Its name in the language of Accept-Language.")
    outcome: Literal["done", "there", "failed"]
    detail: str = Field(description="What was done, or why it failed.")


class SetupOut(BaseModel):
    """What was done, and what was there already."""

    repository: str
    ready: bool = Field(description="Whether no step failed.")
    steps: list[SetupStepOut]


@route(
    "POST", "/v1/github/setup", permission="admin", tag="github", request=SetupIn, response=SetupOut,
    errors=[Conflict, Invalid], summary=T("Make a repository ready for integration requests"),
)  # fmt: skip
async def set_up(ctx: Context, request: Request) -> SetupOut:
    """Create labels, issue forms and the webhook where they are missing. It can be run again without harm."""
    wish = request.body_as(SetupIn)
    try:
        name, steps = await setup.setup(ctx, repository=wish.repository, actor=request.actor)
    except NotConfigured as error:  # nothing waits here for the setting, as an event would
        raise Conflict(error.message, error=error.error, **error.details) from None
    shown = [
        SetupStepOut(
            name=step.name,
            title=step.title.render(request.language),
            outcome=step.outcome,
            detail=step.detail.render(request.language),
        )
        for step in steps
    ]
    return SetupOut(repository=name, ready=all(step.outcome != "failed" for step in steps), steps=shown)
