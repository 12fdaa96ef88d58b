"""What the pages for users say is true: their tables, links, commands, settings and examples."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import packages
from core.config import setting_names
from core.http.routes import load
from core.runtime import HandlerPool
from core.sources import SOURCES
from tests import doc_tables
from tests.doc_tables import ROOT
from tests.engines import Client, running
from tests.packages import package

PAGES = doc_tables.pages()
GALLERY = sorted(ROOT.glob("core/gallery/*/README.md"))
DECISIONS = sorted(ROOT.glob("docs/decisions/*.md"))
OWN_NAMES = frozenset({"CCB_URL", "CCB_API_KEY"})
"""Not the engine's settings: those of the command line, and what the examples of `/docs` call a key."""

_CALL = re.compile(r"(?<![\w@./-])(?:\.venv/bin/)?ccb ([a-z-](?:[^`|\n·,]|,(?! ))*)")
_NAME = re.compile(r"\b(?:CCB|SLACK|GITHUB|ANTHROPIC)_[A-Z][A-Z_]*[A-Z]\b")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def text_of(page: Path) -> str:
    """Return a page's text."""
    return page.read_text(encoding="utf-8")


def blocks(page: str, kind: str, *, after: str = "# ") -> list[str]:
    """Return the fenced blocks of one kind between a heading and the next of its level."""
    level = after.partition(" ")[0]
    start = re.search(rf"^{re.escape(after)}", text_of(ROOT / page), re.MULTILINE)
    assert start is not None, f"{page} has no heading {after!r}"
    section = text_of(ROOT / page)[start.end() :]
    end = re.search(rf"^#{{1,{len(level)}}} ", section, re.MULTILINE) if len(level) > 1 else None
    return [body for found, body in _FENCE.findall(section[: end.start()] if end else section) if found == kind]


