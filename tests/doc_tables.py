"""The tables in README and docs that say what the code says: made from its registries, compared by `test_docs`.

`make docs` writes them anew between `<!-- table: name -->` and `<!-- end -->`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ["CCB_LANGUAGE"] = "en"  # help texts are read when the commands are imported

import typer
from typer.core import TyperCommand, TyperGroup

from chatbot import people
from chatbot.command import COMMANDS as SLACK_COMMANDS
from core.auth import PERMISSIONS
from core.cli.app import app
from core.config import Settings, setting_names
from core.effects import ACTIONS
from core.engine_config import EngineConfig
from core.errors import CcbError
from core.events import retry
from core.http import docs, openapi
from core.http.errors import STATUS
from core.http.routes import Route, load
from core.metrics import METRICS
from core.runtime.dialect import ALLOWED_MODULES, INSTEAD_OF_MODULE, MISSING_BUILTINS, UNSUPPORTED
from core.sources import SOURCES

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"(<!-- table: (?P<name>[a-z_-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_NONE = "–"
_SCOPE = re.compile(r"^ +- (\S+)(?: # (.+))?$", re.MULTILINE)
_PLACE, _NAME = re.compile(r"\{(\w+)[^}]*\}"), r"{\1}"


def pages() -> list[Path]:
    """Return every page for people, but for the decisions."""
    return [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *sorted(ROOT.glob("docs/*.md")),
    ]


def filled(text: str) -> str:
    """Return a page with its tables as they should be."""
    return _BLOCK.sub(lambda found: f"{found[1]}{TABLES[found['name']]()}\n{found[3]}", text)


def used(text: str) -> set[str]:
    """Return the names of a page's tables."""
    return {found["name"] for found in _BLOCK.finditer(text)}


def commands() -> dict[str, TyperCommand | TyperGroup]:
    """Return every command by the words that call it, such as `keys create`."""
    return dict(_commands(typer.main.get_command(app), ()))


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    if not isinstance(command, TyperGroup):
        yield " ".join(words), command
        return
    if command.invoke_without_command and words:
        yield " ".join(words), command
    for name, inner in command.commands.items():
        yield from _commands(inner, (*words, name))


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _code(value: object) -> str:
    return f"`{value}`"


def _settings() -> str:
    fields = Settings.model_fields.values()
    rows = [
        (_code(name), _default(field.default), description)
        for (name, description), field in zip(setting_names().items(), fields, strict=True)
    ]
    return _table(("Setting", "Default", "Meaning"), rows)


def _default(value: object) -> str:
    if value in (None, (), ""):
        return _NONE
    if isinstance(value, tuple):
        return _code(",".join(map(str, value)))
    if isinstance(value, bool):
        return _code(str(value).lower())
    return _code(f"{value:g}" if isinstance(value, float) else value)


def _slack_scopes() -> str:
    """Return the scopes with the reasons that stand beside them in the manifest."""
    written = (ROOT / "manifest.yml").read_text(encoding="utf-8").partition("scopes:")[2].partition("settings:")[0]
    return _table(("Scope", "What for"), [(_code(scope), why) for scope, why in _SCOPE.findall(written)])


def _command_rows() -> str:
    rows = [(_code(f"ccb {name}"), command.help) for name, command in commands().items()]
    return _table(("Command", "What it does"), rows)


def _slack_commands() -> str:
    rows = [
        (
            _code(f"/ccb {one.name} {one.usage}".rstrip()),
            one.summary,
            people.role_for([one.permission]) if one.permission else _NONE,
        )
        for one in SLACK_COMMANDS
    ]
    return _table(("Command", "What it does", "Role"), rows)


def _sources() -> str:
    rows = []
    for source in SOURCES:
        secret = "an API key" if source.key_authenticated else "a secret" if source.needs_secret else "nothing"
        rows.append((_code(source.kind), source.title, _first_sentence(source), secret))
    return _table(("Kind", "Name", "Who sends", "Proved by"), rows)


def _actions() -> str:
    return _table(
        ("Action", "What it does", "When it must be done again"),
        [(_code(action.name), action.summary, action.repeats) for action in ACTIONS],
    )


def _parameters(name: str) -> Callable[[], str]:
    def made() -> str:
        schema = ACTIONS.get(name).params.model_json_schema(by_alias=True)
        return _table(("Parameter", "Kind", "Default", "Meaning"), _members(schema))

    return made


def _engine_config() -> str:
    return _table(("Key", "Kind", "Default", "Meaning"), _members(EngineConfig.model_json_schema()))


