"""`/docs`: the OpenAPI document as a page to read."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import Any

import orjson
from aiohttp import web

from core.context import Context
from core.http import openapi
from core.http.node import NODE
from core.http.pages import page
from core.http.routes import ANY_KEY, Request, route
from core.texts import T

_DEEPEST = 4
"""How far an example follows nested objects."""


@dataclass(frozen=True)
class Field:
    """One parameter, or one member of a body."""

    name: str
    kind: str
    required: bool
    description: str
    place: str = ""


@dataclass(frozen=True)
class Operation:
    """One operation, ready to be shown."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    permission: str
    parameters: list[Field]
    body: list[Field]
    answers: list[tuple[str, str]]
    result: list[Field]
    curl: str


@route("GET", "/docs", permission=None, open=True, tag="docs", produces="text/html", summary=T("The API, to read"))
async def docs(ctx: Context, request: Request) -> web.Response:
    """Show every operation with its permission, its parameters and an example."""
    language = request.language
    document = openapi.document(language)
    base = ctx.settings.public_url or request.raw.app[NODE].address or ctx.settings.base_url
    groups = [(tag, operations(document, tag["name"], base.rstrip("/"), language)) for tag in document["tags"]]
    words = {name: text.render(language) for name, text in _WORDS.items()}
    return page("docs.html", language=language, info=document["info"], groups=groups, words=words)


_WORDS = {
    "title": T("The API of Claude Code Bot"),
    "lead": T(
        "Send your API key in the header {header}. Bodies and answers are JSON; so are errors, which say what to do.",
        header="Authorization: Bearer ccb_…",
    ),
    "document": T("OpenAPI 3.1 document"),
    "contents": T("Contents"),
    "parameters": T("Parameters"),
    "body": T("Body"),
    "answers": T("Answers"),
    "result": T("Fields of the answer"),
    "example": T("Example"),
    "required": T("required"),
    "permission": T("Permission"),
    "path": T("in the path"),
    "query": T("in the query"),
    "header": T("in a header"),
}


def operations(document: dict[str, Any], tag: str, base: str, language: str) -> list[Operation]:
    """Return the operations of one group; `base`: the address that examples ask."""
    return [
        _operation(document, method.upper(), path, operation, base, language)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    ]


def _operation(
    document: dict[str, Any], method: str, path: str, operation: dict[str, Any], base: str, language: str
) -> Operation:
    content = operation.get("requestBody", {}).get("content", {})
    body = content.get("application/json", {}).get("schema")
    good = next(response for status, response in operation["responses"].items() if status[0] in "23")
    result: dict[str, Any] = next((answer["schema"] for answer in good.get("content", {}).values()), {})
    return Operation(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"].partition("\n\n")[0],
        permission=_permission(operation["x-permission"], language),
        parameters=[
            Field(p["name"], _kind(document, p["schema"]), p["required"], p.get("description", ""), p["in"])
            for p in operation["parameters"]
        ],
        body=_members(document, body) if body else [],
        answers=[(status, r["description"]) for status, r in operation["responses"].items()],
        result=[replace(member, required=False) for member in _members(document, result)],
        curl=_curl(document, method, base + path, body, key=bool(operation["security"]), webhook="*/*" in content),
    )


def _permission(permission: str | None, language: str) -> str:
    if permission is None:
        return T("no key").render(language)
    return T("any key").render(language) if permission == ANY_KEY else permission


def _followed(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def _members(document: dict[str, Any], schema: dict[str, Any]) -> list[Field]:
    """Return the members of an object, or of the objects in a list."""
    schema = _followed(document, schema)
    if schema.get("type") == "array":
        return _members(document, schema.get("items", {}))
    required = schema.get("required", [])
    return [
        Field(name, _kind(document, member), name in required, member.get("description", ""))
        for name, member in schema.get("properties", {}).items()
    ]


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """Return a schema in a few words, with its bounds: `integer, 1…500`, `list of string`, `open | closed`."""
    if "$ref" in schema:
        target = _followed(document, schema)
        return _kind(document, target) if "enum" in target else "object"
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_kind(document, part) for part in schema["anyOf"]))
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return f"list of {'string' if 'enum' in items else _kind(document, items)}"
    return ", ".join([str(schema.get("type", "any")), *_bounds(schema)])


def _bounds(schema: dict[str, Any]) -> list[str]:
    found = [
        f"{name}{schema.get(least, '')}…{schema.get(most, '')}"
        for name, least, most in (("", "minimum", "maximum"), ("length ", "minLength", "maxLength"))
        if least in schema or most in schema
    ]
    return found + [str(schema[name]) for name in ("format", "pattern") if name in schema]


def _example(document: dict[str, Any], schema: dict[str, Any], depth: int = 0) -> Any:
    """Return a value that the schema would take: what it gives as an example, else one made of its types."""
    schema = _followed(document, schema)
    for source in ("examples", "enum"):
        if schema.get(source):
            return schema[source][0]
    if "default" in schema:
        return schema["default"]
    if "anyOf" in schema:
        return _example(document, schema["anyOf"][0], depth)
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        required = schema.get("required", []) if depth < _DEEPEST else []
        shown = required or [n for n, member in schema.get("properties", {}).items() if "examples" in member]
        return {name: _example(document, schema["properties"][name], depth + 1) for name in shown}
    if kind == "array":
        return [_example(document, schema.get("items", {}), depth + 1)] if depth < _DEEPEST else []
    return {"string": "…", "integer": 1, "number": 1, "boolean": True}.get(str(kind))


def _curl(
    document: dict[str, Any], method: str, url: str, body: dict[str, Any] | None, *, key: bool, webhook: bool
) -> str:
    parts = [f"curl -s {'' if method == 'GET' else f'-X {method} '}{shlex.quote(url)}"]
    if key:
        parts.append('-H "Authorization: Bearer $CCB_API_KEY"')
    if body is not None:
        example = orjson.dumps(_example(document, body)).decode()
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(example)}"]
    elif webhook:
        parts.append("--data-binary @delivery.json")
    return " \\\n  ".join(parts)
