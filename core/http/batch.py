"""Many integrations by their ids, in one request."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from core import integrations, listing
from core.context import Context
from core.http.integrations import IntegrationOut, ListedOut, shown
from core.http.paging import chosen
from core.http.routes import Request, route
from core.listing import Listed
from core.requests.model import Asked
from core.texts import T

MOST = 200

Reference = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class BatchIn(BaseModel):
    """Which integrations are wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: list[Reference] = Field(
        min_length=1, max_length=MOST, description="Ids or slugs, each once.", examples=[["github-push-to-slack"]],
        json_schema_extra={"uniqueItems": True},
    )  # fmt: skip
    fields: list[Literal[tuple(IntegrationOut.model_fields)]] | None = Field(  # type: ignore[valid-type]  # made of the model
        None, description="Names of the fields that are wanted; else all."
    )

    @field_validator("ids")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError(T("each id may be given once"))
        return value


class BatchResult(BaseModel):
    """What there is under one id."""

    id: str = Field(description="As it was asked.")
    status: Literal[200, 404]
    integration: ListedOut | None = Field(None, description="As `GET /v1/integrations/{id}` shows it.")
    error: str | None = None
    message: str | None = None


class BatchOut(BaseModel):
    """One result for each id, in the order in which they were asked."""

    results: list[BatchResult]


@route(
    "POST", "/v1/integrations/batch", permission="integrations.read", tag="integrations", request=BatchIn,
    response=BatchOut, summary=T("Get many integrations at once"),
)  # fmt: skip
async def batch(ctx: Context, request: Request) -> dict[str, Any]:
    """Get up to 200 integrations by their ids or slugs; what is not there has the status 404 in its own result."""
    wish = request.body_as(BatchIn)
    found = await listing.several(ctx, wish.ids)
    return {"results": [_result(ctx, one, found.get(one), wish.fields, request.language) for one in wish.ids]}


def _result(
    ctx: Context, asked: str, listed: Listed | Asked | None, fields: list[str] | None, language: str
) -> dict[str, Any]:
    if listed is None:
        error = integrations.unknown(asked)
        return {"id": asked, "status": 404, "error": error.error, "message": error.message.render(language)}
    item = shown(ctx, listed, language).model_dump(mode="json", by_alias=True)
    return {"id": asked, "status": 200, "integration": chosen([item], fields)[0]}
