"""Effects: what a handler may ask for, checked before anything of it is done.

An action is one file in `core.actions`. The handler returns plain data; `plan` turns it into typed, permitted actions
or refuses the whole list, so that no run is half allowed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

import core.references as secret_references
from core import validation
from core.context import Context
from core.errors import Denied, Invalid
from core.grants import Grants, require
from core.registry import Registry
from core.texts import T, Text

MAX_ACTIONS = 50
"""Actions that one event may lead to; more is taken for a mistake."""


class ActionParams(BaseModel):
    """The parameters of an action, strictly: nothing is coerced, nothing unknown is let through."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue, config=ConfigDict(strict=True, allow_inf_nan=False))

Params = TypeVar("Params", bound=ActionParams)


@dataclass(frozen=True)
class Call(Generic[Params]):
    """One action about to be run.

    `params` have their secrets filled in. `key` is the idempotency key `event:run:action`. `repeated`: an earlier try
    left its intent in the ledger without a result, so it may have got through. `tokens`: the integration's own
    `slack_token`, `github_token` where set. `redact`: takes the secrets out of a text, to be used before it is cut.
    """

    params: Params = field(repr=False)
    grants: Grants
    integration_id: str
    integration_name: str
    event_id: str
    key: str
    repeated: bool = False
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    redact: Callable[[str], str] = str


@dataclass(frozen=True)
class Outcome:
    """What an action did: `detail` in a few words for the trace (`201`), `answer` for the ledger (small, JSON)."""

    detail: str
    answer: dict[str, Any] = field(default_factory=dict)


class Action(ABC, Generic[Params]):
    """A kind of effect."""

    name: ClassVar[str]
    summary: ClassVar[Text]
    repeats: ClassVar[Text]
    """What happens when it must be done again after a crash: the promise that the docs print."""
    secret_fields: ClassVar[frozenset[str]] = frozenset()
    """The parameters that may carry secrets."""
    params: type[Params]

    @abstractmethod
    def permit(self, params: Params, grants: Grants) -> None:
        """Raise `Denied` when `grants` do not cover `params`. Pure."""

    @abstractmethod
    def target(self, params: Params) -> str:
        """Return where it goes, for the trace: a host, a channel, an address."""

    def secret_host(self, params: Params) -> str | None:
        """Return the host (in the grants' form) that its secrets would go to, or None where it takes none."""
        return None

    @abstractmethod
    async def run(self, ctx: Context, call: Call[Params]) -> Outcome:
        """Do it. Raises `Upstream` (retried unless `permanent`) or `NotConfigured` (waits for the setting)."""


ACTIONS: Registry[Action[Any]] = Registry("action", "core.actions")


@dataclass(frozen=True)
class Planned:
    """An action that may be done: its kind and its parameters, secrets still as references."""

    type: str
    params: dict[str, Any]
    checked: ActionParams | None = field(default=None, repr=False, compare=False)
    """The parameters, parsed; those of an action that was planned in an earlier attempt are not."""


def parsed(planned: Planned) -> ActionParams:
    """Return an action's parameters, parsed."""
    if planned.checked is not None:
        return planned.checked
    params: ActionParams = ACTIONS.get(planned.type).params.model_validate(planned.params)
    return params


def plan(returned: Any, grants: Grants, references: Mapping[str, str] = MappingProxyType({})) -> list[Planned]:
    """Check what a handler returned; raise `Invalid` or `Denied` naming the action by its place in the list.

    `references`: this run's own, each with the name of its secret.
    """
    if not isinstance(returned, list):
        raise _rubbish(T("handle() must return a list of actions, not {kind}.", kind=type(returned).__name__))
    if len(returned) > MAX_ACTIONS:
        raise _rubbish(
            T("handle() returned {count} actions; at most {limit} are run.", count=len(returned), limit=MAX_ACTIONS)
        )
    return [_planned(place, item, grants, references) for place, item in enumerate(returned, 1)]


def fill(planned: Planned, references: Mapping[str, str], secrets: Mapping[str, str]) -> ActionParams:
    """Return the parameters with the secrets (by name) in place of the run's references, ready to be run.

    Raises `Invalid` when a secret has no value, or one that does not fit where it goes (a line break in a header).
    """
    if not references:
        return parsed(planned)
    action = ACTIONS.get(planned.type)
    filled = {
        key: secret_references.fill(value, references, secrets) if key in action.secret_fields else value
        for key, value in planned.params.items()
    }
    try:
        params: ActionParams = action.params.model_validate(filled)
    except ValidationError as error:
        path, reason = _first(error)
        raise _rubbish(
            T("{kind}, once its secrets are filled in: {path}: {reason}", kind=planned.type, path=path, reason=reason)
        ) from None
    return params


def _planned(place: int, item: Any, grants: Grants, references: Mapping[str, str]) -> Planned:
    if not isinstance(item, dict) or not isinstance(item.get("type"), str):
        raise _rubbish(T("Action {place} must be a dict with a type.", place=place))
    kind = item["type"]
    require(kind, grants.actions, noun="actions")
    given = {key: value for key, value in item.items() if key != "type"}
    action = ACTIONS.get(kind)
    try:
        _check_json(given)
        params = action.params.model_validate(given)
    except ValidationError as error:
        path, reason = _first(error)
        raise _rubbish(
            T("Action {place} ({kind}): {path}: {reason}", place=place, kind=kind, path=path, reason=reason)
        ) from None
    except TypeError as error:
        raise _rubbish(
            T("Action {place} ({kind}) is not JSON: {reason}", place=place, kind=kind, reason=str(error))
        ) from None
    try:
        _permit(action, given, params, grants, references)
    except Denied as error:
        raise Denied(
            T("Action {place} ({kind}): {reason}", place=place, kind=kind, reason=error.message),
            error=error.error,
            **error.details,
        ) from None
    return Planned(kind, given, params)


def permit(planned: Planned, grants: Grants, references: Mapping[str, str]) -> None:
    """Raise `Denied` when `grants` do not cover an action that was planned under others: a retry goes by today's."""
    require(planned.type, grants.actions, noun="actions")
    _permit(ACTIONS.get(planned.type), planned.params, parsed(planned), grants, references)


def _permit(
    action: Action[Any], given: Mapping[str, Any], params: Any, grants: Grants, references: Mapping[str, str]
) -> None:
    action.permit(params, grants)
    if not references:
        return
    secret_references.check(
        dict(given),
        references,
        fields=action.secret_fields,
        host=action.secret_host(params),
        bound=grants.secrets,
    )


def _check_json(given: dict[str, Any]) -> None:
    """Raise `TypeError` unless it can be stored as JSON: sets, bytes, NaN come out of the sandbox as they are."""
    try:
        _JSON.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(map(str, first["loc"][1::2]))  # between them stand the names of types
        raise TypeError(f"{path}: {first['msg']}") from None
    orjson.dumps(given)  # refuses what JSON itself cannot carry: lone surrogates, integers over 64 bits


def _first(error: ValidationError) -> tuple[str, Text]:
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, first["loc"])) or "-", validation.reason(first)


def _rubbish(reason: Text) -> Invalid:
    return Invalid(reason, error="Processing failed")
