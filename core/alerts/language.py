"""The language of alert rules: `error_rate > 5%`, `latency_p95 > 500ms for 5m`. Pure.

The grammar is LALR(1), so reading takes time in proportion to the text; what a metric may be compared with is checked
on the way, so that an error always knows its column.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Literal, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from core import durations
from core.alerts.measures import MEASURES, Dimension, dimension
from core.alerts.rule import (
    Aggregate,
    All,
    Changes,
    Comparator,
    Comparison,
    Either,
    Function,
    Lasting,
    Metric,
    Not,
    Quantity,
    Rule,
    Scaled,
    Side,
    Silence,
    show,
)
from core.errors import Invalid
from core.texts import T, Text

LONGEST = 500
"""Characters of a rule, as it is written and as `show` writes it."""
DEEPEST = 12
"""Conditions inside of each other."""
LONGEST_TIME = 366 * 86_400
"""Seconds that a rule may look back."""
FUNCTIONS: tuple[Function, ...] = ("avg", "min", "max", "sum")

GRAMMAR = r"""
start: either
?either: both (_OR both)*
?both: negated (_AND negated)*
?negated: lasting | _NOT negated -> negation
?lasting: condition | condition _FOR QUANTITY
?condition: comparison | silence | "(" either ")"
comparison: side COMPARATOR side
silence: _NO_EVENTS _FOR QUANTITY
?side: measure | scaled | quantity
?measure: NAME -> metric | NAME "(" NAME ("," QUANTITY)? ")" -> function
scaled: QUANTITY "*" measure | measure "*" QUANTITY
quantity: QUANTITY

