"""Every snippet of the troubleshooting guide, run as it is printed.

The blocks are taken from the page; nothing of them is repeated here. Each command runs in real bash, with real curl and
jq, against a started engine; GitHub and Slack are stand-ins. Only hosts and placeholders are replaced. At the end every
snippet stands in a table with its verdict.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core.http.routes import load
from tests.e2e import guide, guide_blocks
from tests.e2e.guide import Block
from tests.e2e.guide_checks import PROMISES, operation
from tests.e2e.guide_house import House, Ran, house, require_tools

PAGE = guide.GUIDE.read_text(encoding="utf-8")
BLOCKS = guide.blocks(PAGE)
MARK = {True: "ok", False: "FAILED"}


@dataclass
class Row:
    """One snippet and its verdict."""

    block: Block
    snippet: str
    good: bool
    verdict: str


@dataclass
class Table:
    """All verdicts."""

    rows: list[Row] = field(default_factory=list)

    async def judge(self, block: Block, snippet: str, verdict: Awaitable[str]) -> bool:
        """Add a snippet with what comes of it; a failure of one stops none of the others."""
        try:
            row = Row(block, snippet, True, await verdict)
        except AssertionError as error:
            row = Row(block, snippet, False, str(error).partition("\nassert ")[0].strip() or "a check does not hold")
        except (LookupError, TypeError, ValueError, StopIteration, OSError, TimeoutError) as error:
            row = Row(block, snippet, False, f"{type(error).__name__}: {error}")
        self.rows.append(row)
        return row.good

    def __str__(self) -> str:
        lines = ["", f"The guide's {len(self.rows)} snippets:"]
        section = ""
        for row in sorted(self.rows, key=lambda row: row.block.line):
            if row.block.section != section:
                section = row.block.section
                lines.append(f"  {section}")
            head = f"    {MARK[row.good]:6} {row.block.line:4}  {_short(row.snippet, 76):76}"
            lines.append(f"{head}  {_short(row.verdict, 200)}")
        failed = sum(not row.good for row in self.rows)
        return "\n".join([*lines, f"  {len(self.rows) - failed} ok, {failed} failed, none skipped", ""])


def _short(text: str, length: int) -> str:
    line = " ".join(text.replace("\\\n", " ").split())
    return line if len(line) <= length else line[: length - 1] + "…"


@pytest.mark.slow
async def test_every_snippet_works_as_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require_tools()
    table = Table()
    async with house(tmp_path, BLOCKS) as home:
        for block in BLOCKS:
            await _judge_block(home, block, table)
        for cell in guide.cells(PAGE):
            await table.judge(cell, cell.text, guide_blocks.cell(home, cell))
    with capsys.disabled():
        print(table)  # noqa: T201 - the table is what whoever runs it wants to see
    assert {row.block.line for row in table.rows} >= {block.line for block in BLOCKS}, "a snippet has no verdict"
    failed = [f"line {row.block.line}: {_short(row.snippet, 90)}: {row.verdict}" for row in table.rows if not row.good]
    assert not failed, "\n".join(failed)


async def _judge_block(home: House, block: Block, table: Table) -> None:
    if block.script:
        await table.judge(block, block.script, guide_blocks.script(home, block))
        return
    if block.kind == "bash":
        await _judge_commands(home, block, table)
        return
    judge = {"json": guide_blocks.example_of_an_error, "markdown": guide_blocks.text, "text": guide_blocks.addresses}
    await table.judge(block, block.first_line, judge[block.kind](home, block))


async def _judge_commands(home: House, block: Block, table: Table) -> None:
    for name in re.findall(r"^# ([\w-]+\.txt):$", block.text, re.MULTILINE):
        (home.folder / name).write_text(guide.comments(block.text, after=f"{name}:"), encoding="utf-8")
    wanted = guide.commands(block.text)
    assert wanted, f"line {block.line} has no command"
    beside: dict[str, bool] = {}
    for command in wanted:
        if not command.startswith("gh "):
            beside[command] = await table.judge(block, command, _verdict(home, command, wanted))
    for command in wanted:
        if command.startswith("gh "):
            await table.judge(block, command, _done_by_the_api(home, command, beside))


async def _done_by_the_api(home: House, command: str, beside: dict[str, bool]) -> str:
    """GitHub's command line is not here: what it does is done by the call that the guide puts beside it."""
    found = re.search(r'issue edit \{issue-number\} --add-label "([^"]+)"$', command)
    assert found is not None, "not the command that is known"
    assert any(good for other, good in beside.items() if "/labels" in other), "the call beside it failed"
    [issue] = [issue for issue in home.hub.repositories["acme/app"].issues if issue["number"] == 1]
    assert found[1] in [label["name"] for label in issue["labels"]]
    return "done by the API call beside it: the issue has the label"


