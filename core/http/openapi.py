"""The OpenAPI 3.1 document, made from the routes and their pydantic models: it cannot say what the code does not do.

https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from core.auth import PERMISSIONS
from core.context import Context
from core.http import idempotency
from core.http.answers import COMPONENTS, responses
from core.http.health import VERSION
from core.http.routes import ANY_KEY, ROUTES, Request, Route, route, template
from core.texts import DEFAULT_LANGUAGE, T, Text

_REFERENCE = "#/components/schemas/{model}"
_TAGS = {
    "integrations": (T("Integrations"), T("Install, configure, switch on and off.")),
    "events": (T("Events"), T("What came in, and what became of it.")),
    "replay": (T("Replay"), T("Run stored events again, or set them aside.")),
    "jobs": (T("Jobs"), T("Work on many events: its progress, and how to stop it.")),
    "queue": (T("Queue"), T("What waits, and for how long.")),
    "metrics": (T("Metrics"), T("How much, how fast, how well.")),
    "changelog": (T("Changelog"), T("Who changed what, and when.")),
    "alerts": (T("Alerts"), T("When to tell whom, and whether it arrives.")),
    "webhooks": (T("Webhooks"), T("Where services deliver.")),
    "github": (T("GitHub"), T("The repository of the integrations.")),
    "requests": (T("Requests"), T("Integrations that Claude is to write, or is writing.")),
    "issues": (T("Issues"), T("Requests for integrations that are GitHub issues.")),
    "keys": (T("API keys"), T("Who may call, and what they may do.")),
    "health": (T("Health"), T("Whether it works.")),
    "docs": (T("About this API"), T("The description that this page is made from.")),
}
"""The groups of operations in the order in which they are shown; others follow them."""


PLACES = {
    ("/v1/integrations/", "id"): T("The integration's id or slug."),
    ("/v1/auth/tokens/", "id"): T("The API key's id."),
    ("/v1/alerts/", "id"): T("The alert's id."),
    ("/v1/silences/", "id"): T("The silence's id."),
    ("/v1/backups/", "id"): T("The backup's id."),
    ("/webhooks/", "id"): T("The integration's id; its slug is no address."),
    ("/v1/", "event_id"): T("The event's id."),
    ("/v1/requests/", "id"): T("The request's id, which is that of the integration to be, or its slug."),
    ("/v1/issues/", "id"): T("The GitHub issue's number, or owner/repo#number, URL-encoded."),
    ("/v1/issues/", "issue_id"): T("The GitHub issue's number, or owner/repo#number, URL-encoded."),
    ("/v1/", "job_id"): T("The job's id."),
    ("/integrations/", "path"): T("What follows: an integration's id or slug, and more."),
}
"""What a parameter in a path means, by what the path begins with; the longest beginning is meant."""
_IDEMPOTENCY: dict[str, tuple[dict[str, Any], Text]] = {
    idempotency.HEADER: (
        {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST, "pattern": "^[!#-~]([ -~]*[!-~])?$"},
        T("A key of your own for this request: sent again within 12 hours, it is answered the same, not done again."),
    )
}
_LIST_HEADERS: dict[str, tuple[dict[str, Any], Text]] = {
    "If-None-Match": ({"type": "string"}, T("An ETag that you have: 304 when it still stands.")),
    "Cache-Control": ({"type": "string"}, T("max-age=300: an answer of the last 300 seconds will do.")),
}


class Error(BaseModel):
    """Every error has this form; what belongs to one stands beside as further members."""

    model_config = ConfigDict(extra="allow")

    error: str = Field(description="What went wrong, in few words that do not change: programs may match on it.")
    message: str = Field(description="What to do about it, in the language of Accept-Language.")
    request_id: str = Field(description="Quote it to whoever runs the engine.")


@route(
    "GET", "/v1/openapi.json", permission=None, open=True, tag="docs", response=dict[str, Any],
    summary=T("This document (OpenAPI 3.1)"),
)  # fmt: skip
async def openapi(ctx: Context, request: Request) -> dict[str, Any]:
    """Describe every route."""
    return document()


@cache
def document(language: str = DEFAULT_LANGUAGE) -> dict[str, Any]:
    """Return the document of all routes, with summaries in `language`."""
    return describe(list(ROUTES), language)


def describe(routes: Iterable[Route], language: str = DEFAULT_LANGUAGE) -> dict[str, Any]:
    """Return the document of `routes`."""
    routes = list(routes)
    schemas = _Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for one in routes:
        path = template(one.path)
        paths.setdefault(path, {})[one.method.lower()] = _operation(one, schemas, language)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Claude Code Bot",
            "version": VERSION,
            "summary": T("Integrations as pull requests, on durable webhooks.").render(language),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": _tags({one.tag for one in routes}, language),
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "headers": dict(COMPONENTS),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "ccb_…",
                    "description": T("An API key. Permissions: {all}.", all=", ".join(PERMISSIONS)).render(language),
                }
            },
        },
    }


def _tags(used: set[str], language: str) -> list[dict[str, str]]:
    known = [
        {"name": name, "description": description.render(language), "x-displayName": title.render(language)}
        for name, (title, description) in _TAGS.items()
        if name in used
    ]
    return known + [{"name": name, "x-displayName": name} for name in sorted(used.difference(_TAGS))]


class _Schemas:
    """The JSON Schemas of all types that the routes name; pydantic makes their names unique."""

    def __init__(self, routes: list[Route]) -> None:
        wanted: dict[tuple[Any, Any], TypeAdapter[Any]] = {("error", "serialization"): TypeAdapter(Error)}
        for one in routes:
            for part, kind, mode in _types(one):
                wanted[((one.operation_id, part), mode)] = TypeAdapter(kind)
        inputs = [(key, mode, adapter) for (key, mode), adapter in wanted.items()]
        self._found, schema = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)
        self.definitions: dict[str, Any] = schema.get("$defs", {})

    def of(self, one: Route, part: str) -> dict[str, Any]:
        """Return the schema of a route's `request`, `response` (`response 200` of another status) or `query`."""
        mode: Any = "serialization" if part.startswith("response") else "validation"
        return dict(self._found[(one.operation_id, part), mode])

    def inlined(self, one: Route, part: str) -> dict[str, Any]:
        """Return a schema with its first reference followed: that of an object, whose members are needed."""
        schema = self.of(one, part)
        reference = schema.get("$ref")
        return dict(self.definitions[reference.rpartition("/")[2]]) if reference else schema


