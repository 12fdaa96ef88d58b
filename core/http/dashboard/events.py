"""`/dashboard/integrations/{id}/events`: an integration's events, by status, type and text, page by page."""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from core import integrations
from core.context import Context
from core.http.dashboard.door import Shown, page
from core.http.events import EVENT_ID, Page, Status, integration_events_of
from core.http.routes import Request
from core.texts import T, Text

AT_ONCE = 50


class EventsQuery(BaseModel):
    """Which of them; an empty field chooses nothing."""

    model_config = ConfigDict(extra="ignore")

    status: Status | Literal[""] = ""
    type: str = Field("", max_length=500)
    q: str = Field("", max_length=200)
    after: str = Field("", pattern=f"{EVENT_ID}|^$")


@page("/dashboard/integrations/{id}/events", permission="events.read", section="integrations", query=EventsQuery)
async def events(ctx: Context, request: Request) -> Shown:
    """Show a page of an integration's events, newest first."""
    installed, query = await integrations.find(ctx, request.path["id"]), request.query_as(EventsQuery)
    asked = query.model_copy(update={"type": query.type.strip(), "q": query.q.strip()})
    chosen: dict[str, Any] = {name: value for name, value in asked.model_dump().items() if value}
    found, after = await integration_events_of(ctx, request, Page(limit=AT_ONCE, **chosen), installed.id)
    filters = {name: value for name, value in chosen.items() if name != "after"}
    return Shown(
        "events.html",
        T("Events"),
        {
            "t": _WORDS | EVENT_WORDS,
            "one": installed,
            "events": found,
            "statuses": get_args(Status),
            "query": asked,
            "filters": filters,
            "after": after,
            "may": request.actor.may("events.replay"),
        },
    )


EVENT_WORDS: dict[str, Text] = {
    "event": T("Event"),
    "type": T("Type"),
    "status": T("Status"),
    "received": T("Received"),
    "took": T("Took"),
    "why": T("Error"),
    "attempt": T("attempt"),
}
_WORDS: dict[str, Text] = {
    "list": T("Events"),
    "any": T("any"),
    "text": T("Text"),
    "text_hint": T("An id's beginning, a delivery's id, or a part of a type or an error."),
    "show": T("Show"),
    "all": T("Show all"),
    "none": T("No event is so."),
    "none_here": T("None of the next 20,000 events is so. Look further among older ones."),
    "next": T("Older events"),
    "newest": T("Newest events"),
    "no_events": T("No event has arrived yet. Send a signed sample from the engine's machine:"),
    "retry": T("Try all dead events again…"),
    "discard": T("Discard all dead events…"),
}
