"""The troubleshooting guide, taken apart: its fenced blocks, their commands, and what each command asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
GUIDE = ROOT / "docs/troubleshooting.ru.md"
ORIGINAL = ROOT.parent / "shared/spec/troubleshooting-guide.ru.md"
"""The document that the page in docs/ repeats, on machines that have it beside the checkout."""

_FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (.+)$")
_ADDED = re.compile(r'^(?:<a id="[^"]+"></a>|> REST: .*|<!-- fmt: off -->)\n\n', re.MULTILINE)
"""What docs/ adds to the document: anchors, links to the reference, and a word to the formatter to leave code alone."""
_URL = re.compile(r"https?://[^\s\"'\\]+")
_METHOD = re.compile(r"-X ([A-Z]+)")
_SCRIPT = re.compile(r"^# ([\w-]+\.(?:sh|py))$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block, where it stands, and the heading that it stands under."""

    line: int
    section: str
    kind: str
    text: str

    @property
    def first_line(self) -> str:
        """The first line that says something; JSON whole, for its first is a brace."""
        if self.kind == "json":
            return " ".join(self.text.split())
        lines = self.text.strip().splitlines()
        return next((line for line in lines if not line.startswith("#")), lines[0]).strip()

    @property
    def script(self) -> str | None:
        """The name of the file that it is, where it is one."""
        found = _SCRIPT.search("\n".join(self.text.splitlines()[:2]))
        return found[1] if found else None


def blocks(page: str) -> list[Block]:
    """Return every fenced block, in order."""
    return [
        Block(page.count("\n", 0, found.start()) + 1, _section(page[: found.start()]), found["kind"], found["text"])
        for found in _FENCE.finditer(page)
    ]


def cells(page: str) -> list[Block]:
    """Return what the page's tables say to ask for, such as `GET /integrations/{id}/status`."""
    plain = _FENCE.sub(lambda found: "\n" * found[0].count("\n"), page)
    return [
        Block(number, _section("\n".join(page.splitlines()[: number - 1])), "table", found)
        for number, line in enumerate(plain.splitlines(), 1)
        if line.startswith("|")
        for found in re.findall(r"`([A-Z]+ /[^`]+)`", line)
    ]


def without_additions(page: str) -> str:
    """Return the page in docs/ without what it adds to the document."""
    return _ADDED.sub("", page)


def _section(before: str) -> str:
    """Return the last heading, the innermost one."""
    plain = _FENCE.sub("", before)
    return next(found[1] for line in reversed(plain.splitlines()) if (found := _HEADING.match(line)))


def commands(text: str) -> list[str]:
    """Return a block's commands as they are printed, each of one line or several; comments are none."""
    return list(_grouped(text.splitlines()))


def _grouped(lines: list[str]) -> Iterator[str]:
    command: list[str] = []
    for line in lines:
        if not command and (not line.strip() or line.startswith("#")):
            continue
        command.append(line)
        whole = "\n".join(command)
        if not line.endswith("\\") and not _open_quote(whole):
            yield whole
            command = []
    assert not command, f"a command that does not end: {command}"


def _open_quote(text: str) -> bool:
    """Say whether a quotation is still open at the end, as bash reads it."""
    quote = ""
    for before, char in zip("\n" + text, text, strict=False):
        if quote:
            quote = "" if char == quote and (quote == "'" or before != "\\") else quote
        elif char == "#" and before.isspace():
            return False  # a comment, to the line's end: commands of several lines have none
        elif char in "'\"" and before != "\\":
            quote = char
    return bool(quote)


def comments(text: str, *, after: str) -> str:
    """Return the lines of a comment that follow the one that says `after`: a file shown in a comment."""
    lines = text.partition(f"# {after}\n")[2].splitlines()
    return "\n".join(line.removeprefix("#") for line in lines if line.startswith("#")) + "\n"


@dataclass(frozen=True)
class Asked:
    """What a command asks of whom, as printed: the placeholders stand in the path."""

    method: str
    host: str
    path: str
    query: str


def asked(command: str) -> Asked | None:
    """Return what a curl command asks for; None where it names no address."""
    url = _URL.search(command)
    if url is None:
        return None
    host, _, rest = url[0].partition("://")[2].partition("/")
    path, _, query = rest.partition("?")
    method = _METHOD.search(command)
    told = "HEAD" if re.search(r" -I\b", command) else "GET"
    return Asked(method[1] if method else told, host, f"/{path}", query)


def filled(text: str, names: dict[str, str], *, fill: Callable[[str], str] = str) -> str:
    """Return `text` with every placeholder and host in `names` replaced, longest first."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, fill(names[name]))
    return text
