"""The capability manifest, `integration.yaml`: what an integration listens to, needs, and may do."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import yaml
from packaging.requirements import InvalidRequirement, Requirement
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from core.errors import Invalid
from core.sources import SOURCES, SourceParams
from core.texts import T, Text
from core.validation import reason

RUNTIME = 1
"""The version of the handler contract that this engine runs."""

FORMATS = jsonschema.FormatChecker()
"""The formats of JSON Schema that are checked in a configuration; `uri` among them, which the library leaves out."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class FromConfig(BaseModel):
    """`{"$config": key}`: the value is taken from the configuration when an admin activates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(alias="$config")


class Capabilities(BaseModel):
    """What a handler may ask for. What is not listed is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions: list[str] = Field(default_factory=list, description="Names of actions.")
    hosts: list[str | FromConfig] = Field(default_factory=list, description="Hosts that http_request may reach.")
    channels: list[str | FromConfig] = Field(default_factory=list, description="Channels for slack_message.")
    repositories: list[str | FromConfig] = Field(
        default_factory=list, description="owner/repo that github_comment may write to."
    )
    recipients: list[str | FromConfig] = Field(default_factory=list, description="Addresses that email may write to.")
    secrets: dict[str, list[str | FromConfig]] = Field(
        default_factory=dict, description="For each secret of the configuration, the hosts it may go to."
    )


class Manifest(BaseModel):
    """A parsed `integration.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=80)
    slug: str = Field(max_length=60)
    version: str = "1.0.0"
    runtime: int = RUNTIME
    description: str = Field("", max_length=500)
    source: dict[str, Any]
    config: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    capabilities: Capabilities = Field(default_factory=lambda: Capabilities())
    deduplication_key: str | None = None
    dependencies: list[str] = Field(default_factory=list)
    alerts: list[Any] = Field(default_factory=list)

    @field_validator("slug")
    @classmethod
    def _slug_form(cls, value: str) -> str:
        if not _SLUG.fullmatch(value):
            raise ValueError(T("must be lower-case letters, digits and single hyphens"))
        return value

    @field_validator("runtime")
    @classmethod
    def _known_runtime(cls, value: int) -> int:
        if value != RUNTIME:
            raise ValueError(T("this engine runs version {version} of the handler contract", version=RUNTIME))
        return value

    @field_validator("config")
    @classmethod
    def _object_schema(cls, value: dict[str, Any]) -> dict[str, Any]:
        jsonschema.Draft202012Validator.check_schema(value)
        if value.get("type") != "object":
            raise ValueError(T("must be a JSON Schema of type object"))
        for key, schema in value.get("properties", {}).items():
            if schema.get("x-secret") is True and schema.get("type") != "string":
                raise ValueError(T("{key} is secret, so its type must be string", key=key))
        return value

    @field_validator("dependencies")
    @classmethod
    def _requirements(cls, value: list[str]) -> list[str]:
        for requirement in value:
            try:
                Requirement(requirement)
            except InvalidRequirement as error:
                reason = T(
                    "{requirement} is not a requirement: {reason}", requirement=repr(requirement), reason=str(error)
                )
                raise ValueError(reason) from None
        return value

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """The configuration's keys and the schema of each."""
        found: dict[str, dict[str, Any]] = self.config.get("properties", {})
        return found

    @property
    def required(self) -> list[str]:
        """The configuration's keys that must be there before activation."""
        return list(self.config.get("required", []))

    @property
    def secret_keys(self) -> frozenset[str]:
        """The configuration's keys whose values are secret (`x-secret: true`)."""
        return frozenset(key for key, schema in self.properties.items() if schema.get("x-secret") is True)

    @property
    def channel_keys(self) -> frozenset[str]:
        """The configuration's keys that name the Slack channels to post to."""
        return frozenset(one.key for one in self.capabilities.channels if isinstance(one, FromConfig))

    @property
    def source_params(self) -> SourceParams:
        """The source's parameters, parsed by its kind."""
        params: SourceParams = SOURCES.get(self.source["kind"]).params.model_validate(self.source)
        return params


@FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    if not isinstance(value, str):
        return True
    parts = urlsplit(value)
    return bool(parts.scheme and parts.hostname) and not any(c.isspace() for c in value)


def parse(text: str) -> Manifest:
    """Return the manifest in `text` (YAML); raise `Invalid` with the place and the reason."""
    try:
        manifest = Manifest.model_validate(_yaml(text))
    except ValidationError as error:
        raise _first(error, ()) from None
    _check_source(manifest)
    _check_references(manifest)
    return manifest


def problem(path: str, why: Text | str, *, file: str = "integration.yaml", line: int | None = None) -> Invalid:
    """Return the error for one wrong place in a package: the file, the path or line in it, and the reason."""
    where = f"{file}:{line}" if line else f"{file}: {path}" if path else file
    return Invalid(
        T("{where}: {reason}", where=where, reason=why),
        error="Invalid package",
        file=file,
        path=path,
        line=line,
        reason=str(why),
    )


def _yaml(text: str) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise problem("", error.problem or "not YAML", line=line) from None
    except yaml.YAMLError as error:
        raise problem("", str(error)) from None
    if not isinstance(loaded, dict):
        raise problem("", T("must be a mapping of keys to values"))
    return loaded


def _first(error: ValidationError, prefix: tuple[str, ...]) -> Invalid:
    first = error.errors(include_url=False, include_input=False)[0]
    return problem(".".join([*prefix, *map(str, first["loc"])]), reason(first))


def _check_source(manifest: Manifest) -> None:
    kind = manifest.source.get("kind")
    if not isinstance(kind, str) or kind not in SOURCES:
        raise problem("source.kind", T("must be one of {kinds}", kinds=", ".join(SOURCES.names())))
    try:
        SOURCES.get(kind).params.model_validate(manifest.source)
    except ValidationError as error:
        raise _first(error, ("source",)) from None


def _check_references(manifest: Manifest) -> None:
    capabilities = manifest.capabilities
    for name in ("hosts", "channels", "repositories", "recipients"):
        for entry in getattr(capabilities, name):
            if isinstance(entry, FromConfig) and entry.key not in manifest.properties:
                raise problem(f"capabilities.{name}", T("{key} is not a key of config", key=repr(entry.key)))
    for secret, hosts in capabilities.secrets.items():
        path = f"capabilities.secrets.{secret}"
        if secret not in manifest.secret_keys:
            raise problem(path, T("is not a key of config with x-secret: true"))
        for host in hosts:
            if host not in capabilities.hosts:
                raise problem(path, T("{host} is not in capabilities.hosts", host=repr(host)))
