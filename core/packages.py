"""An integration's package: its files read into typed parts, and the proof that they do what they say.

The same four kinds of file come from a pull request, from `POST /v1/integrations` and from the gallery, and all pass
through here before anything of them is stored.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jsonschema
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core import alerts, manifest, references
from core.context import Sandbox
from core.effects import ACTIONS, plan
from core.errors import CcbError, Denied, Invalid, Unavailable
from core.grants import Grants, resolve
from core.handler import HandlerError
from core.handler_event import event_for_handler
from core.manifest import Manifest, problem
from core.runtime.check import Problem, check_source
from core.texts import T, Text
from core.validation import reason, schema_reason

MANIFEST = "integration.yaml"
HANDLER = "handler.py"
README = "README.md"
MAX_FILES = 50
MAX_SIZE = 1 << 20
"""Bytes of all files together (UTF-8)."""
SAMPLE_TIME = 1767225600.0
"""When a sample's event counts as received: 2026-01-01T00:00:00.000Z."""

_SAMPLE = re.compile(r"samples/([A-Za-z0-9][A-Za-z0-9._-]{0,99})\.json")
_DIFF_LINES = 40
_DIFF_WIDTH = 200
_OTHERS_SHOWN = 9
_HEADLINE = 500


class SampleEvent(BaseModel):
    """The event of a sample; what is not here (source, time) comes from the manifest and `SAMPLE_TIME`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(min_length=1)
    type: str = Field(min_length=1)
    headers: dict[str, str] = Field(default_factory=dict)
    payload: Any


class Sample(BaseModel):
    """An event, a configuration, and the actions that they must give. Secrets are references `secret:<key>`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    event: SampleEvent
    config: dict[str, Any] = Field(default_factory=dict)
    actions: list[dict[str, Any]]


@dataclass(frozen=True)
class Package:
    """A package whose form is right. `digest`: SHA-256 over the files, in hex, whatever order they came in."""

    files: dict[str, str]
    manifest: Manifest
    handler: str
    samples: dict[str, Sample]
    readme: str
    digest: str


@runtime_checkable
class TypeChecker(Protocol):
    """A sandbox that can also check types, as `core.runtime.pool` can."""

    async def type_check(self, source: str) -> list[Problem]:
        """Return what is wrong with a handler's source; raise `HandlerError` when that cannot be found out."""
        ...


@dataclass(frozen=True)
class SampleRun:
    """A sample that gave what it should: `seconds` in the sandbox, and what the handler printed."""

    name: str
    event_type: str
    actions: list[dict[str, Any]]
    printed: str
    seconds: float


@dataclass(frozen=True)
class Report:
    """What `verify` found right, sample by sample."""

    samples: tuple[SampleRun, ...]


def read(files: Mapping[str, str]) -> Package:
    """Return the package in `files` (path → text); raise `Invalid` with file, line or path, and reason. Pure."""
    _check_files(files)
    parsed = manifest.parse(files[MANIFEST])
    for action in parsed.capabilities.actions:
        if action not in ACTIONS:
            known = ", ".join(ACTIONS.names())
            raise problem(
                "capabilities.actions", T("{action} is not an action. Known: {known}", action=repr(action), known=known)
            )
    names = sorted(match[1] for match in map(_SAMPLE.fullmatch, files) if match)
    samples = {name: _sample(f"samples/{name}.json", files[f"samples/{name}.json"]) for name in names}
    if not samples:
        raise problem("", T("at least one samples/<name>.json is needed: it proves the handler"), file="samples")
    return Package(dict(files), parsed, files[HANDLER], samples, files.get(README, ""), digest(files))


def digest(files: Mapping[str, str]) -> str:
    """Return the SHA-256 of `files`, in hex; their order does not matter."""
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()


async def verify(package: Package, *, sandbox: Sandbox) -> Report:
    """Check the alert rules and the handler's source, and run every sample with exactly the manifest's capabilities.

    Raises `Invalid` with file, line or path, and reason; where several samples fail, `problems` lists them all. Each
    sample runs once: what depends on time or chance does not give the actions that a sample has written down.
    """
    alert_rules(package.manifest)  # not where it is read: what runs must not stop for a metric with another name
    await _check_handler(package.handler, sandbox)
    runs: list[SampleRun] = []
    problems: list[Invalid] = []
    for name, sample in package.samples.items():
        try:
            runs.append(await _run(package, name, sample, sandbox))
        except Invalid as error:
            problems.append(error)
    if problems:
        raise _together(problems)
    return Report(tuple(runs))


def _check_files(files: Mapping[str, str]) -> None:
    if len(files) > MAX_FILES:
        raise problem("", T("{count} files; at most {limit}", count=len(files), limit=MAX_FILES), file="package")
    size = 0
    for name, text in files.items():
        if name not in (MANIFEST, HANDLER, README) and not _SAMPLE.fullmatch(name):
            raise problem(
                "",
                T("is no file of a package. There are integration.yaml, handler.py, samples/<name>.json, README.md"),
                file=ascii(name)[1:-1],
            )
        try:
            size += len(text.encode())
        except UnicodeEncodeError:
            raise problem("", T("is not text in UTF-8"), file=name) from None
        if "\0" in text:
            raise problem("", T("holds a NUL character"), file=name, line=text[: text.index("\0")].count("\n") + 1)
    if size > MAX_SIZE:
        raise problem("", T("{size} bytes in all; at most {limit}", size=size, limit=MAX_SIZE), file="package")
    for name in (MANIFEST, HANDLER):
        if name not in files:
            raise problem("", T("is missing"), file=name)


