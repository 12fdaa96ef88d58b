"""What the demonstration's Claude was recorded to answer, and what is asked of it, in the reader's language.

It goes the way of any answer: over the wire, through the parser, the sandbox and the samples. Nothing is believed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from core.demo.stand_ins.claude import Answer, Failure
from core.generation.draft import Draft, DraftSample
from core.generation.template import FIELDS
from core.texts import DEFAULT_LANGUAGE

_FOLDER = Path(__file__).parent / "recordings"
NOTHING_MORE = Failure(
    400,
    "invalid_request_error",
    "this is a demonstration, and nothing more is recorded. Set ANTHROPIC_API_KEY and run `ccb serve` to ask Claude",
)
"""What it answers to anything else."""


class _Issue(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    fields: dict[str, str]


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="forbid")

    issue: _Issue
    manifest: str
    handlers: list[str]
    samples: dict[str, dict[str, Any]]
    readme: str
    notes: list[str]
    delivery: dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """A story: an issue (its fields by the form's headings), the rounds, and what the service sends later."""

    title: str
    fields: Mapping[str, str]
    body: str
    description: str
    rounds: tuple[Draft, ...]
    delivery: Mapping[str, Any]

    def answers(self) -> list[Answer]:
        """Return the rounds as Claude hands them in."""
        return [Answer(json.dumps(draft.model_dump(), ensure_ascii=False)) for draft in self.rounds]

    def is_asked_in(self, question: Mapping[str, Any]) -> bool:
        """Say if a question to Claude is about this story's issue."""
        return json.dumps(self.description)[1:-1] in json.dumps(question)


@cache
def load(language: str) -> Recording:
    """Return the recording in a language; in English where there is none."""
    path = _FOLDER / f"sentry-to-slack.{language}.yaml"
    if not path.is_file():
        return load(DEFAULT_LANGUAGE)
    read = _Recorded.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    titles = {field.name: field.title.render(language) for field in FIELDS}
    fields = {titles[name]: text for name, text in read.issue.fields.items()}
    return Recording(
        title=read.issue.title,
        fields=fields,
        description=read.issue.fields["description"],
        body="\n\n".join(f"### {heading}\n\n{text}" for heading, text in fields.items()),
        rounds=tuple(_draft(read, handler, notes) for handler, notes in zip(read.handlers, read.notes, strict=True)),
        delivery=read.delivery,
    )


def _draft(read: _Recorded, handler: str, notes: str) -> Draft:
    samples = [
        DraftSample(name=name, content=json.dumps(content, indent=2, ensure_ascii=False))
        for name, content in read.samples.items()
    ]
    return Draft(manifest=read.manifest, handler=handler, samples=samples, readme=read.readme, notes=notes)
