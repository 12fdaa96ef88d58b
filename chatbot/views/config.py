"""The modal of an integration's configuration: made from its manifest; secrets go in, and are never shown again."""

from __future__ import annotations

from typing import Any

from chatbot import blocks, config_form, installing
from chatbot.asked import Answer, Asked, Reply
from chatbot.config_form import WEBHOOK_SECRET
from chatbot.view import Built, Problems, View, register
from core import integrations
from core.context import Context
from core.requests import service
from core.texts import T


async def build(ctx: Context, asked: Asked) -> Built:
    """Return the fields, with what is set; of secrets only whether they are."""
    installed = await _installed(ctx, asked)
    fields = config_form.built(asked, installed)
    if not fields:
        said = T("{name} has nothing to configure.", name=installing.named(installed))
        return [blocks.section(asked.say(said))]
    head = f"{installing.named(installed)}\n{blocks.plain(installed.manifest.description)}"
    return [blocks.section(head), *fields]


async def check(ctx: Context, asked: Asked) -> Problems:
    """Say at each field what the schema says of it."""
    installed = await _installed(ctx, asked)
    _, wrong = config_form.changes(installed, asked.values)
    return wrong


async def submit(ctx: Context, asked: Asked) -> Answer:
    """Keep what was changed; say which keys, never which values of secrets."""
    installed = await _installed(ctx, asked)
    changed, _ = config_form.changes(installed, asked.values)
    secret = _typed_secret(asked)
    if changed:
        await integrations.configure(ctx, installed.id, changed, actor=asked.actor)
    if secret:
        await integrations.set_webhook_secret(ctx, installed.id, secret, actor=asked.actor)
    if not changed and not secret:
        return Reply(T("Nothing was changed."))
    await service.tell_again(ctx, installed.id)
    names = [*changed, *(["webhook_secret"] if secret else [])]
    told = T("{name}: {keys} saved.", name=installing.named(installed), keys=", ".join(map(blocks.code, names)))
    return installing.said(ctx, asked, await integrations.find(ctx, installed.id), told, to="asker")


async def _installed(ctx: Context, asked: Asked) -> integrations.Installed:
    return await integrations.find(ctx, str(asked.about["integration"]))


def _typed_secret(asked: Asked) -> str:
    typed: Any = asked.values.get(WEBHOOK_SECRET)
    return str(typed or "").strip()


register(
    View(
        name="config",
        title=T("Configure"),
        build=build,
        permission="integrations.write",
        check=check,
        submit=submit,
    )
)
