"""Why pydantic and JSON Schema refuse a value, as texts that stand after its name: `must be a whole number`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic_core import ErrorDetails

from core.texts import T, Text

_TEXT = T("must be a text")
_WHOLE = T("must be a whole number")
_NUMBER = T("must be a number")
_BOOLEAN = T("must be true or false")
_LIST = T("must be a list")
_OBJECT = T("must be an object")
_EMPTY = T("must not be empty")
_KNOWN = T("must be one of {known}")
_LEAST = T("must be at least {limit}")
_MOST = T("must be at most {limit}")
_MORE = T("must be more than {limit}")
_LESS = T("must be less than {limit}")
_SHORTEST = T("must have at least {limit} characters")
_LONGEST = T("must have at most {limit} characters")
_FEWEST = T("must have at least {limit} entries")
_MOST_ENTRIES = T("must have at most {limit} entries")
_PATTERN = T("must be of the form {pattern}")
_BLANK = T("must not be blank")
_ANYTHING = r"\S"
"""The pattern of what holds more than blanks."""

_PLAIN: Final[Mapping[str, Text]] = {
    "string_type": _TEXT,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "list_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "missing": T("is missing"),
    "extra_forbidden": T("is not a known key"),
}
_BOUNDED: Final[Mapping[str, tuple[str, Text]]] = {
    "greater_than_equal": ("ge", _LEAST),
    "less_than_equal": ("le", _MOST),
    "greater_than": ("gt", _MORE),
    "less_than": ("lt", _LESS),
    "string_too_short": ("min_length", _SHORTEST),
    "string_too_long": ("max_length", _LONGEST),
    "too_short": ("min_length", _FEWEST),
    "too_long": ("max_length", _MOST_ENTRIES),
}
"""Where an error's limit stands in its context (https://docs.pydantic.dev/latest/errors/validation_errors/)."""

_KINDS: Final[Mapping[str, Text]] = {
    "string": _TEXT, "integer": _WHOLE, "number": _NUMBER, "boolean": _BOOLEAN, "array": _LIST, "object": _OBJECT,
}  # fmt: skip
_KEYWORDS: Final[Mapping[str, Text]] = {
    "minimum": _LEAST,
    "maximum": _MOST,
    "exclusiveMinimum": _MORE,
    "exclusiveMaximum": _LESS,
    "minLength": _SHORTEST,
    "maxLength": _LONGEST,
    "minItems": _FEWEST,
    "maxItems": _MOST_ENTRIES,
}


def reason(found: ErrorDetails) -> Text:
    """Return why pydantic refuses a value. A validator of ours may raise a ValueError that holds a `Text`."""
    kind, context = found["type"], found.get("ctx", {})
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in _BOUNDED:
        name, text = _BOUNDED[kind]
        return _limited(text, context[name])
    match kind:
        case "literal_error" | "enum":
            return _filled(_KNOWN, known=context["expected"].replace("' or '", "', '"))
        case "string_pattern_mismatch":
            return _BLANK if context["pattern"] == _ANYTHING else _filled(_PATTERN, pattern=context["pattern"])
        case "value_error":
            own = context["error"].args[0]
            return own if isinstance(own, Text) else T("{reason}", reason=own)
        case _:
            message = found["msg"]
            return T("{reason}", reason=message[:1].lower() + message[1:])


def schema_reason(keyword: str, limit: Any, message: str | None) -> Text:
    """Return why JSON Schema refuses a value: the `keyword` that does, what it says, and the library's own `message`.

    `message` repeats the value, so it is None for a secret.
    """
    if keyword == "type" and limit in _KINDS:
        return _KINDS[limit]
    if keyword == "enum":
        return _filled(_KNOWN, known=", ".join(map(repr, limit)))
    if keyword == "pattern":
        return _filled(_PATTERN, pattern=limit)
    if keyword == "format":
        return T("is not of the form {format}", format=limit)
    if keyword in _KEYWORDS:
        return _limited(_KEYWORDS[keyword], limit)
    return (
        T("does not fit {keyword} in its schema", keyword=keyword) if message is None else T("{reason}", reason=message)
    )


def _limited(text: Text, limit: Any) -> Text:
    return _EMPTY if text in (_SHORTEST, _FEWEST) and limit == 1 else _filled(text, limit=limit)


def _filled(text: Text, **values: Any) -> Text:
    return replace(text, values=tuple(values.items()))
