"""The modal in which an integration is asked for: the template's fields, and the ready-made ones that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatbot import blocks
from chatbot.asked import Asked
from core import gallery, manifest
from core.generation.template import FIELDS, Field
from core.manifest import FromConfig
from core.requests.guessing import WEBHOOK
from core.texts import TN, T, Text

READY = "ready"
LONGEST = 3_000
"""Characters that a field of Slack's takes."""
_FIELDS: Mapping[str, Field] = {field.name: field for field in FIELDS}
_KINDS = (WEBHOOK, "API", "Webhook + API")
_SEVERAL_LINES = frozenset({"description", "api_endpoints"})
_ORDER = ("description", "service_name", "integration_type", "events", "target_service", "api_endpoints",
          "dependencies")  # fmt: skip
_LABELS: Mapping[str, Text] = {
    "description": T("What should happen?"),
    "service_name": T("Which service sends the events?"),
    "integration_type": T("How do the events come?"),
    "events": T("Which events?"),
    "target_service": T("Where does the result go?"),
    "api_endpoints": T("API endpoints of the target"),
    "dependencies": T("Dependencies"),
}
_HINTS: Mapping[str, Text] = {
    "description": T("One sentence is enough; the rest can stay empty if it says whose events go where."),
    "target_service": T("Empty: this channel, or the service that the sentence names."),
    "api_endpoints": T("Only where the target is not Slack, GitHub or e-mail."),
}


def built(asked: Asked, given: Mapping[str, str], *, focus: str = "", editing: bool = False) -> list[blocks.Block]:
    """Return the fields. `given`: what stands in them at first; `focus`: the field that is opened at."""
    shown: list[blocks.Block] = []
    for name in _ORDER:
        shown.append(_field(asked, name, given.get(name, ""), focus=name == focus, editing=editing))
        if name == "service_name" and not editing:
            shown += _ready(asked, given)
    return shown


def typed(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what was typed into the template's fields."""
    return {name: str(values.get(name) or "").strip() for name in _ORDER}


def at_first(fields: Mapping[str, str]) -> dict[str, str]:
    """Return what stands in the fields when a request is opened that says this."""
    return {name: fields.get(name, "")[:LONGEST].strip() for name in _ORDER}


def _field(asked: Asked, name: str, value: str, *, focus: bool, editing: bool) -> blocks.Block:
    if name == "integration_type" and (value in _KINDS or not value):
        options = [blocks.option(kind, kind) for kind in _KINDS]
        chosen = value or (WEBHOOK if not editing else None)
        element = blocks.select(asked.say(T("Choose")), name, options, chosen=chosen)
    else:
        example = asked.say(_FIELDS[name].example)
        element = blocks.text_field(
            _dispatching(name, editing),
            value=value,
            placeholder=example,
            lines=name in _SEVERAL_LINES or "\n" in value,
            most=LONGEST,
        )
    if focus:
        element["focus_on_load"] = True
    hint = asked.say(_HINTS[name]) if name in _HINTS and not editing else ""
    made = blocks.field(name, asked.say(_LABELS[name]), element, hint=hint, needed=False)
    if name == "service_name" and not editing:
        made["dispatch_action"] = True
        element["dispatch_action_config"] = {"trigger_actions_on": ["on_enter_pressed", "on_character_entered"]}
    return made


def _dispatching(name: str, editing: bool) -> str:
    return f"request_form:{name}" if name == "service_name" and not editing else name


def _ready(asked: Asked, given: Mapping[str, str]) -> list[blocks.Block]:
    """Return the choice of what is ready-made, those first that fit what was typed so far; and what the chosen is."""
    said = f"{asked.values.get('service_name') or ''} {asked.values.get('description') or ''}".strip()
    fitting = gallery.fitting(said or f"{given.get('service_name', '')} {given.get('description', '')}")
    names = {entry.name for entry in fitting}
    entries = [*fitting, *(entry for entry in gallery.entries() if entry.name not in names)]
    options = [blocks.option(entry.title, entry.name) for entry in entries]
    label = (
        asked.say(TN("{count} ready-made integration fits", "{count} ready-made integrations fit", len(fitting)))
        if fitting
        else asked.say(T("Or choose a ready-made integration"))
    )
    element = blocks.select(asked.say(T("Choose a ready-made one")), f"request_form:{READY}", options)
    hint = asked.say(T("It is installed at once, and Claude is not asked."))
    made = blocks.field(READY, label, element, hint=hint, needed=False)
    made["dispatch_action"] = True
    chosen = asked.values.get(READY)
    return [made, *(_preview(asked, str(chosen)) if chosen in gallery.names() else [])]


def _preview(asked: Asked, name: str) -> list[blocks.Block]:
    found = manifest.parse(gallery.load(name)["integration.yaml"])
    lines = [f"*{blocks.plain(found.name)}* · {blocks.plain(found.description)}"]
    events = found.source_params.events
    taken = ", ".join(map(blocks.code, events)) if events else asked.say(T("every event"))
    lines.append(asked.say(T("Takes from {source}: {events}", source=blocks.code(found.source["kind"]), events=taken)))
    lines.append(asked.say(T("Does: {actions}", actions=_codes(found.capabilities.actions))))
    if found.required:
        needed = [f"{blocks.code(key)} ({blocks.plain(found.properties[key].get('title', key))})"
                  for key in found.required]  # fmt: skip
        lines.append(asked.say(T("Will need: {keys}", keys=", ".join(needed))))
    return [blocks.section("\n".join(lines))]


def _codes(values: Sequence[str | FromConfig]) -> str:
    return ", ".join(blocks.code(one) for one in values if isinstance(one, str)) or "–"
