"""What Claude is asked to write: the files of one package, as structured output."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from core import packages


class DraftSample(BaseModel):
    """One samples/<name>.json."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="Of the file, without folder and ending: letters, digits, hyphens.")
    content: str = Field(description="The file: JSON with event, config and the actions expected.")


class Draft(BaseModel):
    """A package, as its author hands it in."""

    model_config = ConfigDict(extra="forbid")

    manifest: str = Field(description="integration.yaml: the capability manifest, YAML.")
    handler: str = Field(description="handler.py: def handle(event: dict, config: dict) -> list[dict].")
    samples: list[DraftSample] = Field(description="Two to six samples; one at least leads to an action.")
    readme: str = Field(description="README.md: what it does, what to configure, how to set the sender up.")
    notes: str = Field(description="To the reviewer, in the request's language: assumptions, what to check. Short.")

    def files(self) -> dict[str, str]:
        """Return the files by their paths."""
        return {
            packages.MANIFEST: self.manifest,
            packages.HANDLER: self.handler,
            packages.README: self.readme,
            **{f"samples/{sample.name}.json": sample.content for sample in self.samples},
        }
