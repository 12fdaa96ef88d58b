"""The modal in which an integration is asked for, and a request is changed; a ready-made one is installed instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatbot import blocks, installing, request_form, words
from chatbot.asked import Answer, Asked, Reply
from chatbot.request_form import READY
from chatbot.view import Built, Problems, View, register
from core.context import Context
from core.errors import Conflict
from core.requests import fields as template
from core.requests import service
from core.requests.guessing import guessed
from core.requests.service import Follow
from core.texts import T


async def build(ctx: Context, asked: Asked) -> Built:
    """Return the form: empty, with the words or the message that it was opened from, or with a request's fields."""
    reference = asked.about.get("request")
    if reference is not None:
        found = await service.find(ctx, str(reference))
        given = request_form.at_first(found.fields)
        return request_form.built(asked, given, focus=str(asked.about.get("field", "")), editing=True)
    said = str(asked.about.get("text", "")) or _said(asked)
    return request_form.built(asked, {"description": said[: request_form.LONGEST].strip()})


async def check(ctx: Context, asked: Asked) -> Problems:
    """Say at each field what is wrong with it."""
    values = request_form.typed(asked.values)
    if asked.about.get("request") is None and not values["description"] and not asked.values.get(READY):
        return {"description": T("Say in one sentence what should happen, or choose a ready-made integration.")}
    template.known({name: value for name, value in values.items() if value})
    if found := template.conflicts(values["dependencies"]):
        return {"dependencies": template.conflicting(found).message}
    return {}


async def submit(ctx: Context, asked: Asked) -> Answer:
    """Open or change the request; the engine posts its message and edits it from then on."""
    values = request_form.typed(asked.values)
    ready, reference = asked.values.get(READY), asked.about.get("request")
    if reference is not None:
        return await _change(ctx, asked, str(reference), values)
    if ready:
        return await installing.from_gallery(ctx, asked, str(ready))
    channel = asked.channel or asked.user
    here = f"Slack\n{channel}" if not asked.direct and asked.channel else ""
    follow = Follow(asker=asked.user, channel=channel, thread=asked.thread, language=asked.language)
    await service.open_request(ctx, guessed(values, here=here), actor=asked.actor, origin="slack", follow=follow)
    return None


async def _change(ctx: Context, asked: Asked, reference: str, values: Mapping[str, str]) -> Answer:
    found = await service.find(ctx, reference)
    before = request_form.at_first(found.fields)
    changes = {name: value for name, value in values.items() if value != before[name]}
    changed = await service.change(ctx, found, changes, actor=asked.actor) if changes else found
    if changes or changed.row.status != "failed":
        told = T("{title} is taken up as it says now.", title=blocks.plain(found.row.title))
        return Reply(told)
    raise Conflict(T("Nothing was changed, so it would fail in the same way."))


def _said(asked: Asked) -> str:
    """Return what the message says that the shortcut was used on."""
    message: Mapping[str, Any] = asked.message if asked.about.get("message") else {}
    return words.meant(str(message.get("text", "")))


register(
    View(
        name="request",
        title=T("Ask for an integration"),
        build=build,
        permission="integrations.write",
        check=check,
        submit=submit,
        button=T("Send"),
    )
)
