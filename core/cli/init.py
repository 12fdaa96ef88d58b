"""`ccb init`: connect a service, with every setting explained, checked and written to .env."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr, ValidationError
from rich.text import Text as Line

from core.cli import env_file, guides, screen
from core.cli.asking import Asker
from core.cli.client import SOCKET
from core.cli.command import Session, command
from core.cli.failure import CliError, refused, usage
from core.cli.language import said
from core.cli.serve import ORDER, program
from core.cli.settings import problems
from core.config import Settings
from core.errors import CcbError
from core.redaction import mask
from core.services import Service
from core.texts import T

ENV_FILE = Path(".env")


def add(parent: typer.Typer) -> None:
    """Add the command."""
    command(parent, "init", T("Connect Slack, GitHub, Claude or e-mail, step by step."), remote=False)(init)


async def init(
    session: Session,
    service: Annotated[
        str | None,
        typer.Argument(
            metavar="[SERVICE]", help=said(T("slack, github, claude or email; else all in turn.")), show_default=False
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help=said(T("Ask nothing: check the settings that are there and write them to .env."))
        ),
    ] = False,
) -> None:
    """Set up one service, or go through all."""
    from core.bootstrap import load_services

    services = load_services()
    if service is not None and service not in services:
        raise usage(T("There is no service {name}. There are: {known}.", name=screen.clean(service), known=", ".join(_ordered(services))))
    if yes:
        return await _unasked(session, [services[service]] if service else list(services.values()))
    if not session.interactive:
        raise usage(T("`ccb init` asks questions, so it needs a terminal. Without one, set the variables and use --yes."))
    await configure(Asker(), [services[service]] if service else [services[name] for name in _ordered(services)],
                    chosen=service is not None)


def _ordered(services: Mapping[str, Service]) -> list[str]:
    return sorted(services, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
