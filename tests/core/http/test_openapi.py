"""The OpenAPI document and the page made from it."""

from __future__ import annotations

import inspect
import re
from html.parser import HTMLParser
from typing import Any

import aiohttp
import jsonschema
import pytest

from core.auth import PERMISSIONS
from core.http.openapi import describe, document
from core.http.routes import ANY_KEY, ROUTES, Route, load, template
from core.metrics import METRICS

load()
ALL = list(ROUTES)


@pytest.mark.parametrize("route", ALL, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_says_all_that_the_document_needs(route: Route) -> None:
    assert str(route.summary).strip() and route.tag and inspect.getdoc(route.handler)
    assert route.permission in (*PERMISSIONS, ANY_KEY) or (route.open and route.permission is None)
    assert route.path == "/docs" or route.raw or route.response is not None or route.produces != "application/json"
    operation = document()["paths"][template(route.path)][route.method.lower()]
    assert operation["summary"] and operation["x-permission"] == route.permission
    assert bool(operation["security"]) is not route.open
    for parameter in operation["parameters"]:
        assert parameter["in"] == "query" or parameter.get("description"), f"{parameter['name']} is not described"
    answers = operation["responses"]
    assert "default" not in answers, "every status is named"
    assert route.raw or route.produces != "application/json" or answers[str(route.status)]["content"]
    assert {"500", "503"} <= answers.keys() and "Retry-After" in answers["503"]["headers"]
    for status, answer in answers.items():
        if status >= "400":
            assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
        assert route.raw or "X-Request-Id" in answer["headers"]


@pytest.mark.parametrize("route", ALL, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_names_the_errors_that_follow_from_what_it_asks_for(route: Route) -> None:
    operation = document()["paths"][template(route.path)][route.method.lower()]
    answers, headers = operation["responses"], {p["name"] for p in operation["parameters"] if p["in"] == "header"}
    expected: set[str] = set()
    if not route.open:
        expected |= {"400", "401", "429"}
        assert {"RateLimit", "RateLimit-Policy"} <= answers[str(route.status)]["headers"].keys()
        assert "Retry-After" in answers["429"]["headers"] and "WWW-Authenticate" in answers["401"]["headers"]
    if route.permission in PERMISSIONS:
        assert f"`{route.permission}`" in operation["description"]
        expected.add("403")
    if not route.raw:
        expected |= {"404", "422"} if "{" in route.path else {"422"}
    if route.request is not None:
        expected |= {"400", "413", "415"}
    assert ("Idempotency-Key" in headers) is (route.method == "POST" and not route.open)
    if "Idempotency-Key" in headers:
        expected.add("409")
        assert "Idempotency-Replayed" in answers[str(route.status)]["headers"]
    assert expected <= answers.keys()


def test_operation_ids_are_unique() -> None:
    ids = [route.operation_id for route in ALL]
    assert len(ids) == len(set(ids))


def test_every_path_parameter_is_declared() -> None:
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            declared = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert declared == set(re.findall(r"\{(\w+)\}", path))
            names = [(p["name"], p["in"]) for p in operation["parameters"]]
            assert len(names) == len(set(names))


def test_the_schemas_are_json_schema_and_all_references_lead_somewhere() -> None:
    found = document()
    schemas = found["components"]["schemas"]
    for name, schema in schemas.items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
        jsonschema.Draft202012Validator.check_schema(schema)
    for node in _nodes(found):
        if "$ref" in node:
            _, kind, name = node["$ref"].removeprefix("#/").split("/")
            assert name in found["components"][kind]
    schemas = [node["schema"] for node in _nodes(found) if isinstance(node.get("schema"), dict)]
    for schema in {repr(one): one for one in schemas}.values():  # most are the same few references
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_document_has_the_form_of_openapi_3_1() -> None:
    jsonschema.Draft202012Validator(FORM).validate(document())


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/integrations/{id}/metrics"])
def test_the_metrics_and_their_steps_are_in_the_document(path: str) -> None:
    asked = {p["name"]: p["schema"] for p in document()["paths"][path]["get"]["parameters"]}
    assert asked["metric"]["enum"] == list(METRICS)
    for step, good in {"1m": True, "15m": True, "1h": True, "7d": True, "": False, "0m": False, "90s": False}.items():
        assert jsonschema.Draft202012Validator(asked["step"]).is_valid(step) is good
    assert asked["from"]["anyOf"] == asked["to"]["anyOf"]


def test_deliveries_have_the_answers_that_their_senders_get() -> None:
    answers = document()["paths"]["/webhooks/{id}"]["post"]["responses"]
    stored, here = (answers[status]["content"]["application/json"]["schema"] for status in ("202", "200"))
    _check(stored, {"event_id": "evt_1", "status": "queued"})
    _check(here, {"event_id": "evt_1", "status": "duplicate"})
    _check(here, {"challenge": "as Slack sent it"})


def test_only_the_summaries_depend_on_the_language() -> None:
    english, russian = describe(ALL), describe(ALL, "ru")
    assert english["paths"].keys() == russian["paths"].keys()
    assert english["components"]["schemas"] == russian["components"]["schemas"]


async def test_what_is_served_is_this_document(anonymous: aiohttp.ClientSession) -> None:
    response = await anonymous.get("/v1/openapi.json")
    assert response.status == 200 and await response.json() == document()


async def test_real_answers_fit_their_schemas(admin: aiohttp.ClientSession) -> None:
    for path in ("/health", "/health/live", "/v1/user", "/v1/auth/tokens", "/v1/auth/verify", "/v1/auth/token-info"):
        answer = await (await admin.get(path)).json()
        responses = document()["paths"][path]["get"]["responses"]
        _check(responses["200"]["content"]["application/json"]["schema"], answer)
    wrong = await (await admin.post("/v1/auth/tokens", json={})).json()
    _check({"$ref": "#/components/schemas/Error"}, wrong)


class _Page(HTMLParser):
    """What a page consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in ("href", "src") and value]


async def test_the_page_shows_every_operation_and_needs_nothing_from_elsewhere(
    anonymous: aiohttp.ClientSession,
) -> None:
    response = await anonymous.get("/docs")
    assert response.status == 200 and response.content_type == "text/html"
    text = await response.text()
    page = _Page()
    page.feed(text)
    assert {route.operation_id for route in ALL} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert "script" not in page.tags and not {a for a in page.attributes if a.startswith("on") or a == "style"}
    assert all(link == "/v1/openapi.json" or link[1:] in page.ids for link in page.links)
    assert "Authorization: Bearer $CCB_API_KEY" in text


async def test_the_pages_policy_lets_in_its_own_style_alone(anonymous: aiohttp.ClientSession) -> None:
    import base64
    import hashlib

    response = await anonymous.get("/docs")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy
    style = re.findall(r"<style>(.*?)</style>", await response.text(), re.S)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_is_in_the_readers_language(anonymous: aiohttp.ClientSession) -> None:
    for header, language in (("ru-RU,ru;q=0.9,en;q=0.5", "ru"), ("de", "en"), ("en,ru;q=0.9", "en")):
        response = await anonymous.get("/docs", headers={"Accept-Language": header})
        assert response.headers["Content-Language"] == language
        assert f'<html lang="{language}">' in await response.text()


def _check(schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": document()["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def _nodes(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(node for part in value.values() for node in _nodes(part))]
    if isinstance(value, list):
        return [node for part in value for node in _nodes(part)]
    return []


_CONTENT: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": "^[^/]+/[^/]+$"},
    "additionalProperties": {
        "type": "object",
        "properties": {"schema": {"type": "object"}},
        "additionalProperties": False,
    },
}
_OPERATION: dict[str, Any] = {
    "type": "object",
    "required": ["operationId", "summary", "responses"],
    "properties": {
        "operationId": {"type": "string"},
        "summary": {"type": "string"},
        "description": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "parameters": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "in", "schema"],
                "properties": {
                    "name": {"type": "string"},
                    "in": {"enum": ["path", "query", "header", "cookie"]},
                    "required": {"type": "boolean"},
                    "description": {"type": "string"},
                    "schema": {"type": "object"},
                },
                "additionalProperties": False,
                "if": {"properties": {"in": {"const": "path"}}},
                "then": {"required": ["required"], "properties": {"required": {"const": True}}},
            },
        },
        "requestBody": {
            "type": "object",
            "required": ["content"],
            "properties": {"required": {"type": "boolean"}, "content": _CONTENT},
            "additionalProperties": False,
        },
        "responses": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^([1-5][0-9][0-9]|default)$"},
            "additionalProperties": {
                "type": "object",
                "required": ["description"],
                "properties": {
                    "description": {"type": "string"},
                    "content": _CONTENT,
                    "headers": {"type": "object", "additionalProperties": {"required": ["$ref"]}},
                },
                "additionalProperties": False,
            },
        },
        "security": {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "array"}}},
    },
    "patternProperties": {"^x-": {}},
    "additionalProperties": False,
}
FORM: dict[str, Any] = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {
        "openapi": {"pattern": r"^3\.1\.\d+$"},
        "info": {
            "type": "object",
            "required": ["title", "version"],
            "properties": {
                "title": {"type": "string"},
                "version": {"type": "string"},
                "summary": {"type": "string"},
                "license": {"type": "object", "required": ["name"]},
            },
            "additionalProperties": False,
        },
        "servers": {"type": "array", "items": {"type": "object", "required": ["url"]}},
        "tags": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        "paths": {
            "type": "object",
            "propertyNames": {"pattern": "^/"},
            "additionalProperties": {
                "type": "object",
                "propertyNames": {"enum": ["get", "put", "post", "delete", "patch"]},
                "additionalProperties": _OPERATION,
            },
        },
        "components": {"type": "object"},
    },
    "additionalProperties": False,
}
"""The parts of https://spec.openapis.org/oas/3.1/schema/2022-10-07 that the document uses, and nothing beside them."""
