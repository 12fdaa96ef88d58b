"""What is said of a source without running it, and that the sandbox agrees."""

from __future__ import annotations

import pytest

from core.handler import HandlerError
from core.runtime import HandlerPool
from core.runtime.check import Problem, check_source
from core.runtime.dialect import ALLOWED_MODULES, INSTEAD_OF_MODULE, MISSING_BUILTINS, UNSUPPORTED
from core.runtime.unsupported import TESTS

HANDLE = "\n\ndef handle(event, config):\n    return []\n"


def told(source: str) -> list[tuple[int, str]]:
    return [(problem.line, str(problem.message)) for problem in check_source(source)]


def test_a_good_handler() -> None:
    source = '''
"""Tells of pushes."""
from __future__ import annotations
import re
from collections import Counter
from dataclasses import dataclass, field

PATTERN = re.compile("\\d+")

@dataclass
class Line:
    text: str
    names: list[str] = field(default_factory=list)

def names(commits: list[dict]) -> list[str]:
    def own(commit: dict) -> str:
        return commit.get("author", {}).get("name", "").lower()
    return sorted({own(commit) for commit in commits}, key=lambda name: name.lower())

def handle(event: dict, config: dict, /) -> list[dict]:
    open = Counter(names(event["payload"]["commits"]))
    if not open:
        raise ValueError("no commits in " + str(event["id"]))
    first = next(iter(open), None)
    vars = {key: value for key, value in open.items() if key != first}
    return [{"type": "log", "message": PATTERN.sub("#", f"{first} {vars}")}]
'''
    assert told(source) == []


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("def handle(event, config):\n    return (", 2, "This is not Python: '(' was never closed"),
        ("x = 1\n", 1, "There is no function handle"),
        ("if True:\n    def handle(event, config):\n        return []\n", 1, "There is no function handle"),
        ("async def handle(event, config):\n    return []", 1, "plain function"),
        ("\nhandle = lambda event, config: []", 1, "There is no function handle"),
        ("\ndef handle(event):\n    return []", 2, "exactly two arguments"),
        ("def handle(event, config, more):\n    return []", 1, "exactly two arguments"),
        ("def handle(event, config, *more):\n    return []", 1, "exactly two arguments"),
        ("def handle(event, config, *, more=1):\n    return []", 1, "exactly two arguments"),
        ("import requests" + HANDLE, 1, "return an action of type http_request"),
        ("import urllib.parse" + HANDLE, 1, "cannot import urllib.parse"),
        ("import json, foo" + HANDLE, 1, "There are: __future__, base64"),
        ("x = 1\nfrom collections import Counter, OrderedDict" + HANDLE, 2, "collections has no OrderedDict"),
        ("def handle(event, config):\n    import os\n    return []", 2, "no files, processes or environment"),
        ("x = callable(len)" + HANDLE, 1, "The sandbox has no callable()"),
        ("def handle(event, config):\n    return sorted([], key=config.get)", 2, "use a lambda"),
    ],
)
def test_a_problem_is_told_with_its_line(source: str, line: int, message: str) -> None:
    assert any(found == line and message in text for found, text in told(source)), told(source)
    assert len(told(source)) == 1


def test_functions_nested_too_deeply() -> None:
    def nested(levels: int) -> str:
        lines = ["    " * level + f"def f{level}():" for level in range(levels)]
        return "\n".join([*lines, "    " * levels + "pass"]) + HANDLE

    assert told(nested(5)) == []
    assert told(nested(12)) == [(6, "Functions are nested deeper than 5 levels.")]
    methods = "class A:\n" + "\n".join(
        "    " * (2 * i + 1) + f"def f(self):\n{'    ' * (2 * i + 2)}class B:" for i in range(6)
    )
    assert "nested deeper" in told(methods + "\n" + "    " * 13 + "pass" + HANDLE)[0][1]


@pytest.mark.parametrize(
    "source",
    [
        *("-" * 60_000 + "1", "+".join("1" * 30_000), "(" * 60_000, "x" + ".a" * 30_000, "x" + "()" * 30_000),
        *(
            "not " * 15_000 + "1",
            "lambda:" * 8000 + "1",
            "1" + "**1" * 20_000,
            "if 1: pass\n" + "elif 1: pass\n" * 4000,
        ),
        *("".join(" " * i + "if 1:\n" for i in range(300)), "a\0b", "x = '\ud800'", "x = " + "9" * 5000),
        *("# coding: nonsense\nx = '\\d'", "f'{" * 10 + "1" + "}'" * 10, "x" * 65_537),
    ],
    ids=lambda source: source[:12].encode("ascii", "backslashreplace").decode(),
)
def test_pathological_sources_are_told_not_raised(source: str) -> None:
    (problem,) = check_source(source)
    assert isinstance(problem, Problem)
    assert problem.line >= 1
    assert problem.column >= 1
    assert len(str(problem.message)) < 300


def test_a_source_too_long() -> None:
    fine = "#" * (64 * 1024 - len(HANDLE)) + HANDLE
    assert told(fine) == []
    assert told("#" + fine) == [(1, "65537 bytes are too many for a handler: at most 65536.")]


def test_every_entry_has_its_test() -> None:
    assert [*(name for name, _ in TESTS), "top-level-return"] == list(UNSUPPORTED)


@pytest.mark.parametrize("name", UNSUPPORTED)
async def test_what_is_unsupported_is_seen_and_is_so(pool: HandlerPool, name: str) -> None:
    entry = UNSUPPORTED[name]
    assert any(str(entry.instead) in message for _, message in told(entry.example + HANDLE))
    with pytest.raises(HandlerError):
        await pool.run(entry.example + HANDLE, event={}, config={}, owner="a")


async def test_what_is_allowed_is_there(pool: HandlerPool) -> None:
    for module, names in ALLOWED_MODULES.items():
        source = f"from {module} import {', '.join(names)}" if names else f"import {module}"
        ran = await pool.run(source + HANDLE, event={}, config={}, owner="a")
        assert ran.actions == []
        assert told(source + HANDLE) == []


async def test_what_is_missing_is_not_there(pool: HandlerPool) -> None:
    assert not ALLOWED_MODULES.keys() & INSTEAD_OF_MODULE.keys()
    for name in MISSING_BUILTINS:
        with pytest.raises(HandlerError, match=f"name '{name}' is not defined"):
            await pool.run(f"x = {name}" + HANDLE, event={}, config={}, owner="a")
