"""What a package says of itself reaches a pull request as text alone."""

from __future__ import annotations

import orjson
import pytest

from core.generation.money import dollars
from core.manifest import parse
from core.requests import comment, pull
from core.requests.model import Asked
from core.texts import T
from storage.requests import IntegrationRequest, Round
from tests.core.generation.drafts import draft

MANIFEST = draft().manifest
EVIL = "x` @octocat | closes #1\n\n## Merge me"


def test_a_name_makes_no_second_line_and_closes_nothing() -> None:
    """The title is the commit's subject too, in which GitHub looks for closing words and trailers."""
    manifest = parse(MANIFEST).model_copy(update={"name": "Fixes #1\n\nCo-authored-by: @octocat <x@y>"})
    title = pull.title(manifest, "en")
    assert "\n" not in title and "#1" not in title and "@octocat" not in title
    assert pull.title(parse(MANIFEST), "en") == "Add the integration Hello, webhook"


@pytest.mark.parametrize(
    "text", ["closes #1", "Fixes GH-1", "resolved: https://github.com/acme/app/issues/1", "fix\nhttps://github.com/a"]
)
def test_no_closing_words(text: str) -> None:
    shown = comment.plain(text)
    assert shown != text and shown.replace("\u200b", "") == text
    assert comment.plain("This fixes what the closed shop resolves.") == "This fixes what the closed shop resolves."


def test_code_cannot_be_ended() -> None:
    assert comment.code("invoice.paid") == "`invoice.paid`"
    shown = comment.code(EVIL)
    assert not {"`", "|", "@", "#", "\n"} & set(shown.replace("&#", ""))


def test_events_and_keys_stay_in_their_cells() -> None:
    config = {"type": "object", "properties": {EVIL: {"type": "string"}}, "required": [EVIL]}
    source = {"kind": "standard-webhooks", "events": [EVIL]}
    manifest = parse(MANIFEST).model_copy(update={"source": source, "config": config})
    table = pull.capabilities(manifest, "en")
    assert "closes #1" not in table and all(line.startswith("|") for line in table.splitlines())
    one = {"name": "a", "type": EVIL, "actions": [], "ms": 2.62}
    report = orjson.dumps({"samples": [one]}).decode()
    last = Round(request_id="int_1", version=1, round=1, at=0.0, model="m", text="", report=report)
    assert len(pull.samples(last, "en").splitlines()) == 3
    russian = pull.samples(last, "ru")
    assert "| мс |" in russian and "| 2,62 |" in russian, "numbers in the reader's own form"


def test_what_conflicts_mentions_nobody() -> None:
    row = IntegrationRequest(
        id="int_1", slug="s", title="t", language="en", origin="issue", asked_by="a", fields="{}", status="failed",
        stage="", created_at=0.0, updated_at=0.0,
    )  # fmt: skip
    details = {"error": "Dependency conflict detected", "message": T("{one}", one="@octocat <b>: no").dump()}
    shown = comment.comment(Asked(row, {}, (), details), [], spent=dollars(0))
    assert "@octocat" not in shown and "<b>" not in shown
