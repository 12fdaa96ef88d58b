"""`ccb init`: connect a service, with every setting explained, checked and written to .env."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from rich.text import Text as Line

from core.cli import env_file, guides, screen
from core.cli.asking import Asker
from core.cli.client import SOCKET
from core.cli.command import Session, command
from core.cli.failure import refused, usage
from core.cli.language import said
from core.cli.serve import in_order
from core.cli.settings import problems
from core.config import Settings, setting_names
from core.errors import CcbError
from core.redaction import mask
from core.services import Service
from core.texts import T

ENV_FILE = Path(".env")
_KEY_FILE = "GITHUB_APP_PRIVATE_KEY"
_SECRET = frozenset(
    name
    for name, field in zip(setting_names(), Settings.model_fields.values(), strict=True)
    if SecretStr in get_args(field.annotation)
)


def add(parent: typer.Typer) -> None:
    """Add the command."""
    command(parent, "init", T("Connect Slack, GitHub, Claude or e-mail, step by step."), remote=False)(init)


async def init(
    session: Session,
    service: Annotated[
        str | None,
        typer.Argument(
            metavar="SERVICE", help=said(T("slack, github, claude or email; else all in turn.")), show_default=False
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help=said(T("Ask nothing: check the settings that are there, write them to .env."))
        ),
    ] = False,
) -> None:
    """Set up one service, or go through all."""
    from core import mail  # here: no other command should wait for these imports
    from core.bootstrap import load_services

    assert mail  # imported for the service that it registers
    services = in_order(load_services().values(), key=lambda s: s.name)
    names = [found.name for found in services]
    if service is not None and service not in names:
        known = ", ".join(names)
        raise usage(T("There is no service {name}. There are: {known}.", name=screen.clean(service), known=known))
    chosen = [found for found in services if service in (None, found.name)]
    if yes:
        await _unasked(session, chosen, named=service is not None)
    elif not session.interactive:
        raise usage(
            T("`ccb init` asks questions, so it needs a terminal; without one, set the variables and add --yes.")
        )
    else:
        await asked(Asker(), chosen, named=service is not None)


async def asked(asker: Asker, services: Sequence[Service], *, named: bool) -> None:
    """Set up what `asker` wants of `services`, or the one that was `named`."""
    written = False
    for service in services:
        if named or _wanted(asker, service):
            written |= await _set_up(asker, service)
    if written and _running():
        asker.say(said(T("The engine is running: start `ccb serve` again, so that it reads the new settings.")))


def present() -> dict[str, str]:
    """Return the settings that have a value, as text: the environment's go before those of .env."""
    both = {**dotenv_values(ENV_FILE), **os.environ}
    return {name: value for name in setting_names() if (value := both.get(name))}


def _wanted(asker: Asker, service: Service) -> bool:
    there = _complete(service, present())
    state = T("configured") if there else T("not configured")
    return asker.confirm(said(T("Set up {service} ({state})?", service=service.title, state=state)), default=not there)


def _complete(service: Service, values: Mapping[str, str]) -> bool:
    return any(all(name in values for name in names) for names in (service.required, *service.alternatives))


async def _set_up(asker: Asker, service: Service) -> bool:
    """Ask, check and write; return whether anything was written."""
    asker.say(Line(f"\n{service.title}", style="bold"))
    if service.name in guides.SERVICES:
        asker.explain(said(guides.SERVICES[service.name]))
    names = (*_chosen_way(asker, service), *service.optional)
    given: dict[str, str] = {}
    while True:
        given |= _asked(asker, service, names, {**present(), **given})
        with asker.console.status(said(T("Asking {service} …", service=service.title))):
            result = await checked(service, given)
        asker.result(good=result.ok, text=f"{service.title}: {screen.clean(result.told)}")
        if result.ok:
            break
        if asker.confirm(said(T("Give other values?")), default=True):
            continue
        if not asker.confirm(said(T("Write these to .env anyway?")), default=False):
            return False
        break
    return _written(asker, given)


def _written(asker: Asker, given: Mapping[str, str]) -> bool:
    if not given:
        asker.say(said(T("Nothing has changed.")))
        return False
    env_file.write(ENV_FILE, given)
    asker.say(said(T("Written to {file}: {names}", file=ENV_FILE.name, names=", ".join(given))))
    hidden = [name for name, value in given.items() if os.environ.get(name, value) != value]
    if hidden:
        told = T("{names}: the environment has another value, which goes before .env.", names=", ".join(hidden))
        asker.say(Line(said(told), style="yellow"))
    return True


