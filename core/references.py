"""References: what a handler sees in place of a secret.

They are made for one run and cannot be guessed, so text that came in with an event never names a secret: only the run's
own references are ever replaced, whatever else looks like one. Pure: plain values in, plain values out.
"""

from __future__ import annotations

import re
import secrets as randomness
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import Denied, Invalid
from core.texts import T, Text

_FORM = re.compile(r"ccbref_[0-9a-f]{64}")


@dataclass(frozen=True)
class Use:
    """One place where a reference stands: the secret's name, the path to it, and whether it is (in) a key there."""

    name: str
    path: tuple[str, ...]
    in_key: bool = False

    @property
    def where(self) -> str:
        """The path with dots, as it is shown; keys on it can be anything, so it is kept short."""
        return _FORM.sub("…", ".".join(self.path))[:200]


def make(names: Iterable[str]) -> dict[str, str]:
    """Return a new reference for each secret: 256 random bits."""
    return {name: f"ccbref_{randomness.token_hex(32)}" for name in names}


def find(value: Any, references: Mapping[str, str], path: tuple[str, ...] = ()) -> Iterator[Use]:
    """Yield every use of `references` (reference → secret's name) in a JSON value, keys included."""
    if isinstance(value, str):
        for name in _named(value, references):
            yield Use(name, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            for name in _named(str(key), references):
                yield Use(name, (*path, str(key)), in_key=True)
            yield from find(item, references, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from find(item, references, (*path, str(place)))


def check(
    params: Mapping[str, Any],
    references: Mapping[str, str],
    *,
    fields: Collection[str],
    host: str | None,
    bound: Mapping[str, Collection[str]],
) -> None:
    """Raise `Denied` unless each reference in an action's `params` stands where its secret may go.

    `fields`: the parameters that may carry secrets. `host`: where the action sends to. `bound`: for each secret, the
    hosts it may go to.
    """
    for use in find(params, references):
        if use.in_key:
            raise _denied(
                use,
                T(
                    "The secret {name} stands in a key ({where}). Put it into a value: keys are never filled in.",
                    name=use.name,
                    where=use.where,
                ),
            )
        if use.path[0] not in fields:
            raise _denied(use, _misplaced(use, fields))
        if host is None or host not in bound.get(use.name, ()):
            raise _denied(
                use,
                T(
                    "The secret {name} (in {where}) may go to {allowed}, not to {host}. To let it, add the host to "
                    "capabilities.secrets.{name} in integration.yaml and activate again.",
                    name=use.name,
                    where=use.where,
                    allowed=", ".join(sorted(bound.get(use.name, ()))) or T("no host"),
                    host=host or "-",
                ),
            )


def fill(value: Any, references: Mapping[str, str], secrets: Mapping[str, str]) -> Any:
    """Return a JSON value with each reference replaced by its secret; raise `Invalid` when a secret has no value.

    One pass: what a secret's own value looks like is not looked at again. Keys stay as they are.
    """
    if isinstance(value, str):
        return _FORM.sub(lambda match: _secret(match[0], references, secrets), value)
    if isinstance(value, Mapping):
        return {key: fill(item, references, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, references, secrets) for item in value]
    return value


def _named(text: str, references: Mapping[str, str]) -> list[str]:
    return [references[found] for found in _FORM.findall(text) if found in references]


def _secret(found: str, references: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    name = references.get(found)
    if name is None:
        return found
    if name not in secrets:
        raise Invalid(T("The secret {name} has no value. Set it in the configuration.", name=name), path=name)
    return secrets[name]


def _misplaced(use: Use, fields: Collection[str]) -> Text:
    if not fields:
        return T(
            "The secret {name} stands in {where}. This action takes no secrets: only http_request does.",
            name=use.name,
            where=use.where,
        )
    return T(
        "The secret {name} stands in {where}. Secrets may stand only in {fields}: move it there.",
        name=use.name,
        where=use.where,
        fields=", ".join(sorted(fields)),
    )


def _denied(use: Use, message: Text) -> Denied:
    return Denied(message, error="Secret not allowed here", secret=use.name, path=use.where)
