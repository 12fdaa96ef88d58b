"""Why a value is refused, in our own words, whichever library found it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from core.texts import T
from core.validation import reason, schema_reason


def _own(value: str) -> str:
    raise ValueError(T("{value} is not for us", value=value))


CASES: list[tuple[Any, Any, str]] = [
    (str, 1, "must be a text"),
    (int, "x", "must be a whole number"),
    (int, 1.5, "must be a whole number"),
    (float, "x", "must be a number"),
    (bool, "perhaps", "must be true or false"),
    (list[int], "x", "must be a list"),
    (dict[str, int], [], "must be an object"),
    (Literal["a", "b", "c"], "d", "must be one of 'a', 'b', 'c'"),
    (Annotated[int, Field(ge=1)], 0, "must be at least 1"),
    (Annotated[int, Field(le=20)], 21, "must be at most 20"),
    (Annotated[float, Field(gt=0)], 0.0, "must be more than 0.0"),
    (Annotated[float, Field(lt=1)], 1.0, "must be less than 1.0"),
    (Annotated[str, Field(min_length=1)], "", "must not be empty"),
    (Annotated[str, Field(min_length=8)], "short", "must have at least 8 characters"),
    (Annotated[str, Field(max_length=2)], "abc", "must have at most 2 characters"),
    (Annotated[list[int], Field(min_length=1)], [], "must not be empty"),
    (Annotated[list[int], Field(max_length=2)], [1, 2, 3], "must have at most 2 entries"),
    (Annotated[str, Field(pattern="^[a-z]+$")], "A", "must be of the form ^[a-z]+$"),
    (Annotated[str, Field(pattern=r"\S")], " ", "must not be blank"),
]


@pytest.mark.parametrize(("kind", "value", "said"), CASES)
def test_what_pydantic_finds(kind: Any, value: Any, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    assert str(reason(refused.value.errors()[0])) == said


def test_a_validators_own_text_stays_one() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(Annotated[str, AfterValidator(_own)]).validate_python("x")
    assert reason(refused.value.errors()[0]) == T("{value} is not for us", value="x")


def test_what_nobody_has_put_into_words_is_said_as_the_library_says_it() -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(bytes).validate_python(1)
    assert str(reason(refused.value.errors()[0])) == "input should be a valid bytes"


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        ({"type": "string"}, 5, "must be a text"),
        ({"type": "array"}, "main", "must be a list"),
        ({"enum": ["a", "b"]}, "c", "must be one of 'a', 'b'"),
        ({"minimum": 3}, 2, "must be at least 3"),
        ({"maxItems": 1}, [1, 2], "must have at most 1 entries"),
        ({"pattern": "^#"}, "x", "must be of the form ^#"),
        ({"multipleOf": 2}, 3, "3 is not a multiple of 2"),
    ],
)
def test_what_json_schema_finds(schema: dict[str, Any], value: Any, said: str) -> None:
    (found,) = jsonschema.Draft202012Validator(schema).iter_errors(value)
    assert str(schema_reason(found.validator, found.validator_value, found.message)) == said


def test_a_secret_is_not_repeated() -> None:
    assert str(schema_reason("not", {}, None)) == "does not fit not in its schema"
