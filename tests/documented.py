"""Every answer that a test gets is held against the OpenAPI document: its status, its headers, its form."""

from __future__ import annotations

import re
from functools import cache

import aiohttp
import jsonschema

from core.http.answers import COMPONENTS
from core.http.openapi import document
from core.http.routes import load

_HEADERS = {name.lower() for name in COMPONENTS}


async def check(response: aiohttp.ClientResponse) -> None:
    """Fail when an answer is not what the document says; for a session's `raise_for_status`, which sees each."""
    found = _operation(response.method, response.url.raw_path)
    if found is None or response.status == 405:
        return
    asked = f"{response.method} {response.url.raw_path}: {response.status}"
    path, method = found
    answers = document()["paths"][path][method]["responses"]
    assert str(response.status) in answers, f"{asked} is not in the document: {await response.text()}"
    answer = answers[str(response.status)]
    sent, known = {name.lower() for name in response.headers}, {name.lower() for name in answer.get("headers", {})}
    assert not (sent & _HEADERS) - known, f"{asked} has headers that are not in the document"
    validator = _validator(path, method, response.status)
    if validator is not None:
        problem = next(validator.iter_errors(await response.json()), None)
        assert problem is None, f"{asked}: {problem}"
    elif "content" not in answer:
        assert not await response.read(), f"{asked} has a body, which is not in the document"


@cache
def _validator(path: str, method: str, status: int) -> jsonschema.Draft202012Validator | None:
    content = document()["paths"][path][method]["responses"][str(status)].get("content", {})
    if "application/json" not in content:
        return None
    whole = {**content["application/json"]["schema"], "components": document()["components"]}
    return jsonschema.Draft202012Validator(whole)


def _operation(method: str, path: str) -> tuple[str, str] | None:
    found = [known for known in _patterns() if re.fullmatch(known[0], path)]
    if not found or method.lower() not in document()["paths"][found[0][1]]:
        return None
    return found[0][1], method.lower()


@cache
def _patterns() -> list[tuple[str, str]]:
    """Return a pattern for each path of the document; those without parameters first, as the server looks them up."""
    load()
    paths: list[str] = sorted(document()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.sub(r"\{\w+\}", "[^/]+", path), path) for path in paths]
