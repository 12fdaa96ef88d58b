"""The OpenAPI 3.1 document, made from the routes and their pydantic models: it cannot say what the code does not do.

https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from core.auth import PERMISSIONS
from core.context import Context
from core.errors import CcbError, Denied, Invalid, Malformed, TooLarge, Unauthenticated, Unsupported
from core.http.errors import STATUS
from core.http.health import VERSION
from core.http.routes import ANY_KEY, ROUTES, Request, Route, route
from core.texts import DEFAULT_LANGUAGE, T

_PLACE = re.compile(r"\{(\w+)[^}]*\}")
_REFERENCE = "#/components/schemas/{model}"
_TAGS = {
    "integrations": (T("Integrations"), T("Install, configure, switch on and off.")),
    "events": (T("Events"), T("What came in, and what became of it.")),
    "metrics": (T("Metrics"), T("How much, how fast, how well.")),
    "changelog": (T("Changelog"), T("Who changed what, and when.")),
    "webhooks": (T("Webhooks"), T("Where services deliver.")),
    "github": (T("GitHub"), T("The repository of the integrations.")),
    "keys": (T("API keys"), T("Who may call, and what they may do.")),
    "health": (T("Health"), T("Whether it works.")),
    "docs": (T("About this API"), T("The description that this page is made from.")),
}
"""The groups of operations in the order in which they are shown; others follow them."""


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
        path = _PLACE.sub(r"{\1}", one.path)
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
        """Return the schema of a route's `request`, `response` or `query`."""
        mode: Any = "serialization" if part == "response" else "validation"
        return dict(self._found[(one.operation_id, part), mode])

    def inlined(self, one: Route, part: str) -> dict[str, Any]:
        """Return a schema with its first reference followed: that of an object, whose members are needed."""
        schema = self.of(one, part)
        reference = schema.get("$ref")
        return dict(self.definitions[reference.rpartition("/")[2]]) if reference else schema


def _types(one: Route) -> list[tuple[str, Any, str]]:
    found = [("request", one.request, "validation"), ("query", one.query, "validation")]
    found.append(("response", one.response, "serialization"))
    return [(part, kind, mode) for part, kind, mode in found if kind is not None]


def _operation(one: Route, schemas: _Schemas, language: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.operation_id,
        "summary": one.summary.render(language),
        "description": _description(one, language),
        "tags": [one.tag],
        "parameters": _parameters(one, schemas),
        "responses": _responses(one, schemas),
        "security": [] if one.open else [{"key": []}],
        "x-permission": one.permission,
    }
    if one.request is not None:
        required = bool(schemas.inlined(one, "request").get("required"))
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


def _parameters(one: Route, schemas: _Schemas) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(one.path)
    ]
    if one.query is not None:
        schema = schemas.inlined(one, "query")
        for name, field in schema.get("properties", {}).items():
            parameter = {"name": name, "in": "query", "required": name in schema.get("required", []), "schema": field}
            if "description" in field:
                parameter["description"] = field["description"]
            parameters.append(parameter)
    return parameters


def _responses(one: Route, schemas: _Schemas) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(one.status).phrase}
    if one.response is not None:
        good["content"] = {one.produces: {"schema": schemas.of(one, "response")}}
    elif one.produces != "application/json":
        good["content"] = {one.produces: {"schema": {"type": "string"}}}
    responses = {str(one.status): good}
    for status, kinds in sorted(_errors(one).items()):
        names = dict.fromkeys(kind.default_error for kind in kinds)
        responses[str(status)] = _error_response(HTTPStatus(status).phrase + ": " + ", ".join(names))
    responses["default"] = _error_response("Any other error")
    return responses


def _errors(one: Route) -> Mapping[int, list[type[CcbError]]]:
    """Return the errors of a route by status: its own, and those that follow from what it asks for."""
    kinds: list[type[CcbError]] = [*one.errors]
    if not one.open:
        kinds += [Malformed, Unauthenticated]
    if one.permission not in (None, ANY_KEY):
        kinds.append(Denied)
    if one.request is not None:
        kinds += [Malformed, TooLarge, Unsupported]
    if not one.raw:
        kinds.append(Invalid)
    found: dict[int, list[type[CcbError]]] = {}
    for kind in kinds:
        found.setdefault(STATUS[kind], []).append(kind)
    return found


def _error_response(description: str) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model=Error.__name__)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
