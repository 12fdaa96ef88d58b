"""`ccb github setup`: a repository made ready for integration requests."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli import screen
from core.cli.command import Session, command, group
from core.cli.failure import REFUSED, CliError
from core.cli.language import said
from core.texts import T

_MARKS = {"done": ("✓", "green"), "there": ("–", "dim"), "failed": ("✗", "red")}


def add(parent: typer.Typer) -> None:
    """Add the commands."""
    github = group("github", T("GitHub: the repository of the integrations."))
    command(github, "setup", T("Make labels, issue forms and the webhook; can be run again."))(setup)
    parent.add_typer(github)


async def setup(
    session: Session,
    repository: Annotated[
        str | None, typer.Argument(metavar="OWNER/REPO", help=said(T("Otherwise the one in GITHUB_REPOSITORY.")))
    ] = None,
) -> None:
    """Set up, and say each step."""
    async with session.engine() as engine:
        made = await engine.post("/v1/github/setup", {"repository": repository})
    if session.json:
        screen.write_json(made)
    else:
        for step in made["steps"]:
            mark, style = _MARKS[step["outcome"]]
            line = f"{screen.clean(step['title'])}: {screen.clean(step['detail'])}"
            session.console.print(screen.marked(mark, style, line, by=0))
    if not made["ready"]:
        failed = ", ".join(step["title"] for step in made["steps"] if step["outcome"] == "failed")
        raise CliError(
            T("{repository} is not ready yet: {failed}. Run it again when that is mended.",
              repository=screen.clean(made["repository"]), failed=failed),
            code=REFUSED,
            error="Not ready",
        )  # fmt: skip