def _types(one: Route) -> list[tuple[str, Any, str]]:
    found = [("request", one.request, "validation"), ("query", one.query, "validation")]
    found.append(("response", one.response, "serialization"))
    found += [(f"response {status}", kind, "serialization") for status, kind in one.also.items()]
    return [(part, kind, mode) for part, kind, mode in found if kind is not None]


def _operation(one: Route, schemas: _Schemas, language: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.operation_id,
        "summary": one.summary.render(language),
        "description": _description(one, language),
        "tags": [one.tag],
        "parameters": _parameters(one, schemas, language),
        "responses": responses(
            one,
            schemas.of(one, "response") if one.response is not None else None,
            {status: schemas.of(one, f"response {status}") for status in one.also},
        ),
        "security": [] if one.open else [{"key": []}],
        "x-permission": one.permission,
    }
    if one.request is not None:
        required = not {"required", "anyOf", "oneOf"}.isdisjoint(schemas.inlined(one, "request"))
        operation["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": schemas.of(one, "request")}},
        }
    elif one.raw and one.method != "GET":
        operation["requestBody"] = {"required": True, "content": {"*/*": {}}}
    return operation


def _description(one: Route, language: str) -> str:
    if one.permission is None:
        need = T("No key is needed.")
    elif one.permission == ANY_KEY:
        need = T("Needs a key, whatever its permissions.")
    else:
        need = T("Needs a key with the permission {permission}.", permission=f"`{one.permission}`")
    return f"{inspect.getdoc(one.handler) or ''}\n\n{need.render(language)}".strip()


def _parameters(one: Route, schemas: _Schemas, language: str) -> list[dict[str, Any]]:
    parameters = [_place(one, name, language) for name in one.places]
    if one.query is not None:
        schema = schemas.inlined(one, "query")
        for name, field in schema.get("properties", {}).items():
            required = name in schema.get("required", [])
            parameter = {"name": name, "in": "query", "required": required, "schema": _without_null(field)}
            if "description" in field:
                parameter["description"] = field["description"]
            parameters.append(parameter)
    headers = _headers(one)
    for name, (schema, meaning) in headers.items():
        description = meaning.render(language)
        parameters.append(
            {"name": name, "in": "header", "required": False, "schema": schema, "description": description}
        )
    return parameters


def _headers(one: Route) -> dict[str, tuple[dict[str, Any], Text]]:
    """Return the headers that a request to a route may have."""
    if one.listed:
        return _LIST_HEADERS
    if one.cached:
        return {"If-None-Match": _LIST_HEADERS["If-None-Match"]}
    return _IDEMPOTENCY if one.takes_idempotency_key else {}


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without its null: a query has none, only what is left out."""
    kinds = [kind for kind in field.get("anyOf", []) if kind != {"type": "null"}]
    rest = {name: value for name, value in field.items() if name != "anyOf" and not (name == "default" and not value)}
    if not kinds:
        return field
    return {**kinds[0], **rest} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _place(one: Route, name: str, language: str) -> dict[str, Any]:
    path = f"{one.path}/".partition(f"{{{name}}}")[0]
    known = ((text, prefix) for (prefix, place), text in PLACES.items() if place == name and path.startswith(prefix))
    text = max(known, key=lambda pair: len(pair[1]), default=(None, ""))[0]
    place: dict[str, Any] = {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    if text is not None:
        place["description"] = text.render(language)
    return place
