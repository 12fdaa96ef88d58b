"""Configuration on a command line."""

from __future__ import annotations

from typing import Any

import pytest

from core.cli.failure import USAGE, CliError
from core.cli.values import pairs, parse, show


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("5", {"type": "integer"}, 5),
        ("0.5", {"type": "number"}, 0.5),
        ("true", {"type": "boolean"}, True),
        ("No", {"type": "boolean"}, False),
        ("да", {"type": "boolean"}, True),
        ("main, release/*", {"type": "array", "items": {"type": "string"}}, ["main", "release/*"]),
        ("1,2", {"type": "array", "items": {"type": "integer"}}, [1, 2]),
        ('["a,b"]', {"type": "array"}, ["a,b"]),
        ('{"octocat": "U1"}', {"type": "object"}, {"octocat": "U1"}),
        ("5", {"type": "string"}, "5"),
        ("true", None, "true"),
        ('["x"]', None, ["x"]),
        ("a=b", {"type": "string"}, "a=b"),
    ],
)
def test_a_value_is_read_by_the_schemas_type(text: str, schema: dict[str, Any] | None, value: Any) -> None:
    assert parse("key", text, schema) == value
    assert type(parse("key", text, schema)) is type(value)


@pytest.mark.parametrize(
    ("text", "kind"), [("x", "integer"), ("1.5", "integer"), ("maybe", "boolean"), ("{", "object")]
)
def test_a_wrong_value_is_named(text: str, kind: str) -> None:
    with pytest.raises(CliError, match="key must be") as caught:
        parse("key", text, {"type": kind})
    assert caught.value.code == USAGE


def test_pairs() -> None:
    assert pairs(["a=1", "b=", "c=x=y"]) == {"a": "1", "b": "", "c": "x=y"}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(CliError):
            pairs(wrong)


def test_values_are_shown_as_they_could_be_typed() -> None:
    assert [show(v) for v in ("x", ["a", "b"], ["a,b"], True, {"k": 1})] == ["x", "a, b", '["a,b"]', "true", '{"k":1}']