def anchors(text: str) -> set[str]:
    """Return the names under which a page's headings are linked, as GitHub makes them."""
    plain = _FENCE.sub("", text)
    named = set(re.findall(r'^<a id="([^"]+)"></a>$', plain, re.MULTILINE))
    return named | {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(plain)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_say_what_the_code_says(page: Path) -> None:
    text = text_of(page)
    assert text == doc_tables.filled(text), "type: make docs"


def test_every_table_is_shown_somewhere() -> None:
    assert set().union(*(doc_tables.used(text_of(page)) for page in PAGES)) == set(doc_tables.TABLES)


def test_every_source_has_its_row_among_the_signatures() -> None:
    table = text_of(ROOT / "docs/webhooks.md").partition("## Signatures")[2].partition("\n\nSigned times")[0]
    assert sorted(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == SOURCES.names()


@pytest.mark.parametrize("page", [*PAGES, *GALLERY, *DECISIONS], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(_FENCE.sub("", text_of(page))):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        there = (page.parent / name).resolve() if name else page
        assert there.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(text_of(there)), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", [*PAGES, *GALLERY], ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_there(page: Path) -> None:
    known = doc_tables.commands()
    for call in _CALL.findall(text_of(page)):
        words = call.split()
        name = next((n for n in (" ".join(words[:2]), words[0]) if n in known), None)
        groups = {command.partition(" ")[0] for command in known if " " in command}
        if name is None and (words[0].startswith("--") or (words[0] in groups and len(words) == 1)):
            continue  # an option of ccb itself, or a group as a heading
        assert name is not None, f"{page.name}: ccb {call}"
        options = {option for parameter in known[name].params for option in parameter.opts} | {"--help"}
        for word in words:
            if word.startswith("-") and len(word) > 1:
                assert word.rstrip(".,;:)") in options, f"{page.name}: ccb {call}"


@pytest.mark.parametrize("page", [*PAGES, *GALLERY], ids=lambda page: str(page.relative_to(ROOT)))
def test_settings_are_there(page: Path) -> None:
    assert set(_NAME.findall(text_of(page))) <= {*setting_names(), *OWN_NAMES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_operations_are_there(page: Path) -> None:
    known = {(route.method, re.sub(r"\{[^}]*\}", "{}", route.path)) for route in load()}
    named = re.findall(r"\b(GET|POST|PUT|PATCH|DELETE) (/[\w/{}.-]*)", text_of(page))
    # What has no version is redirected to this one.
    asked = {(method, re.sub(r"^/integrations/", "/v1/integrations/", path)) for method, path in named}
    unknown = [f"{method} {path}" for method, path in asked if (method, re.sub(r"\{[^}]*\}", "{}", path)) not in known]
    assert not unknown, f"{page.name}: {sorted(unknown)}"


@pytest.mark.parametrize("page", [*PAGES, *GALLERY], ids=lambda page: str(page.relative_to(ROOT)))
def test_targets_of_make_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", text_of(page), re.MULTILINE)) <= targets


def test_every_target_of_make_has_its_row() -> None:
    text = text_of(ROOT / "Makefile")
    explained = set(re.findall(r"^([a-z]+):.*##", text, re.MULTILINE)) - {"locked"}  # a part of `make check`
    assert explained <= set(re.findall(r"^\| `make ([a-z]+)", text_of(ROOT / "CONTRIBUTING.md"), re.MULTILINE))


async def test_the_example_of_a_package_is_good() -> None:
    [manifest], [handler], [sample] = (blocks("docs/handlers.md", k, after="## An example") for k in FILES)
    read = packages.read({"integration.yaml": manifest, "handler.py": handler, "samples/paid.json": sample})
    async with HandlerPool(processes=1) as sandbox:
        report = await packages.verify(read, sandbox=sandbox)
    assert [run.name for run in report.samples] == ["paid"]


FILES = ("yaml", "python", "json")

HMAC = {"kind": "hmac", "header": "X-Signature", "prefix": "sha256=", "event_type_path": "kind"}
SOURCES_OF_EXAMPLES: tuple[dict[str, Any], ...] = (
    {"kind": "github"},
    {"kind": "standard-webhooks"},
    {**HMAC, "delivery_id_header": "X-Request-Id"},
)
"""What the examples deliver to, in their order."""
TYPES = ("push", "order.paid", "order.paid")


def test_the_example_of_a_manifest_is_the_one_that_is_tried() -> None:
    source = ", ".join(f"{key}: {json.dumps(value) if '=' in value else value}" for key, value in HMAC.items())
    assert f"`source: {{{source}, delivery_id_header: X-Request-Id}}`" in text_of(ROOT / "docs/webhooks.md")


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Client]:
    """A running engine."""
    async with running(tmp_path / "data") as client:
        yield client


@pytest.fixture(scope="module")
def _tools() -> Iterator[None]:
    missing = [tool for tool in ("sh", "curl", "openssl", "od") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"the examples need {', '.join(missing)}")
    yield


@pytest.mark.usefixtures("_tools")
@pytest.mark.parametrize("number", range(3), ids=[str(source["kind"]) for source in SOURCES_OF_EXAMPLES])
async def test_the_examples_of_signatures_are_accepted(number: int, engine: Client) -> None:
    scripts = blocks("docs/webhooks.md", "sh", after="## Signatures")
    assert len(scripts) == len(SOURCES_OF_EXAMPLES)
    source = SOURCES_OF_EXAMPLES[number]
    handler = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
    made = await engine.install(package(handler, "example.com", source=source))
    url = f"{engine.engine.report.address}/webhooks/{made['id']}"
    answer = await shell(scripts[number], url=url, secret=made["webhook_secret"])
    assert json.loads(answer)["status"] == "queued"
    event = await engine.ended(json.loads(answer)["event_id"])
    assert event["type"] == TYPES[number]
    assert event["delivery_id"]
    refused = await shell(scripts[number], url=url, secret="whsec_d3Jvbmc=")
    assert json.loads(refused)["error"] == "Invalid webhook signature"


async def shell(script: str, **variables: str) -> str:
    """Run a script with these variables; return what it wrote."""
    given = "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
    process = await asyncio.create_subprocess_exec(
        "sh", "-euc", given + script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()
