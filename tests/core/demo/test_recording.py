"""The recorded answers: real packages, of which the first is refused."""

from __future__ import annotations

import json
import tomllib

import pytest

from core import packages
from core.demo import recording
from core.demo.recording import Recording
from core.errors import Invalid
from core.generation import template
from core.generation.draft import Draft
from core.runtime import HandlerPool
from core.texts import LANGUAGES
from tests.doc_tables import ROOT


@pytest.fixture(params=LANGUAGES)
def recorded(request: pytest.FixtureRequest) -> Recording:
    return recording.load(request.param)


def test_there_is_one_in_each_language() -> None:
    assert len({recording.load(language).title for language in LANGUAGES}) == len(LANGUAGES)
    assert recording.load("xx") == recording.load("en")


def test_the_issue_is_a_complete_request(recorded: Recording) -> None:
    read = template.parse(recorded.body)
    assert not read.missing and sorted(read.fields.values()) == sorted(recorded.fields.values())


def test_each_round_says_that_it_is_recorded(recorded: Recording) -> None:
    assert all("recorded" in draft.notes or "аписанный ответ" in draft.notes for draft in recorded.rounds)


def test_the_answers_are_what_claude_is_asked_for(recorded: Recording) -> None:
    assert [Draft.model_validate(json.loads(answer.text)) for answer in recorded.answers()] == list(recorded.rounds)


def test_an_installed_copy_has_its_files() -> None:
    """What is no Python is in the package only where setuptools is told so."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    globs = told["tool"]["setuptools"]["package-data"]["core"]
    packed = {path for glob in globs for path in (ROOT / "core").glob(glob)}
    needed = {
        path for path in (ROOT / "core/demo").rglob("*") if path.suffix in (".yaml", ".html", ".css", ".js", ".svg")
    }
    assert len(needed) > 3 and needed <= packed


@pytest.mark.slow
async def test_the_first_round_fails_in_the_sandbox_and_the_last_passes(recorded: Recording) -> None:
    first, last = (packages.read(draft.files()) for draft in recorded.rounds)
    async with HandlerPool(processes=1) as sandbox:
        with pytest.raises(Invalid, match=r"with-little\.json: .*KeyError"):
            await packages.verify(first, sandbox=sandbox)
        assert len((await packages.verify(last, sandbox=sandbox)).samples) == 3
