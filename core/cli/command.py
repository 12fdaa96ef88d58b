"""What every command shares: `--json`, the way to the engine, one async body, one border for errors."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from core.cli import screen
from core.cli.client import SOCKET, Engine
from core.cli.failure import usage
from core.cli.language import language, said
from core.cli.settings import load_settings
from core.texts import T, Text

Body = TypeVar("Body", bound=Callable[..., Coroutine[Any, Any, None]])


@dataclass(frozen=True)
class Session:
    """One call of one command."""

    json: bool
    url: str | None = None
    key: str | None = None

    @property
    def console(self) -> Console:
        """Where people read."""
        return screen.out()

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to be asked."""
        return not self.json and sys.stdin.isatty() and sys.stdout.isatty()

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """Connect to the engine: by `--url`, else by the socket in the data folder."""
        folder = Path() if self.url else load_settings().data_dir
        async with Engine(url=self.url, key=self.key, socket=folder / SOCKET) as engine:
            yield engine


class _Spoken:
    """Typer's own few words in the terminal's language."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the line of usage."""
        pieces: list[str] = self.collect_usage_pieces(ctx)  # type: ignore[attr-defined]  # of what it is mixed into
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=said(T("Usage: ")))

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option --help."""
        option = super().get_help_option(ctx)  # type: ignore[misc]  # of what it is mixed into
        if option is not None:
            option.help = said(T("Show this help."))
        return option


class Command(_Spoken, TyperCommand):
    """A command."""


class Group(_Spoken, TyperGroup):
    """A group of commands."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command; say which there are when there is no such."""
        if args[0] not in self.commands and not args[0].startswith("-"):
            known = ", ".join(self.list_commands(ctx))
            raise usage(T("There is no command {name}. There are: {known}.", name=screen.clean(args[0]), known=known))
        return super().resolve_command(ctx, args)


_JSON = inspect.Parameter(
    "json",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--json", help=said(T("Write JSON for programs: one document on standard output.")))
    ],
)
_REMOTE = (
    inspect.Parameter(
        "url",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[
            str | None,
            typer.Option("--url", metavar="URL", envvar="CCB_URL", help=said(T("Another engine's address."))),
        ],
    ),
    inspect.Parameter(
        "key",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[
            str | None,
            typer.Option("--key", metavar="KEY", envvar="CCB_API_KEY", help=said(T("API key for that engine."))),
        ],
    ),
)


def group(name: str | None, help: Text, *, itself: bool = False) -> typer.Typer:
    """Return an empty group of commands; `itself`: it is a command too (`command` with no name)."""
    return typer.Typer(
        name=name,
        help=said(help),
        cls=Group,
        no_args_is_help=not itself,
        invoke_without_command=itself,
        add_completion=False,
        context_settings={"help_option_names": ["--help", "-h"]},
        pretty_exceptions_enable=False,
        options_metavar=said(T("[OPTIONS]")),
        subcommand_metavar=said(T("COMMAND [ARGUMENTS]…")),
    )


def command(
    parent: typer.Typer,
    name: str | None,
    help: Text,
    *,
    remote: bool = True,
    loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> Callable[[Body], Body]:
    """Declare `async def body(session, …)` as a command; its own parameters are typer's.

    It gets `--json`, and with `remote` (the command talks to an engine) `--url` and `--key` as well. `loop` makes the
    event loop to run in, where the default one will not do. Without a name it is what `parent` does by itself.
    """

    def declare(body: Body) -> Body:
        hints = get_type_hints(body, include_extras=True)
        own = [
            parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in list(inspect.signature(body).parameters.values())[1:]
        ]
        shared = (_JSON, *_REMOTE) if remote else (_JSON,)

        def run(_context: typer.Context, **given: Any) -> None:
            if name is None and _context.invoked_subcommand is not None:
                return
            session = Session(**{parameter.name: given.pop(parameter.name) for parameter in shared})
            with asyncio.Runner(loop_factory=loop) as runner:
                runner.run(body(session, **given))

        context = inspect.Parameter("_context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        run.__signature__ = inspect.Signature([context, *own, *shared])  # type: ignore[attr-defined]  # typer reads it
        if name is None:
            parent.callback(help=said(help))(run)
        else:
            parent.command(name, help=said(help), cls=Command, options_metavar=said(T("[OPTIONS]")))(run)
        return body

    return declare


def speak() -> None:
    """Put typer's headings into the terminal's language; it has them as constants and reads no catalogue of ours."""
    if language() == "en":
        return
    from typer import rich_utils

    rich_utils.ARGUMENTS_PANEL_TITLE = said(T("Arguments"))
    rich_utils.OPTIONS_PANEL_TITLE = said(T("Options"))
    rich_utils.COMMANDS_PANEL_TITLE = said(T("Commands"))
    rich_utils.DEFAULT_STRING = said(T("[default: {}]"))
    rich_utils.ENVVAR_STRING = said(T("[env var: {}]"))
    rich_utils.REQUIRED_LONG_STRING = said(T("[required]"))