COMPARATOR: ">=" | "<=" | "==" | "!=" | ">" | "<"
QUANTITY: /[0-9][0-9A-Za-z_.]*([ \t]*%|[ \t]+USD\b)?/
_OR.2: /or\b/i
_AND.2: /and\b/i
_NOT.2: /not\b/i
_FOR.2: /for\b/i
_NO_EVENTS.2: /no_events\b/i
NAME: /[A-Za-z_][0-9A-Za-z_]*/
%ignore /[ \t\r\n]+/
"""

_QUANTITY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(?:(ms|s|m|h|d)|[ \t]*(%|USD))?")
_WORD = re.compile(r"\w+|[^\w\s()]+|.", re.DOTALL)
_TIME_NEXT = re.compile(r"(\bfor|,)\s*$", re.IGNORECASE)
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SIGNS: dict[str | None, Literal["percent", "money", "count"]] = {"%": "percent", "USD": "money", None: "count"}
_WORDS: dict[str, str | Text] = {
    "COMPARATOR": T("a comparison ({operators})", operators="> >= < <= == !="),
    "NAME": T("a metric"),
    "QUANTITY": T("a number"),
    "_OR": "or",
    "_AND": "and",
    "_NOT": "not",
    "_FOR": "for",
    "_NO_EVENTS": "no_events",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "STAR": "*",
    "$END": T("the end"),
}
_EXAMPLES: dict[Dimension, str] = {"percent": "5%", "duration": "500ms", "count": "100", "money": "5 USD"}
_FORMS: dict[Dimension, Text] = {
    "percent": T("a percentage such as {example}", example=_EXAMPLES["percent"]),
    "duration": T("a duration such as {example}", example=_EXAMPLES["duration"]),
    "count": T("a number such as {example}", example=_EXAMPLES["count"]),
    "money": T("an amount such as {example}", example=_EXAMPLES["money"]),
}


def parse(text: str) -> Rule:
    """Return the rule in `text`; raise `Invalid` with the `column` (from 1) and what was `expected` there."""
    if len(text) > LONGEST:
        raise _too_long()
    try:
        # The transformer makes the rule while lark reads, so what lark returns is no tree.
        rule = cast(_Condition, _parser().parse(text)).rule
    except UnexpectedToken as error:
        at_end = error.token.type == "$END"
        found = T("the rule ends here") if at_end else T("{text} cannot stand here", text=_quoted(error.token))
        at = len(text.rstrip()) + 1 if at_end else cast(int, error.token.start_pos) + 1
        raise _unexpected(at, found, error.accepts or error.expected, before=text[: at - 1]) from None
    except UnexpectedCharacters as error:
        at = cast(int, error.pos_in_stream)
        word = cast(re.Match[str], _WORD.match(text, at))[0]
        found = T("{text} cannot stand here", text=_quoted(word))
        raise _unexpected(at + 1, found, _accepted(text[:at]), before=text[:at]) from None
    if len(show(rule)) > LONGEST:
        raise _too_long()
    return rule


def _accepted(before: str) -> set[str]:
    """Return what may follow on the beginning of a rule."""
    reading = _parser().parse_interactive(before)
    reading.exhaust_lexer()
    return cast(set[str], reading.accepts())  # type: ignore[no-untyped-call]  # lark says no types there


def near(name: str, known: Iterable[str]) -> str | None:
    """Return the one of `known` that somebody who wrote `name` may have meant."""
    return next(iter(difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)), None)


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", transformer=_Reader())


@dataclass(frozen=True)
class _Condition:
    rule: Rule
    depth: int
    column: int


@dataclass(frozen=True)
class _Side:
    node: Side
    dimension: Dimension
    column: int


@v_args(inline=True)
class _Reader(Transformer[Token, Any]):
    """Makes the rule while lark reads it, from the leaves up: nothing here recurses."""

    def start(self, condition: _Condition) -> _Condition:
        return condition

    def either(self, *parts: _Condition) -> _Condition:
        return _around(Either(tuple(part.rule for part in parts)), parts)

    def both(self, *parts: _Condition) -> _Condition:
        return _around(All(tuple(part.rule for part in parts)), parts)

    def negation(self, inner: _Condition) -> _Condition:
        return _around(Not(inner.rule), [inner])

    def lasting(self, inner: _Condition, time: Token) -> _Condition:
        return _around(Lasting(inner.rule, _seconds(time)), [inner])

    def silence(self, time: Token) -> _Condition:
        return _Condition(Silence(_seconds(time)), 1, _column(time))

    def comparison(self, left: _Side, operator: Token, right: _Side) -> _Condition:
        if isinstance(left.node, Quantity) and isinstance(right.node, Quantity):
            raise _wrong(left.column, T("two fixed values are compared. One side must be a metric"))
        _check_dimensions(left, right)
        return _Condition(Comparison(left.node, cast(Comparator, operator.value), right.node), 1, left.column)

    def metric(self, name: Token) -> _Side:
        found = _dimension(name)
        if found == "status":
            raise _wrong(
                _column(name), T("{name} has no size. Write {example}", name=name.value, example=f"changes({name}) > 0")
            )
        return _Side(Metric(name.value), found, _column(name))

    def function(self, name: Token, metric: Token, time: Token | None = None) -> _Side:
        if name.value == "changes":
            return _changes(name, metric, time)
        if name.value not in FUNCTIONS:
            raise _wrong_name(name, T("function"), [*FUNCTIONS, "changes"])
        if time is None:
            raise _wrong(
                _column(name),
                T("{name} needs a time: {example}", name=name.value, example=f"{name}({metric}, 1d)"),
            )
        found = _dimension(metric)
        if found == "status" or (name.value == "sum" and found not in ("count", "money")):
            raise _wrong(_column(metric), T("{name} of {metric} has no meaning", name=name.value, metric=metric.value))
        return _Side(Aggregate(cast(Function, name.value), metric.value, _seconds(time)), found, _column(name))

    def scaled(self, one: Token | _Side, other: Token | _Side) -> _Side:
        quantity, measure = (one, other) if isinstance(one, Token) else (other, one)
        assert isinstance(quantity, Token) and isinstance(measure, _Side)
        factor = _quantity(quantity)
        if factor.dimension != "count":
            raise _wrong(
                _column(quantity), T("a metric is multiplied by a number without a unit, such as {example}", example=3)
            )
        node = Scaled(factor.value, cast(Any, measure.node))
        return _Side(node, measure.dimension, min(_column(quantity), measure.column))

    def quantity(self, token: Token) -> _Side:
        found = _quantity(token)
        return _Side(found, found.dimension, _column(token))


def _around(rule: Rule, parts: Sequence[_Condition]) -> _Condition:
    depth = 1 + max(part.depth for part in parts)
    if depth > DEEPEST:
        raise _wrong(parts[0].column, T("there are more than {limit} conditions inside of each other", limit=DEEPEST))
    return _Condition(rule, depth, parts[0].column)


def _changes(name: Token, metric: Token, time: Token | None) -> _Side:
    if _dimension(metric) != "status":
        raise _wrong(_column(metric), T("changes are counted of {name} alone", name="status"))
    if time is not None:
        raise _wrong(_column(time), T("{name} takes no time", name="changes"))
    return _Side(Changes(metric.value), "count", _column(name))


def _check_dimensions(left: _Side, right: _Side) -> None:
    if left.dimension == right.dimension:
        return
    wrong, measure = (left, right) if isinstance(left.node, Quantity) else (right, left)
    form = _FORMS[measure.dimension]
    raise _wrong(
        wrong.column,
        T("{wrong} cannot be compared with {measure}: that takes {form}", wrong=show(wrong.node),
          measure=show(measure.node), form=form),
        [form],
    )  # fmt: skip


def _dimension(name: Token) -> Dimension:
    if name.value not in MEASURES:
        raise _wrong_name(name, T("metric"), MEASURES)
    return dimension(name.value)


def _quantity(token: Token) -> Quantity:
    match = _QUANTITY.fullmatch(token.value)
    if match is None:
        raise _wrong(
            _column(token),
            T("{text} is no quantity. Write {forms}", text=_quoted(token), forms=_listed(_FORMS.values())),
            list(_FORMS.values()),
        )
    value, unit = Decimal(match[1]), match[2]
    if unit is not None:
        return Quantity(value * _MILLISECONDS[unit], "duration")
    return Quantity(value, _SIGNS[match[3]])


def _seconds(token: Token) -> int:
    try:
        seconds = int(durations.parse(token.value))
    except Invalid as error:
        raise _wrong(_column(token), error.message) from None
    if not 0 < seconds <= LONGEST_TIME:
        raise _wrong(_column(token), T("{text} is no time between 1s and 366d", text=_quoted(token)))
    return seconds


def _column(token: Token) -> int:
    return cast(int, token.start_pos) + 1


def _wrong_name(token: Token, noun: Text, known: Iterable[str]) -> Invalid:
    names = list(known)
    meant = near(token.value, names)
    hint = (
        T("did you mean {name}?", name=meant) if meant is not None else T("there are: {known}", known=", ".join(names))
    )
    reason = T("there is no {noun} {name}; {hint}", noun=noun, name=token.value[:60], hint=hint)
    return _wrong(_column(token), reason, names)


def _unexpected(column: int, found: Text, terminals: Iterable[str], *, before: str) -> Invalid:
    expected = [word for name, word in _WORDS.items() if name in set(terminals)]
    if _TIME_NEXT.search(before):
        expected = [T("a time such as {example}", example="5m")]
    return _wrong(column, T("{found}. Expected: {expected}", found=found, expected=_listed(expected)), expected)


def _wrong(column: int, reason: Text, expected: Sequence[str | Text] = ()) -> Invalid:
    return Invalid(
        T("Column {column}: {reason}", column=column, reason=reason),
        error="Invalid condition",
        column=column,
        expected=list(expected),
    )


def _too_long() -> Invalid:
    reason = T("the rule is longer than {limit} characters", limit=LONGEST)
    return _wrong(LONGEST + 1, reason)


def _quoted(text: str) -> str:
    return repr(str(text)[:60])


def _listed(words: Iterable[str | Text]) -> Text:
    """Return texts as one, each still in the language of whoever will read it."""
    first, *others = words
    return T("{first}, {others}", first=first, others=_listed(others)) if others else T("{only}", only=first)
