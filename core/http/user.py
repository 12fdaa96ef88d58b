"""Who am I?"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from core import auth
from core.auth import Permission
from core.context import Context
from core.http.routes import ANY_KEY, Request, route
from core.texts import T


class UserOut(BaseModel):
    """Whoever asks."""

    kind: Literal["key", "local", "slack", "system", "anonymous"]
    id: str
    name: str
    permissions: list[Permission]


@route("GET", "/v1/user", permission=ANY_KEY, tag="keys", response=UserOut, summary=T("Ask who one is"))
async def user(ctx: Context, request: Request) -> UserOut:
    """Describe whoever asks."""
    actor = request.actor
    return UserOut(kind=actor.kind, id=actor.id, name=actor.name, permissions=auth.in_order(actor.permissions))