def _chosen_way(asker: Asker, service: Service) -> tuple[str, ...]:
    """Return the settings to ask for, where a service takes one set or another."""
    ways = (service.required, *service.alternatives)
    if len(ways) == 1:
        return ways[0]
    values = present()
    best = next((number for number, names in enumerate(ways, 1) if all(name in values for name in names)), 1)
    for number, names in enumerate(ways, 1):
        asker.say(f"  {number}  {' + '.join(names)}")
    while True:
        answer = asker.ask(said(T("Which of them? [{best}]", best=best))) or str(best)
        if answer.isdecimal() and 1 <= int(answer) <= len(ways):
            return ways[int(answer) - 1]


def _asked(asker: Asker, service: Service, names: Sequence[str], values: Mapping[str, str]) -> dict[str, str]:
    """Ask for each setting; return those that were typed. Enter keeps what is there."""
    given: dict[str, str] = {}
    for name in names:
        asker.say("")
        if name in guides.SETTINGS:
            asker.explain(said(guides.SETTINGS[name]))
        while True:
            answer = _answer(asker, name, values.get(name))
            if answer:
                given[name] = answer
            if answer or name in values or name in service.optional:
                break
    return given


def _answer(asker: Asker, name: str, now: str | None) -> str | None:
    """Return what was typed for one setting, or None for Enter (or for what cannot be taken, which is said)."""
    secret = name in _SECRET
    shown = f" [{mask(now) if secret else now}]" if now else ""
    answer = asker.ask(name + shown, secret=secret and name != _KEY_FILE)
    if name == _KEY_FILE and answer and "-----BEGIN" not in answer:
        try:
            answer = Path(answer).expanduser().read_text(encoding="ascii").strip() + "\n"
        except (OSError, ValueError) as error:
            asker.say(Line(screen.clean(error), style="red"))
            return None
    if "${" in answer or "\0" in answer:
        asker.say(
            Line(
                said(T("A value with {signs} cannot be written to .env.", signs="${")),
                style="red",
            )
        )
        return None
    return answer or None


@dataclass(frozen=True)
class Checked:
    """What a service said to its settings."""

    ok: bool
    told: str


async def checked(service: Service, given: Mapping[str, Any]) -> Checked:
    """Ask the service whether it takes the settings, those `given` before the ones that are there."""
    try:
        settings = Settings(**given)
    except ValidationError as error:
        return Checked(False, "\n".join(problems(error)))
    try:
        return Checked(True, said(await service.check(settings)))
    except CcbError as error:
        return Checked(False, said(error.message))


async def _unasked(session: Session, services: Sequence[Service], *, named: bool) -> None:
    """Check what is configured and write it; raise `CliError` when something is missing or refused."""
    values = present()
    found = [service for service in services if _complete(service, values)]
    if named and not found:
        missing = [name for name in services[0].required if name not in values]
        raise usage(
            T("{service} needs {missing}: set it in the environment.", service=services[0].title,
              missing=", ".join(missing)),
            missing=missing,
        )  # fmt: skip
    lines = []
    for service in found:
        result = await checked(service, {})
        names = [n for n in _all_names(service) if n in values]
        if result.ok:
            env_file.write(ENV_FILE, {name: values[name] for name in names})
        lines.append(
            {"service": service.name, "ok": result.ok, "message": result.told, "written": names if result.ok else []}
        )
        if not session.json:
            Asker().result(good=result.ok, text=f"{service.title}: {screen.clean(result.told)}")
    if session.json:
        screen.write_json(lines)
    refusals = [line["service"] for line in lines if not line["ok"]]
    if refusals:
        raise refused(T("Not written: {services}.", services=", ".join(map(str, refusals))), services=refusals)


def _all_names(service: Service) -> tuple[str, ...]:
    return (*service.required, *(name for names in service.alternatives for name in names), *service.optional)


def _running() -> bool:
    """Say whether an engine listens on the socket of the data folder."""
    folder = Path(present().get("CCB_DATA_DIR", "data"))
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(folder / SOCKET))
        except OSError:
            return False
        return True
