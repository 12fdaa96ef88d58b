"""How each entry of `dialect.UNSUPPORTED` looks in a syntax tree."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable

_BUILTIN_TYPES = frozenset({"bytes", "dict", "float", "int", "list", "set", "str"})
_COMMON_KEYS = frozenset({"casefold", "count", "get", "index", "lower", "strip", "upper"})


def _inherits(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and bool(node.bases or node.keywords)


def _method_decorator(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(decorator, ast.Name) and decorator.id in {"property", "staticmethod", "classmethod"}
        for decorator in node.decorator_list
    )


def _async(node: ast.AST) -> bool:
    return isinstance(node, ast.AsyncFor) or (isinstance(node, ast.comprehension) and bool(node.is_async))


def _star_import(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.names[0].name == "*"


def _next_generator(node: ast.AST) -> bool:
    return _function(node) == "next" and any(isinstance(value, ast.GeneratorExp) for value in _arguments(node)[:1])


def _method_as_value(node: ast.AST) -> bool:
    keys = [keyword.value for keyword in _keywords(node) if keyword.arg == "key"]
    return any(
        isinstance(value, ast.Attribute)
        and (
            (isinstance(value.value, ast.Name) and value.value.id in _BUILTIN_TYPES)
            or (value in keys and value.attr in _COMMON_KEYS)
        )
        for value in [*_arguments(node), *keys]
    )


def _sub_callable(node: ast.AST) -> bool:
    return _method(node) == "sub" and any(isinstance(value, ast.Lambda) for value in _arguments(node)[:2])


def _json_hooks(node: ast.AST) -> bool:
    hooks = {"default", "cls", "object_hook"}
    return _method(node) in {"dumps", "loads"} and any(keyword.arg in hooks for keyword in _keywords(node))


def _raise_arguments(node: ast.AST) -> bool:
    if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
        return False
    if not hasattr(builtins, _function(node.exc) or "-"):
        return False
    return len(node.exc.args) > 1 or bool(node.exc.keywords) or any(_not_text(value) for value in node.exc.args)


def _not_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, str)
    return isinstance(node, ast.Dict | ast.List | ast.Set | ast.Tuple)


def _function(node: ast.AST) -> str | None:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None


def _method(node: ast.AST) -> str | None:
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None


def _arguments(node: ast.AST) -> list[ast.expr]:
    return node.args if isinstance(node, ast.Call) else []


def _keywords(node: ast.AST) -> list[ast.keyword]:
    return node.keywords if isinstance(node, ast.Call) else []


TESTS: tuple[tuple[str, Callable[[ast.AST], bool]], ...] = (
    ("inheritance", _inherits),
    ("method-decorator", _method_decorator),
    ("yield", lambda node: isinstance(node, ast.Yield | ast.YieldFrom)),
    ("del", lambda node: isinstance(node, ast.Delete)),
    ("async", _async),
    ("star-import", _star_import),
    ("relative-import", lambda node: isinstance(node, ast.ImportFrom) and bool(node.level)),
    ("except-group", lambda node: isinstance(node, ast.TryStar)),
    ("next-generator", _next_generator),
    ("method-as-value", _method_as_value),
    ("sub-callable", _sub_callable),
    ("json-hooks", _json_hooks),
    ("datetime-method", lambda node: _method(node) in {"fromtimestamp", "utcfromtimestamp", "utcnow", "isocalendar"}),
    ("str-method", lambda node: _method(node) in {"translate", "maketrans", "format_map"}),
    ("raise-arguments", _raise_arguments),
    ("sleep", lambda node: _method(node) == "sleep"),
    ("files", lambda node: _function(node) == "open"),
)
"""Each entry that one node shows; `top-level-return` takes more than a node."""
