"""The house's rules that neither ruff nor import-linter can say."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_LINES = 400
TEXT = frozenset({".py", ".md", ".toml", ".yaml", ".yml", ".lock", ".json", ".po", ".mako", ".html", ".css", ".sh", ""})

# Written in two parts, so that this file does not hold them itself.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "python" + "hosted", "org"),
        ("registry", "npmjs", "org"),
        ("ghcr", "io"),
        ("docker", "io"),
    )
)
_UNREASONED = re.compile(r"#\s*(?:noqa(?::\s*[A-Z0-9, ]+)?|type:\s*ignore(?:\[[^\]]*\])?)\s*$")


@cache
def tracked() -> tuple[Path, ...]:
    """Return every file of the project, also one that is not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a checkout")
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def modules(*folders: str) -> list[Path]:
    """Return the Python files under these folders; those of the gallery are data."""
    python = [path for path in tracked() if path.suffix == ".py" and "gallery" not in path.relative_to(ROOT).parts[:-1]]
    return [path for path in python if path.relative_to(ROOT).parts[0] in folders]


def tree(path: Path) -> list[ast.AST]:
    """Return every node of a module."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def having(word: str, *folders: str) -> list[Path]:
    """Return the Python files that hold a word: the others need not be parsed to be searched for it."""
    return [path for path in modules(*folders) if word in path.read_text(encoding="utf-8")]


def shown(paths: list[Path]) -> list[str]:
    """Return paths as they are told."""
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def test_no_file_names_a_registry() -> None:
    texts = [path for path in tracked() if path.suffix in TEXT]
    found = [path for path in texts if any(host in path.read_text(encoding="utf-8") for host in REGISTRIES)]
    assert shown(found) == []


def test_the_lock_has_hashes_and_no_index() -> None:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    requirements = [line for line in lines if line.strip() and not line.startswith("#")]
    assert requirements
    for line in requirements:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,._-]+\])?==\S+ ", line), line[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line[:80]
        assert "://" not in line and "index" not in line.partition("--hash")[0], line[:80]


def test_nothing_is_mocked() -> None:
    found = [path for path in having("mock", "tests", "bench", "core", "chatbot", "storage") if _mocks(path)]
    assert shown(found) == []


def _mocks(path: Path) -> bool:
    for node in tree(path):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if any(re.search(r"(^|\.)mock(\.|$)", name) for name in (module, *names)):
            return True
    return False


@pytest.mark.parametrize("folder", ["chatbot", "core", "storage", "tests", "bench"])
def test_modules_are_small(folder: str) -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules(folder)
        if "versions" not in path.parts
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_exceptions_from_the_rules_have_their_reason() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in modules("chatbot", "core", "storage", "tests", "bench")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if _UNREASONED.search(line)
    ]
    assert found == []


def test_no_test_sleeps_by_the_clock() -> None:
    found = [path for path in having("sleep", "tests") if any(_is(node, "time.sleep") for node in tree(path))]
    assert shown(found) == []


def test_nothing_is_left_for_later() -> None:
    ours = modules("chatbot", "core", "storage")
    marked = [path for path in ours if re.search(r"\b(TODO|FIXME|XXX)\b", path.read_text(encoding="utf-8"))]
    stubs = [
        path
        for path in having("NotImplementedError", "chatbot", "core", "storage")
        if any(_is(node, "NotImplementedError") for node in tree(path))
    ]
    assert shown([*marked, *stubs]) == []


def _is(node: ast.AST, name: str) -> bool:
    """Say whether a node calls or raises `name`."""
    called = node.func if isinstance(node, ast.Call) else node.exc if isinstance(node, ast.Raise) else None
    return called is not None and ast.unparse(called) == name


def test_no_package_is_empty() -> None:
    """A folder comes with its first file (docs/decisions/0008)."""
    packages = [path.parent for path in modules("chatbot", "core", "storage", "bench") if path.name == "__init__.py"]
    own = {path.parent for path in modules("chatbot", "core", "storage", "bench") if path.name != "__init__.py"}
    empty = [p for p in packages if p not in own and p.name != "gallery" and not any(p in path.parents for path in own)]
    assert shown(empty) == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in modules("tests")}
    assert shown([folder for folder in folders if not (folder / "__init__.py").is_file()]) == []
