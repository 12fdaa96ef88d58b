"""What can be said of a handler's source without running it."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from core.runtime.dialect import (
    ALLOWED_MODULES,
    INSTEAD_OF_MODULE,
    MAX_DEF_DEPTH,
    MAX_SOURCE,
    MISSING_BUILTINS,
    UNSUPPORTED,
)
from core.runtime.unsupported import TESTS
from core.texts import T, Text

SIGNATURE = """

def _ccb_signature(event: dict, config: dict) -> list[dict]:
    return handle(event, config)
"""
"""Appended to handler.py for the type check: what handle() must take and give."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with a handler's source; `line` and `column` count from 1."""

    line: int
    column: int
    message: Text


def lines_of(source: str) -> str:
    """Return `source` with the line ends that the sandbox counts by."""
    return source.replace("\r\n", "\n").replace("\r", "\n")


def check_source(source: str) -> list[Problem]:
    """Return what is wrong with `source`, in the order of its lines. Pure; no more than parses it."""
    parsed = _parse(lines_of(source))
    if isinstance(parsed, Problem):
        return [parsed]
    found = [*_handle_problems(parsed), *_depth_problems(parsed), *_node_problems(parsed)]
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def syntax_problem(source: str) -> Problem | None:
    """Return why `source` cannot be parsed, if so."""
    parsed = _parse(source)
    return parsed if isinstance(parsed, Problem) else None


def type_problems(report: str, source: str) -> list[Problem]:
    """Return the problems in the type checker's `report` (its `json` format).

    What it finds in `SIGNATURE` is wrong with the signature of handle(), and is told there. Of a source that is not
    Python only that is told.
    """
    module = _parse(source)
    if isinstance(module, Problem):
        return [module]
    handle_line = next((node.lineno for node in _named_handle(module)), 1)
    lines = source.count("\n") + 1
    problems = []
    for entry in json.loads(report):
        line, column = entry["location"]["row"], entry["location"]["column"]
        if line > lines:
            line, column = handle_line, 1
        problems.append(Problem(line, column, T("{reason}", reason=entry["message"])))
    return problems


def _parse(source: str) -> ast.Module | Problem:
    try:
        size = len(source.encode())
    except UnicodeEncodeError:
        return Problem(1, 1, T("This is not text in UTF-8."))
    if size > MAX_SOURCE:
        return Problem(
            1, 1, T("{size} bytes are too many for a handler: at most {limit}.", size=size, limit=MAX_SOURCE)
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of the handler's style ("\d"), told to whoever runs the engine.
            return ast.parse(source)
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        return Problem(line, max(column, 1), T("This is not Python: {reason}", reason=error.msg))
    except ValueError as error:  # A NUL, which Python before 3.11.4 does not call a syntax error.
        return Problem(1, 1, T("This is not Python: {reason}", reason=str(error)))
    except (RecursionError, MemoryError):  # Thousands of brackets or operators in one expression.
        return Problem(1, 1, T("An expression is nested too deeply."))


def _named_handle(module: ast.Module) -> list[ast.stmt]:
    return [node for node in module.body if getattr(node, "name", None) == "handle"]


def _handle_problems(module: ast.Module) -> Iterator[Problem]:
    named = _named_handle(module)
    if not named:
        yield Problem(1, 1, T("There is no function handle(event, config) at the top level."))
        return
    handle = named[-1]
    if not isinstance(handle, ast.FunctionDef):
        yield _at(handle, T("handle must be a plain function: def handle(event, config)."))
        return
    taken = handle.args
    if len(taken.posonlyargs) + len(taken.args) != 2 or taken.vararg or taken.kwonlyargs or taken.kwarg:
        yield _at(handle, T("handle() must take exactly two arguments: event and config."))


def _depth_problems(module: ast.Module) -> Iterator[Problem]:
    """Functions too deep in one another, and `return` outside of them."""
    waiting: list[tuple[ast.AST, int]] = [(module, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            depth += 1
            if depth == MAX_DEF_DEPTH + 1:
                yield _at(node, T("Functions are nested deeper than {limit} levels.", limit=MAX_DEF_DEPTH))
        elif isinstance(node, ast.Return) and not depth:
            yield _unsupported(node, "top-level-return")
        waiting += [(child, depth) for child in ast.iter_child_nodes(node)]


def _node_problems(module: ast.Module) -> Iterator[Problem]:
    nodes = list(ast.walk(module))
    own_names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own_names |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own_names |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _import_problems(node)
        for name, test in TESTS:
            if test(node):
                yield _unsupported(node, name)
        if isinstance(node, ast.Name) and node.id in MISSING_BUILTINS and node.id not in own_names:
            yield _at(node, T("The sandbox has no {name}().", name=node.id))


def _import_problems(node: ast.Import | ast.ImportFrom) -> Iterator[Problem]:
    if isinstance(node, ast.ImportFrom):
        if node.level:
            return  # Told as a relative import.
        modules = [node.module or ""]
    else:
        modules = [alias.name for alias in node.names]
    for module in modules:
        if module not in ALLOWED_MODULES:
            yield _at(node, _no_module(module))
        elif isinstance(node, ast.ImportFrom):
            names = ALLOWED_MODULES[module]
            for alias in node.names:
                if names is not None and alias.name not in (*names, "*"):
                    yield _at(
                        node,
                        T(
                            "The sandbox's {module} has no {name}. It has: {names}.",
                            module=module,
                            name=alias.name,
                            names=", ".join(names),
                        ),
                    )


def _no_module(module: str) -> Text:
    instead = INSTEAD_OF_MODULE.get(module.partition(".")[0])
    if instead is not None:
        return T("A handler cannot import {module}: {instead}.", module=module, instead=instead)
    return T(
        "A handler cannot import {module}. There are: {names}.", module=module, names=", ".join(sorted(ALLOWED_MODULES))
    )


def _unsupported(node: ast.AST, name: str) -> Problem:
    entry = UNSUPPORTED[name]
    return _at(node, T("The sandbox does not do {what}: {instead}.", what=entry.what, instead=entry.instead))


def _at(node: ast.AST, message: Text) -> Problem:
    return Problem(getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1, message)