def _members(schema: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    required = schema.get("required", [])
    for name, member in schema["properties"].items():
        default = "required" if name in required else _default(member.get("default"))
        meaning = " ".join(part for part in (member.get("description", ""), _limits(member)) if part)
        yield _code(name), _kind(member, schema.get("$defs", {})), default, meaning


def _kind(member: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "anyOf" in member:
        kinds = [_kind(part, definitions) for part in member["anyOf"] if part.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in member:
        target = definitions.get(member["$ref"].rpartition("/")[2], {})
        return "{" + ", ".join(target["properties"]) + "}" if "properties" in target else "any JSON"
    if "enum" in member:
        return ", ".join(member["enum"])
    kind = str(member.get("type", "any JSON"))
    if kind == "array":
        return f"list of {_kind(member['items'], definitions)}s"
    return {"integer": "whole number", "boolean": "true or false", "string": "text"}.get(kind, kind)


def _limits(member: dict[str, Any]) -> str:
    """Return a schema's most important limits in words."""
    parts = [member, *member.get("anyOf", [])]
    found = {key: value for part in parts for key, value in part.items()}
    unit = "characters" if "maxLength" in found else ""
    most = found.get("maxLength", found.get("maximum"))
    return f"At most {most:,} {unit}".strip() + "." if most is not None else ""


def _permissions() -> str:
    routes = list(load())
    rows = [(_code(permission), _allowed(permission, routes)) for permission in PERMISSIONS]
    return _table(("Permission", "What it is needed for today"), rows)


def _allowed(permission: str, routes: Iterable[Route]) -> str:
    match permission:
        case "webhooks.receive":
            return "delivering to an integration whose source is `bearer`"
        case "admin":
            first = "everything; "
        case _:
            first = ""
    return first + ", ".join(_code(f"{r.method} {r.path}") for r in routes if r.permission == permission) or _NONE


def _operations() -> str:
    rows = [(_code(f"{r.method} {_PLACE.sub(_NAME, r.path)}"), r.summary, _who(r)) for r in load()]
    return _table(("Operation", "What it does", "Permission"), rows)


def _reference() -> str:
    """Return the whole REST reference, made from the OpenAPI document: one section for each operation."""
    document = openapi.describe(load())
    parts = []
    for tag in document["tags"]:
        parts.append(f"## {tag['x-displayName']}\n\n{tag.get('description', '')}".rstrip())
        parts += map(_operation, docs.operations(document, tag["name"], "http://127.0.0.1:8080", "en"))
    return "\n\n".join(parts)


def _operation(one: docs.Operation) -> str:
    lines = [f"### {one.method} {one.path}", f"{one.summary}. {one.description}", f"Permission: {_permission_of(one)}."]
    if one.parameters:
        rows = [(_code(p.name), p.place, p.kind, _needed(p), p.description) for p in one.parameters]
        lines.append(_table(("Parameter", "In", "Kind", "", "Meaning"), rows))
    if one.body:
        members = [(_code(f.name), f.kind, _needed(f), f.description) for f in one.body]
        lines.append(_table(("Member of the body", "Kind", "", "Meaning"), members))
    if one.result:
        lines.append(
            _table(
                ("Member of the answer", "Kind", "Meaning"),
                [(_code(f.name), f.kind, f.description) for f in one.result],
            )
        )
    lines.append(_table(("Status", "Meaning"), one.answers))
    lines.append(f"```sh\n{one.curl}\n```")
    return "\n\n".join(lines)


def _permission_of(one: docs.Operation) -> str:
    return one.permission if " " in one.permission else _code(one.permission)


def _needed(field: docs.Field) -> str:
    return "required" if field.required else ""


def _who(route: Route) -> str:
    if route.permission is None:
        return "none"
    return route.permission if route.permission == "any key" else _code(route.permission)


def _statuses() -> str:
    rows = [(status, kind.default_error, _first_sentence(kind)) for kind, status in STATUS.items()]
    rows.append((500, CcbError.default_error, "A fault of the engine; its log has the cause under `request_id`."))
    return _table(("Status", "`error`", "Meaning"), sorted(rows))


def _first_sentence(thing: object) -> str:
    kind = thing if isinstance(thing, type) else type(thing)
    return (kind.__doc__ or "").partition("\n\n")[0].replace("\n", " ").strip()


def _delays() -> str:
    rows = []
    for attempt in range(1, 10):
        told = [_spread(backoff, attempt) for backoff in ("exponential", "linear", "fixed")]
        rows.append((f"{attempt}", *told))
    return _table(("After try", "`exponential`", "`linear`", "`fixed`"), rows)


def _spread(backoff: Any, attempt: int) -> str:
    base = float(Settings.model_fields["retry_base_seconds"].default)

    def delay(dice: float) -> float:
        return retry.delay(backoff, attempt=attempt, base=base, retry_after=None, dice=lambda: dice)

    return f"up to {_long(delay(1))}" if delay(0) == 0 else f"about {_long(delay(0.5))}"


def _long(seconds: float) -> str:
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "min"), (left, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _modules() -> str:
    rows = [
        (_code(module), ", ".join(map(_code, names)) if names else "everything that matters")
        for module, names in ALLOWED_MODULES.items()
    ]
    return _table(("Module", "What of it"), rows)


def _missing_modules() -> str:
    together: dict[str, list[str]] = {}
    for module, instead in INSTEAD_OF_MODULE.items():
        together.setdefault(str(instead), []).append(_code(module))
    rows = [(", ".join(modules), instead) for instead, modules in together.items()]
    return _table(("Not there", "Instead"), rows)


def _unsupported() -> str:
    return _table(("Not there", "Instead"), [(entry.what, entry.instead) for entry in UNSUPPORTED.values()])


def _builtins() -> str:
    return ", ".join(_code(f"{name}()") for name in MISSING_BUILTINS)


def _metrics() -> str:
    rows = [(_code(metric.name), metric.unit, metric.kind, metric.description) for metric in METRICS.values()]
    return _table(("Metric", "Unit", "Kind", "Meaning"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "settings": _settings,
    "commands": _command_rows,
    "slack-commands": _slack_commands,
    "slack-scopes": _slack_scopes,
    "sources": _sources,
    "actions": _actions,
    "engine-config": _engine_config,
    "permissions": _permissions,
    "operations": _operations,
    "reference": _reference,
    "statuses": _statuses,
    "delays": _delays,
    "metrics": _metrics,
    "modules": _modules,
    "missing-modules": _missing_modules,
    "unsupported": _unsupported,
    "builtins": _builtins,
    **{f"parameters-{name}": _parameters(name) for name in ACTIONS.names()},
}


def main() -> None:
    """Write the tables into the pages."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (new := filled(text)) != text:
            page.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{page.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