def alert_rules(parsed: Manifest) -> list[alerts.Checked]:
    """Return the alert rules of a manifest; raise `Invalid` with the path of the first wrong one."""
    if len(parsed.alerts) > alerts.MOST_RULES:
        raise problem("alerts", T("{count} rules; at most {limit}", count=len(parsed.alerts), limit=alerts.MOST_RULES))
    wishes = []
    for number, rule in enumerate(parsed.alerts):
        try:
            wishes.append(alerts.RuleWish.model_validate(rule))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            path = ".".join(map(str, ("alerts", number, *first["loc"])))
            raise problem(path, reason(first)) from None
    try:
        return alerts.checked(wishes, path="alerts", packaged=True)
    except Invalid as error:
        wrong = error.details["fields"][0]
        raise problem(wrong["path"], wrong["message"]) from None


def _sample(file: str, text: str) -> Sample:
    try:
        return Sample.model_validate(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        broken = T("not JSON: {reason} (column {column})", reason=error.msg, column=error.colno)
        raise problem("", broken, file=file, line=error.lineno) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise problem(".".join(map(str, first["loc"])), reason(first), file=file) from None


async def _check_handler(source: str, sandbox: Sandbox) -> None:
    found = check_source(source)
    if not found and isinstance(sandbox, TypeChecker):
        try:
            found = await sandbox.type_check(source)
        except HandlerError as error:
            raise _handler_problem(error) from None
    if found:
        raise _together([problem("", wrong.message, file=HANDLER, line=wrong.line) for wrong in found])


async def _run(package: Package, name: str, sample: Sample, sandbox: Sandbox) -> SampleRun:
    file = f"samples/{name}.json"
    wanted = package.manifest
    _check_sample(wanted, sample, file)
    # The handler sees references like those of a real run, so that where they may go is checked as it is there.
    made = references.make(sorted(wanted.secret_keys & sample.config.keys()))
    event = event_for_handler(
        id=sample.event.id,
        type=sample.event.type,
        source=wanted.source["kind"],
        received_at=SAMPLE_TIME,
        headers=sample.event.headers,
        payload=sample.event.payload,
    )
    granted = _granted(wanted, sample, file)
    named = {reference: key for key, reference in made.items()}
    try:
        ran = await sandbox.run(
            package.handler,
            event=event,
            config={**sample.config, **made},
            owner=f"verify:{wanted.slug}",
            payload_size=len(package.files[file].encode()),
        )
        planned = plan(ran.actions, granted, named)
    except (HandlerError, Invalid, Denied) as error:
        raise _handler_problem(error, file) from None
    shown = {key: f"secret:{key}" for key in made}
    got = [references.fill({"type": action.type, **action.params}, named, shown) for action in planned]
    if _json(got) != _json(sample.actions):
        raise problem("actions", _difference(sample.actions, got), file=file)
    return SampleRun(name, sample.event.type, got, references.fill(ran.printed, named, shown), ran.seconds)


def _granted(wanted: Manifest, sample: Sample, file: str) -> Grants:
    try:
        return resolve(wanted, sample.config)
    except Invalid as error:
        raise problem("config", error.message, file=file) from None


def _handler_problem(error: CcbError, sample: str | None = None) -> CcbError:
    if isinstance(error, HandlerError) and error.kind == "busy":
        return Unavailable(error.message)  # says nothing about the handler
    why = error.reason if isinstance(error, HandlerError) else error.message
    told = T("with {sample}: {reason}", sample=sample, reason=why) if sample else why
    return problem("", told, file=HANDLER, line=error.line if isinstance(error, HandlerError) else None)


def _check_sample(wanted: Manifest, sample: Sample, file: str) -> None:
    """Check that the event is one the source lists and the configuration one the schema allows."""
    if not wanted.source_params.handles(sample.event.type):
        listed = ", ".join(wanted.source_params.events)
        unheard = T(
            "{type} is not among source.events ({listed}): it would run nothing", type=sample.event.type, listed=listed
        )
        raise problem("event.type", unheard, file=file)
    for key, value in sample.config.items():
        if key not in wanted.properties:
            raise problem(f"config.{key}", T("is not a key of the manifest's config"), file=file)
        if key in wanted.secret_keys and value != f"secret:{key}":
            shown = T('a secret stands in a sample as the reference "secret:{key}"', key=key)
            raise problem(f"config.{key}", shown, file=file)
    open_properties = {key: {} if key in wanted.secret_keys else schema for key, schema in wanted.properties.items()}
    schema = {**wanted.config, "properties": open_properties}
    error = next(jsonschema.Draft202012Validator(schema).iter_errors(sample.config), None)
    if error:
        told = schema_reason(str(error.validator), error.validator_value, error.message)
        raise problem(".".join(["config", *map(str, error.absolute_path)]), told, file=file)


def _json(value: Any) -> str:
    """Write `value` so that what JSON tells apart differs (1, 1.0 and true) and the order of keys does not."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _difference(expected: list[dict[str, Any]], got: list[dict[str, Any]]) -> Text:
    before, after = (
        json.dumps(actions, indent=2, sort_keys=True, ensure_ascii=False).splitlines() for actions in (expected, got)
    )
    lines = [line[:_DIFF_WIDTH] for line in difflib.unified_diff(before, after, n=2, lineterm="")][2:]
    if len(lines) > _DIFF_LINES:
        lines = [*lines[:_DIFF_LINES], "…"]
    return T("handle() returned other actions (- expected, + got):\n{diff}", diff="\n".join(lines))


def _together(problems: list[Invalid]) -> Invalid:
    """Return one error for all: the first in full, of the others a line each, and every one in `problems`."""
    first, *others = problems
    if not others:
        return first
    told = first.message
    for error in others[:_OTHERS_SHOWN]:
        told = T("{first}\n{others}", first=told, others=error.message.headline(_HEADLINE))
    return Invalid(
        told,
        error=first.error,
        **first.details,
        problems=[error.details for error in problems],
    )
