"""Changing a `.env` file: only the lines of what is set, everything else byte for byte as it was."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import Binding, parse_stream

_PLAIN = re.compile(r"[\w./:@%+,=-]*", re.ASCII)
_ASSIGNED = re.compile(
    r"""(?P<lead>\s*(?:export[^\S\r\n]+)?[^=\#\s]+[^\S\r\n]*=[^\S\r\n]*)
        (?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|(?!['"]|(?<=\s)\#)[^\r\n]*?(?=\s|\Z))
        (?P<tail>[^\S\r\n]*(?:\#[^\r\n]*)?(?:\r\n|\n|\r)?)\Z""",
    re.VERBOSE | re.DOTALL,
)


def edited(text: str, changes: Mapping[str, str]) -> str:
    """Return the file's `text` with these settings; new ones come at the end. The reader is python-dotenv.

    Raises ValueError for a value that the format cannot hold: python-dotenv fills in `${…}` and knows no way around it.
    """
    for name, value in changes.items():
        if "${" in value or "\0" in value:
            raise ValueError(name)
    bindings = list(parse_stream(io.StringIO(text, newline="")))
    last = {binding.key: number for number, binding in enumerate(bindings) if binding.key in changes}
    parts = [
        _replaced(binding, changes[binding.key])
        if binding.key is not None and last.get(binding.key) == number
        else binding.original.string
        for number, binding in enumerate(bindings)
    ]
    new = [f"{name}={_quoted(value)}\n" for name, value in changes.items() if name not in last]
    if new and parts and not parts[-1].endswith(("\n", "\r")):
        parts.append("\n")
    return "".join([*parts, *new])


def write(path: Path, changes: Mapping[str, str]) -> None:
    """Set `changes` in the file at `path`: it is replaced at once, and only its owner may read it (mode 0600)."""
    path = path.resolve()  # a link stays one
    before = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
    after = edited(before, changes)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".env.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def _replaced(binding: Binding, value: str) -> str:
    found = _ASSIGNED.match(binding.original.string)
    if found is None:  # a name without `=`
        return f"{binding.key}={_quoted(value)}\n"
    tail = found["tail"]
    return found["lead"] + _quoted(value) + (f" {tail}" if tail.startswith("#") else tail)


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
