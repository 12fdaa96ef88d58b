"""Packages: what is read, what is refused and where it says it is wrong, and what verifying finds out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from core import packages
from core.errors import Invalid, Unavailable
from core.handler import HandlerError, Load, Ran
from core.handler_event import event_for_handler
from core.packages import MAX_FILES, MAX_SIZE
from core.runtime.pool import HandlerPool
from core.texts import T

MANIFEST = """\
name: Order to API
slug: order-to-api
source: {kind: standard-webhooks, events: [order]}
config:
  type: object
  required: [target_url]
  properties:
    target_url: {type: string, title: Endpoint, pattern: "^https?://"}
    token: {type: string, title: Token, x-secret: true, pattern: "^tok_"}
    limit: {type: integer, title: Limit}
capabilities:
  actions: [http_request, log]
  hosts: [{$config: target_url}, other.example.com]
  secrets: {token: [{$config: target_url}]}
"""
HANDLER = """\
def handle(event, config):
    print("token is", config.get("token"))
    order = event["payload"]["data"]
    if not order:
        return []
    headers = {"Authorization": "Bearer " + config["token"]} if "token" in config else {}
    body = {"id": order["id"], "at": event["received_at"]}
    return [{"type": "http_request", "url": config["target_url"], "headers": headers, "json": body}]
