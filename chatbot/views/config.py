"""The modal of an integration's configuration: made from its manifest; secrets go in, and are never shown again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from chatbot import blocks, config_form, installing
from chatbot.asked import Answer, Asked, Reply
from chatbot.config_form import WEBHOOK_SECRET
from chatbot.view import Built, Problems, View, register
from core import integrations
from core.context import Context
from core.errors import NotConfigured, Upstream
from core.requests import service
from core.texts import T, Text

LOOK_SECONDS = 1.0
"""How long Slack may take to say whether the bot is in a channel: the whole modal has two."""


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
    changed, wrong = config_form.changes(installed, asked.values)
    return {**await _unseen(ctx, installed, changed), **wrong}


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


async def _unseen(ctx: Context, installed: integrations.Installed, changed: Mapping[str, Any]) -> Problems:
    """Say at each changed channel that the bot is not in it; nothing where Slack does not tell, or not soon."""
    wanted = {key: _listed(changed[key]) for key in installed.manifest.channel_keys if changed.get(key)}
    if not wanted or ctx.slack is None:
        return {}
    channels = [channel for listed in wanted.values() for channel in listed]
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            seen = await ctx.slack.access(channels, token=installed.engine.slack_token)
    except (TimeoutError, Upstream, NotConfigured):
        return {}
    found: dict[str, Text] = {}
    for key, listed in wanted.items():
        missing = next((channel for channel in listed if seen.channels.get(channel) is False), None)
        if missing is not None:
            how = T(
                "@{user} is not in {channel}. Check the name and that it is not archived, type /invite @{user} there, "
                "then save again.",
                user=seen.user, channel=missing,
            )  # fmt: skip
            found[key] = how
    return found


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


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
