"""Forms that lose nothing: what was typed comes back, with what is wrong beside its field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel

from core.errors import CcbError, Invalid
from core.http import parsing
from core.texts import Text

Model = TypeVar("Model", bound=BaseModel)
GENERAL = "form"
"""In place of a field's name: what is wrong with none of them alone."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a field. `column`: where in it, from 1."""

    message: str
    column: int | None = None


def parsed(kind: type[Model], given: Mapping[str, Any]) -> Model:
    """Return a form as what REST would take; raise `Invalid`, whose `fields` say what is wrong with each."""
    found: Model = parsing.body(kind, orjson.dumps(given))
    return found


def typed(form: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Return what stands in these fields; one that was not sent is empty."""
    return {name: form.get(name, "") for name in names}


def problems(
    error: CcbError, names: Collection[str], language: str, *, called: Mapping[str, str] | None = None
) -> dict[str, Problem]:
    """Return what is wrong, by field; `called`: members that have another name in the form."""
    fields = error.details.get("fields") if isinstance(error, Invalid) else None
    found: dict[str, Problem] = {}
    for one in fields or [{**error.details, "message": error.message}]:
        path = [(called or {}).get(part, part) for part in str(one.get("path", "")).split(".")]
        place = next((part for part in path if part in names), GENERAL)
        said = one["message"]
        message = said.render(language) if isinstance(said, Text) else str(said)
        found.setdefault(place, Problem(message, one.get("column")))
    return found