"""
SAMPLE: dict[str, Any] = {
    "event": {"id": "evt_1", "type": "order.paid", "payload": {"type": "order.paid", "data": {"id": 42}}},
    "config": {"target_url": "https://api.example.com/in", "token": "secret:token"},
    "actions": [
        {
            "type": "http_request",
            "url": "https://api.example.com/in",
            "headers": {"Authorization": "Bearer secret:token"},
            "json": {"id": 42, "at": "2026-01-01T00:00:00.000Z"},
        }
    ],
}


def files(
    *, manifest: str = MANIFEST, handler: str = HANDLER, sample: str | dict[str, Any] = SAMPLE, **more: str
) -> dict[str, str]:
    text = sample if isinstance(sample, str) else json.dumps(sample, indent=1)
    return {"integration.yaml": manifest, "handler.py": handler, "samples/paid.json": text, **more}


def changed(path: str, value: Any) -> dict[str, Any]:
    """SAMPLE with `value` at a dotted path."""
    copy: dict[str, Any] = json.loads(json.dumps(SAMPLE))
    *parents, last = path.split(".")
    place = copy
    for part in parents:
        place = place[part]
    place[last] = value
    return copy


def test_reads_the_four_kinds_of_file() -> None:
    package = packages.read({**files(), "README.md": "# Order to API"})
    assert package.manifest.slug == "order-to-api"
    assert package.handler == HANDLER
    assert package.samples["paid"].event.type == "order.paid"
    assert package.readme == "# Order to API"
    assert len(package.digest) == 64


BAD_FILES: list[tuple[str, dict[str, str], str, str]] = [
    ("unknown file", {**files(), "setup.py": ""}, "setup.py", "no file of a package"),
    ("path that leads out", {**files(), "samples/../../x.json": "{}"}, "samples/../../x.json", "no file of a package"),
    ("control characters in a name", {**files(), "a\n.py": ""}, r"a\n.py", "no file of a package"),
    ("nested sample", {**files(), "samples/a/b.json": "{}"}, "samples/a/b.json", "no file of a package"),
    ("no manifest", {k: v for k, v in files().items() if k != "integration.yaml"}, "integration.yaml", "missing"),
    ("no handler", {k: v for k, v in files().items() if k != "handler.py"}, "handler.py", "missing"),
    ("no sample", {k: v for k, v in files().items() if not k.startswith("s")}, "samples", "at least one"),
    ("nothing", {}, "integration.yaml", "missing"),
    (
        "too many files",
        {**files(), **{f"samples/{n}.json": json.dumps(SAMPLE) for n in range(MAX_FILES)}},
        "package",
        f"{MAX_FILES + 3} files; at most {MAX_FILES}",
    ),
    ("too large", files(**{"README.md": "я" * (MAX_SIZE // 2)}), "package", f"at most {MAX_SIZE}"),
    ("lone surrogate", files(**{"README.md": "\ud800"}), "README.md", "UTF-8"),
    ("NUL", files(**{"README.md": "a\n\0"}), "README.md", "NUL"),
    ("YAML", files(manifest="name: [\n"), "integration.yaml", "expected"),
    ("slug", files(manifest=MANIFEST.replace("order-to-api", "Order")), "integration.yaml", "hyphens"),
    (
        "unknown action",
        files(manifest=MANIFEST.replace("[http_request, log]", "[http_request, launch]")),
        "integration.yaml",
        "'launch' is not an action. Known: ",
    ),
    (
        "no JSON",
        files(sample='{\n "event": {},\n "actions" []}'),
        "samples/paid.json",
        "not JSON: unexpected character, expected ':' after key (column 12)",
    ),
    ("NaN", files(sample='{"a": NaN}'), "samples/paid.json", "not JSON: "),
    ("too deep", files(sample="[" * 100_000), "samples/paid.json", "not JSON"),
    ("lone surrogate in JSON", files(sample=changed("event.id", "\ud800")), "samples/paid.json", "surrogate"),
    ("no object", files(sample="[]"), "samples/paid.json", "must be an object"),
    ("no actions", files(sample={"event": SAMPLE["event"]}), "samples/paid.json", "actions: is missing"),
    ("extra key", files(sample={**SAMPLE, "note": 1}), "samples/paid.json", "note: is not a known key"),
    ("number as type", files(sample=changed("event.type", 1)), "samples/paid.json", "event.type: must be a text"),
]


@pytest.mark.parametrize(
    ("bad", "file", "reason"), [case[1:] for case in BAD_FILES], ids=[case[0] for case in BAD_FILES]
)
def test_says_which_file_is_wrong_and_why(bad: dict[str, str], file: str, reason: str) -> None:
    with pytest.raises(Invalid) as caught:
        packages.read(bad)
    assert caught.value.error == "Invalid package"
    assert caught.value.details["file"] == file
    assert reason in str(caught.value.message)


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        (files(sample='{\n "event": {},\n "actions" []}'), 3),
        (files(manifest=MANIFEST + "  broken: [\n"), 16),
        (files(**{"README.md": "a\n\0"}), 2),
    ],
)
def test_says_the_line(bad: dict[str, str], line: int) -> None:
    with pytest.raises(Invalid) as caught:
        packages.read(bad)
    assert caught.value.details["line"] == line


@given(st.permutations(sorted(files(**{"README.md": "я", "samples/b.json": json.dumps(SAMPLE)}).items())))
def test_the_digest_does_not_depend_on_the_order(items: list[tuple[str, str]]) -> None:
    assert packages.digest(dict(items)) == packages.digest(dict(sorted(items)))


@given(st.dictionaries(st.text(), st.text(), max_size=4), st.dictionaries(st.text(), st.text(), max_size=4))
def test_the_digest_tells_all_else_apart(one: dict[str, str], other: dict[str, str]) -> None:
    assert (packages.digest(one) == packages.digest(other)) == (one == other)


def test_the_event_says_when_in_utc_and_keeps_proofs_back() -> None:
    proofs = [
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "X-Hub-Signature",
        "X-Hub-Signature-256",
        "Stripe-Signature",
        "Webhook-Signature",
        "X-Slack-Signature",
        "X-Gitlab-Token",
        "Sentry-Hook-Signature",
        "X-Grafana-Alerting-Signature",
        "X-Shopify-Hmac-Sha256",
        "X-Api-Key",
    ]
    event = event_for_handler(
        id="evt_1",
        type="push",
        source="github",
        received_at=1772445600.1239,
        headers={**dict.fromkeys(proofs, "proof"), "X-GitHub-Event": "push", "Content-Type": "application/json"},
        payload=[1],
    )
    assert event == {
        "id": "evt_1",
        "type": "push",
        "source": "github",
        "received_at": "2026-03-02T10:00:00.123Z",
        "headers": {"x-github-event": "push", "content-type": "application/json"},
        "payload": [1],
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[HandlerPool]:
    async with HandlerPool(processes=1) as started:
        yield started


@pytest.mark.asyncio(loop_scope="module")
class TestVerify:
    """In the real sandbox."""

    async def test_reports_what_each_sample_gave(self, pool: HandlerPool) -> None:
        nothing = {**changed("event.payload.data", None), "actions": []}
        package = packages.read(files(**{"samples/nothing.json": json.dumps(nothing)}))
        report = await packages.verify(package, sandbox=pool)
        assert [(run.name, run.event_type) for run in report.samples] == [
            ("nothing", "order.paid"),
            ("paid", "order.paid"),
        ]
        assert report.samples[1].actions == SAMPLE["actions"]
        assert report.samples[1].printed.strip() == "token is secret:token", "references show as the sample writes them"

    BAD: tuple[tuple[str, dict[str, str], str, int | None, str], ...] = (
        ("syntax", files(handler="def handle(event, config):\n    return [\n"), "handler.py", 2, ""),
        ("no handle", files(handler="x = 1\n"), "handler.py", None, "handle"),
        (
            "raises",
            files(handler='def handle(event, config):\n    return event["payload"]["nothing"]\n'),
            "handler.py",
            2,
            "with samples/paid.json: KeyError: nothing",
        ),
        (
            "no list",
            files(handler="def handle(event, config):\n    return {}\n"),
            "handler.py",
            None,
            "a list of actions",
        ),
        (
            "action that is not granted",
            files(handler='def handle(event, config):\n    return [{"type": "email"}]\n'),
            "handler.py",
            None,
            "'email' is not among this integration's actions",
        ),
        (
            "host that is not granted",
            files(handler=HANDLER.replace('config["target_url"]', '"https://evil.example.com"')),
            "handler.py",
            None,
            "'evil.example.com' is not among this integration's hosts",
        ),
        (
            "secret to a host that it is not bound to",
            files(handler=HANDLER.replace('config["target_url"]', '"https://other.example.com"')),
            "handler.py",
            None,
            "The secret token (in headers.Authorization) may go to api.example.com, not to other.example.com",
        ),
        (
            "wrong parameters",
            files(handler=HANDLER.replace('"url"', '"uri"')),
            "handler.py",
            None,
            "with samples/paid.json: Action 1 (http_request): ",
        ),
        (
            "endless",
            files(handler="def handle(event, config):\n    while True:\n        pass\n"),
            "handler.py",
            None,
            "with samples/paid.json: stopped, for it took longer than",
        ),
        (
            "event that is not listed",
            files(sample=changed("event.type", "user.created")),
            "samples/paid.json",
            None,
            "event.type: user.created is not among source.events (order)",
        ),
        (
            "configuration without a required key",
            files(sample=changed("config", {})),
            "samples/paid.json",
            None,
            "config: 'target_url' is a required property",
        ),
        (
            "configuration of another type",
            files(sample=changed("config.limit", "ten")),
            "samples/paid.json",
            None,
            "config.limit: must be a whole number",
        ),
        (
            "configuration that is not in the schema",
            files(sample=changed("config.colour", "red")),
            "samples/paid.json",
            None,
            "config.colour: is not a key",
        ),
        (
            "host that is none",
            files(sample=changed("config.target_url", "https://[x")),
            "samples/paid.json",
            None,
            "config: An address",
        ),
    )

    @pytest.mark.parametrize(
        ("bad", "file", "line", "reason"), [case[1:] for case in BAD], ids=[case[0].replace(" ", "-") for case in BAD]
    )
    async def test_says_what_is_wrong_and_where(
        self, pool: HandlerPool, bad: dict[str, str], file: str, line: int | None, reason: str
    ) -> None:
        with pytest.raises(Invalid) as caught:
            await packages.verify(packages.read(bad), sandbox=pool)
        assert caught.value.error == "Invalid package"
        assert caught.value.details["file"] == file
        assert reason in str(caught.value.message)
        if line is not None:
            assert caught.value.details["line"] == line

    async def test_a_real_secret_in_a_sample_is_refused_and_not_shown(self, pool: HandlerPool) -> None:
        with pytest.raises(Invalid) as caught:
            await packages.verify(packages.read(files(sample=changed("config.token", "tok_real"))), sandbox=pool)
        assert 'config.token: a secret stands in a sample as the reference "secret:token"' in str(caught.value)
        assert "tok_real" not in str(caught.value)
        assert "tok_real" not in json.dumps(caught.value.details)

    async def test_shows_how_the_actions_differ(self, pool: HandlerPool) -> None:
        wrong = changed("actions", [{**SAMPLE["actions"][0], "json": {"id": 43, "at": "2026-01-01T00:00:00.000Z"}}])
        with pytest.raises(Invalid) as caught:
            await packages.verify(packages.read(files(sample=wrong)), sandbox=pool)
        assert (caught.value.details["file"], caught.value.details["path"]) == ("samples/paid.json", "actions")
        lines = str(caught.value).splitlines()
        assert '-      "id": 43' in lines
        assert '+      "id": 42' in lines
        assert "ccbref_" not in str(caught.value)

    @pytest.mark.parametrize("other", ["42.0", "true", '"42"', "null"])
    async def test_what_json_tells_apart_is_not_equal(self, pool: HandlerPool, other: str) -> None:
        text = json.dumps(SAMPLE).replace('"json": {"id": 42', f'"json": {{"id": {other}')
        with pytest.raises(Invalid, match="other actions"):
            await packages.verify(packages.read(files(sample=text)), sandbox=pool)

    async def test_long_differences_are_cut(self, pool: HandlerPool) -> None:
        text = json.dumps(changed("actions", [{"type": "log", "message": f"{n}" + "x" * 500} for n in range(50)]))
        with pytest.raises(Invalid) as caught:
            await packages.verify(packages.read(files(sample=text)), sandbox=pool)
        assert len(str(caught.value)) < 10_000
        assert str(caught.value).endswith("…")

    async def test_names_every_sample_that_fails(self, pool: HandlerPool) -> None:
        bad = json.dumps(changed("actions", []))
        package = packages.read(files(**{"samples/a.json": bad, "samples/z.json": bad}))
        with pytest.raises(Invalid) as caught:
            await packages.verify(package, sandbox=pool)
        assert caught.value.details["file"] == "samples/a.json"
        assert [found["file"] for found in caught.value.details["problems"]] == ["samples/a.json", "samples/z.json"]
        assert "samples/z.json" in str(caught.value)


class Busy:
    """A sandbox without a free process."""

    async def run(self, source: str, *, event: Any, config: Any, owner: str, payload_size: int = 0) -> Ran:
        raise HandlerError(T("No process is free."), kind="busy")

    def load(self) -> Load:
        """Return how busy it is."""
        return Load(1, 1, 0)


async def test_a_busy_sandbox_is_no_fault_of_the_package() -> None:
    with pytest.raises(Unavailable, match="No process is free"):
        await packages.verify(packages.read(files()), sandbox=Busy())