async def _verdict(home: House, command: str, block: list[str]) -> str:
    asked = guide.asked(command)
    if re.fullmatch(r"https://[\w.-]+(/[\w{}-]+)+", command):
        return "an address to open, not a command"
    if asked is None and "Authorization: ccb_" in command:
        return await _without_bearer(home, command, block)
    filled = home.filled(command)
    left = re.findall(r"\{[\w-]*(?:id|number|owner|repo)\}|YOUR_\w+|claude-code-bot\.com", filled)
    assert not left, f"nothing fills {left}"
    name = operation(asked) if asked else "GET /v1/integrations"  # "...": whatever one asks for
    if "/v1/" in filled and "Authorization" not in command:
        return await _with_and_without_a_key(home, filled, name)
    return await _kept(home, await home.run(filled), name)


async def _kept(home: House, ran: Ran, name: str) -> str:
    """Compare what a command gave with what its operation promises."""
    assert name in PROMISES, f"nobody has said what {name} promises"
    promise = PROMISES[name]
    assert ran.code == 0, f"exit code {ran.code}: {ran.err[-300:]}"
    ours = not name.startswith(("github ", "slack "))
    if ours and ran.status in (404, 405) and _form(name) not in ROUTES:
        raise AssertionError(f"{ran.status}: there is no such route yet")
    assert ran.status == promise.status, f"HTTP {ran.status}, not {promise.status}: {ran.out[:300]}"
    return f"{ran.status}, {await promise.check(home, ran)}"


def _form(operation: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", operation)


ROUTES = {_form(f"{route.method} {route.path}") for route in load()}
"""What the engine has, whatever the parts of a path are called."""


async def _with_and_without_a_key(home: House, filled: str, name: str) -> str:
    """The guide leaves the key out: as printed it is refused in words, with a key it works."""
    refused = await home.run(filled)
    assert (refused.code, refused.status) == (0, 401), f"as printed: HTTP {refused.status}"
    assert refused.json["error"] == "Invalid API Key" and "Bearer" in refused.json["message"], refused.out
    ran = await home.run(filled, header=f"Authorization: Bearer {home.key}")
    return f"as printed, without a key, 401; with one {await _kept(home, ran, name)}"


async def _without_bearer(home: House, command: str, block: list[str]) -> str:
    """The guide shows how not to do it, without an address: with the one of the command before it, it is refused."""
    [url] = [found[0] for other in block if (found := re.search(r'"https://[^"]+"', other))]
    command, _, comment = command.partition(" # ")
    assert "Bearer" in comment
    ran = await home.run(home.filled(f"{command} {url}"))
    assert (ran.code, ran.status) == (0, 400), f"HTTP {ran.status}"
    assert "Bearer" in ran.json["message"], ran.out
    return "marked as wrong, and refused: 400, Bearer is missing"


def test_every_fence_is_read() -> None:
    """What opens and closes a block is counted line by line, without the expression that finds the blocks."""
    fences = [line for line in PAGE.splitlines() if line.lstrip().startswith("```")]
    assert len(fences) == 2 * len(BLOCKS)
    assert {block.kind for block in BLOCKS} == {"bash", "json", "markdown", "python", "text"}


def test_every_line_of_a_bash_block_is_read() -> None:
    for block in BLOCKS:
        if block.kind == "bash" and not block.script:
            read = "\n".join(guide.commands(block.text)).splitlines()
            left = [line for line in block.text.splitlines() if line.strip() and line not in read]
            assert all(line.startswith("#") for line in left), f"line {block.line}: {left}"


def test_the_page_is_the_document() -> None:
    """But for links and anchors, the page in docs/ is the document word for word."""
    if guide.ORIGINAL.exists():
        assert guide.without_additions(PAGE) == guide.ORIGINAL.read_text(encoding="utf-8")


def test_every_promise_is_asked_for() -> None:
    commands = [c for b in BLOCKS if b.kind == "bash" and not b.script for c in guide.commands(b.text)]
    asked = {operation(found) for command in commands if (found := guide.asked(command))}
    assert set(PROMISES) <= asked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# a comment\ncurl x\n\ncurl y\n", ["curl x", "curl y"]),
        ("curl x \\\n  -H 'a'\ncurl y\n", ["curl x \\\n  -H 'a'", "curl y"]),
        ("curl -d '{\n# kept\n}'\n", ["curl -d '{\n# kept\n}'"]),
        ('curl "a # b" # it\'s a comment\ncurl y\n', ['curl "a # b" # it\'s a comment', "curl y"]),
        ("curl x | \\\n  jq '.'\n", ["curl x | \\\n  jq '.'"]),
    ],
)
def test_commands_are_told_apart(text: str, expected: list[str]) -> None:
    assert guide.commands(text) == expected
