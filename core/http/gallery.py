"""The gallery: integrations that are ready to be installed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from core import gallery
from core.context import Context
from core.http.routes import Request, route
from core.texts import T


class GalleryOut(BaseModel):
    """One ready-made integration."""

    name: str
    title: str
    description: str
    source: str
    config: dict[str, Any]
    samples: list[str]


@route(
    "GET", "/v1/gallery", permission="integrations.read", tag="integrations", response=list[GalleryOut],
    summary=T("List the ready-made integrations with their configuration schemas"),
)  # fmt: skip
async def entries(ctx: Context, request: Request) -> list[GalleryOut]:
    """List the gallery."""
    return [GalleryOut.model_validate(entry, from_attributes=True) for entry in gallery.entries()]
