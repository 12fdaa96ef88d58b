"""The gallery: every ready-made integration does what its samples say, and takes what real services leave out."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core import gallery, packages
from core.effects import plan
from core.errors import NotFound
from core.grants import resolve
from core.handler_event import event_for_handler
from core.packages import Package, Sample
from core.runtime.pool import HandlerPool
from core.sources import SOURCES, Delivery

DOCS = Path(__file__).parents[2] / "docs" / "gallery.md"
NAMES = gallery.names()
SAMPLES = [(name, sample) for name in NAMES for sample in packages.read(gallery.load(name)).samples]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[HandlerPool]:
    async with HandlerPool(processes=1) as started:
        yield started


@pytest.mark.parametrize("name", NAMES)
async def test_verifies_in_the_real_sandbox(name: str, pool: HandlerPool) -> None:
    package = packages.read(gallery.load(name))
    report = await packages.verify(package, sandbox=pool)
    assert [run.name for run in report.samples] == sorted(package.samples)


@pytest.mark.parametrize("name", NAMES)
async def test_is_complete(name: str) -> None:
    package = packages.read(gallery.load(name))
    assert package.manifest.slug == name
    assert package.manifest.description
    assert len(package.samples) >= 3
    assert any(sample.actions for sample in package.samples.values())
    assert any(not sample.actions for sample in package.samples.values()), "one that leads to no action"
    assert any(not text.isascii() for path, text in package.files.items() if path.startswith("samples/"))
    for key, schema in package.manifest.properties.items():
        assert schema["title"] and schema["description"], key
        assert "default" in schema or "examples" in schema or schema.get("x-secret"), key
        assert f"`{key}`" in package.readme, "the README's table names every key"
    assert "## What it may do" in package.readme


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
async def test_samples_are_deliveries_that_the_source_takes(name: str, sample: str) -> None:
    """What the service would send for the sample is verified, and named as the sample says."""
    package = packages.read(gallery.load(name))
    params = package.manifest.source_params
    source = SOURCES.get(params.kind)
    event = package.samples[sample].event
    request = source.sign(
        params, secret="s3cret", event_type=event.type, delivery_id="d-1", payload=event.payload, now=1.0
    )
    delivery = Delivery({key.lower(): value for key, value in request.headers.items()}, request.body)
    source.verify(params, delivery, secrets=["s3cret"], now=2.0)
    payload = source.parse(delivery)
    assert source.identify(params, delivery, payload).type == event.type
    if params.kind != "stripe":  # there the delivery's id is the payload's
        assert payload == event.payload, "the sample's payload says itself what type it is"


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
async def test_handlers_stand_what_is_missing(name: str, sample: str) -> None:
    """Whatever single field of the payload is null or not there, the handler returns actions that may be done."""
    package = packages.read(gallery.load(name))
    handle = _plain(package)
    given = package.samples[sample]
    for payload in _with_holes(given.event.payload):
        plan(
            handle(_event(package, given, payload), dict(given.config)),
            resolve(package.manifest, given.config),
            {f"secret:{key}": key for key in package.manifest.secret_keys & given.config.keys()},
        )


@pytest.mark.parametrize(("name", "sample"), SAMPLES)
async def test_slack_messages_keep_slacks_rules(name: str, sample: str) -> None:
    """Even when every text in the payload is long and hostile."""
    package = packages.read(gallery.load(name))
    given = package.samples[sample]
    hostile = _map_texts(
        given.event.payload, lambda text: text if _structural(text) else text + "<!channel> & `*_|" * 300
    )
    for payload in (given.event.payload, hostile):
        for action in _plain(package)(_event(package, given, payload), dict(given.config)):
            if action["type"] != "slack_message":
                continue
            assert action["text"].strip(":_ ")
            assert len(action["text"]) <= 4000
            assert len(action["blocks"]) <= 50
            for text in _mrkdwn(action["blocks"]):
                assert 0 < len(text) <= 3000
            assert "<!channel>" not in json.dumps(action)


async def test_load_guesses_what_was_meant() -> None:
    with pytest.raises(NotFound, match=r"There are: .*hello-webhook.* Did you mean github-push-to-slack\?"):
        gallery.load("github-push-slack")
    with pytest.raises(NotFound, match="There are: "):
        gallery.load("../gallery/hello-webhook")


async def test_entries_are_what_a_list_shows() -> None:
    entries = {entry.name: entry for entry in gallery.entries()}
    assert list(entries) == NAMES
    push = entries["github-push-to-slack"]
    assert (push.title, push.source) == ("GitHub push to Slack", "github")
    assert push.config["required"] == ["channel"]
    assert "two-commits" in push.samples


async def test_docs_list_what_there_is() -> None:
    rows = re.findall(r"^\| \[(\S+)\]\((\S+)\) \| (.+) \| `(\S+)` \| (.+) \|$", DOCS.read_text(encoding="utf-8"), re.M)
    expected = [
        (
            entry.name,
            f"../core/gallery/{entry.name}/README.md",
            entry.description,
            entry.source,
            ", ".join(f"`{a}`" for a in packages.read(gallery.load(entry.name)).manifest.capabilities.actions),
        )
        for entry in gallery.entries()
    ]
    assert rows == expected


def _plain(package: Package) -> Any:
    """The handler as plain Python: fast enough to try hundreds of payloads."""
    scope: dict[str, Any] = {}
    exec(compile(package.handler, "handler.py", "exec"), scope)
    return scope["handle"]


def _event(package: Package, sample: Sample, payload: Any) -> dict[str, Any]:
    return event_for_handler(
        id=sample.event.id,
        type=sample.event.type,
        source=package.manifest.source["kind"],
        received_at=packages.SAMPLE_TIME,
        headers=sample.event.headers,
        payload=payload,
    )


def _with_holes(value: Any) -> Iterator[Any]:
    """Yield copies of `value` in which one field, at any depth, is null or missing."""
    if isinstance(value, dict):
        for key in value:
            yield {**value, key: None}
            yield {other: v for other, v in value.items() if other != key}
            for inner in _with_holes(value[key]):
                yield {**value, key: inner}
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield value[:place] + value[place + 1 :]
            for inner in _with_holes(item):
                yield [*value[:place], inner, *value[place + 1 :]]


def _structural(text: str) -> bool:
    """Say whether a text steers the handler rather than being shown: states, references, addresses, times."""
    return bool(re.fullmatch(r"(refs/|https?://|\d{4}-\d\d-\d\d).*|[a-z_.]{1,25}", text))


def _map_texts(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {key: _map_texts(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_map_texts(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


def _mrkdwn(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        for element in [block.get("text"), *block.get("elements", [])]:
            if element is not None:
                yield element["text"]
