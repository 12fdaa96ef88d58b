"""Packages as Claude might write them, for the stand-in to answer with."""

from __future__ import annotations

import json
from typing import Any

from core import gallery
from core.demo.stand_ins.claude import Answer
from core.generation.draft import Draft, DraftSample


def draft(name: str = "hello-webhook", **changes: Any) -> Draft:
    """Return a ready-made integration as a draft; `changes` replace its members."""
    files = gallery.load(name)
    samples = [
        DraftSample(name=path.removeprefix("samples/").removesuffix(".json"), content=text)
        for path, text in files.items()
        if path.startswith("samples/")
    ]
    whole = Draft(
        manifest=files["integration.yaml"],
        handler=files["handler.py"],
        samples=samples,
        readme=files["README.md"],
        notes="Nothing to note.",
    )
    return whole.model_copy(update=changes)


def answer(written: Draft, **more: Any) -> Answer:
    """Return the answer that hands a draft in."""
    return Answer(json.dumps(written.model_dump(), ensure_ascii=False), **more)
