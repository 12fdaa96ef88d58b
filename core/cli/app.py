"""The `ccb` command as a whole: its commands, and the border where every failure becomes a line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text as Line

from core import VERSION
from core.cli import (
    backup,
    command,
    dashboard,
    database,
    demo,
    events,
    github,
    init,
    install,
    integrations,
    keys,
    restore,
    screen,
    send,
    serve,
    trace,
)
from core.cli.failure import REFUSED, USAGE, CliError
from core.cli.language import said
from core.texts import T

INTERRUPTED = 130
"""What a shell reports for Ctrl-C, and typer for KeyboardInterrupt."""

command.speak()
app = command.group(None, T("Claude Code Bot: webhooks in, tested integrations out, and nothing lost between."))
for module in (
    serve, demo, init, install, integrations, send, trace, events, dashboard, github, keys, backup, restore, database,
):  # fmt: skip
    module.add(app)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"ccb {VERSION}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help=said(T("Show the version.")))
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; return its exit code (0 done, 1 refused, 2 wrong usage, 3 no engine)."""
    as_json = "--json" in arguments
    try:
        code = app(args=list(arguments), prog_name="ccb", standalone_mode=False)
    except CliError as error:
        return _fail(error, as_json=as_json)
    except typer.Abort:
        return _fail(CliError(T("Stopped; nothing more was done."), code=REFUSED, error="Aborted"), as_json=as_json)
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # help was printed on the way
            return USAGE
        return _fail(_wrong_usage(error), as_json=as_json)
    if code == INTERRUPTED:
        sys.stderr.write("\n")
    return code if isinstance(code, int) else 0


def _wrong_usage(error: typer.TyperException) -> CliError:
    """Say typer's complaint in the terminal's language; its classes are private, their names are not."""
    parameter = getattr(error, "param", None)
    name = parameter.get_error_hint() if parameter is not None else ""
    match type(error).__name__:
        case "MissingParameter":
            message = T("{name} is missing. See `{command} --help`.", name=name, command=_path(error))
        case "NoSuchOption":
            option = screen.clean(getattr(error, "option_name", ""))
            message = T("There is no option {option}. See `{command} --help`.", option=option, command=_path(error))
        case "BadParameter":
            message = T("{name}: {reason}", name=name, reason=screen.clean(error.message))
        case _:
            message = T("{reason} See `{command} --help`.", reason=screen.clean(error.message), command=_path(error))
    return CliError(message, code=USAGE, error="Wrong usage")


def _path(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "ccb"


def _fail(error: CliError, *, as_json: bool) -> int:
    if as_json:
        screen.write_json(error.document, stderr=True)
        return error.code
    console = screen.out(stderr=True)
    text = Line("\n".join(screen.clean(line) for line in error.message.splitlines()))
    if quoted := error.details.get("request_id"):
        text.append(f"\n({screen.clean(quoted)})", style="dim")
    console.print(screen.marked("✗", "bold red", text, by=0))
    return error.code
