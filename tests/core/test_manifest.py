"""Manifests and grants: what is wrong is named by its place."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from core import manifest
from core.errors import Denied, Invalid
from core.grants import host_of, require, resolve

GOOD: dict[str, Any] = {
    "name": "GitHub push to Slack",
    "slug": "github-push-to-slack",
    "version": "1.0.0",
    "runtime": 1,
    "source": {"kind": "github", "events": ["push"]},
    "config": {
        "type": "object",
        "required": ["channel"],
        "properties": {
            "channel": {"type": "string"},
            "target_url": {"type": "string", "format": "uri"},
            "token": {"type": "string", "x-secret": True},
        },
    },
    "capabilities": {
        "actions": ["slack_message", "http_request"],
        "hosts": ["api.example.com", {"$config": "target_url"}],
        "channels": [{"$config": "channel"}],
        "secrets": {"token": ["api.example.com"]},
    },
}


def changed(path: str, value: Any) -> str:
    """Return the good manifest as YAML with one place changed."""
    whole: dict[str, Any] = yaml.safe_load(yaml.safe_dump(GOOD))
    *parents, last = path.split(".")
    place = whole
    for key in parents:
        place = place[key]
    place[last] = value
    return yaml.safe_dump(whole)


def test_a_good_one() -> None:
    parsed = manifest.parse(yaml.safe_dump(GOOD))
    assert parsed.secret_keys == {"token"} and parsed.required == ["channel"]
    assert parsed.source_params.handles("push") and not parsed.source_params.handles("issues.opened")


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("slug", "No Good", "slug"),
        ("name", "", "name"),
        ("runtime", 2, "runtime"),
        ("surprise", 1, "surprise"),
        ("source.kind", "pigeon", "source.kind"),
        ("source.pigeon", 1, "source.pigeon"),
        ("config.type", "array", "config"),
        ("config.properties.token.type", "integer", "config"),
        ("capabilities.hosts", [{"$config": "nowhere"}], "capabilities.hosts"),
        ("capabilities.secrets", {"channel": ["api.example.com"]}, "capabilities.secrets.channel"),
        ("capabilities.secrets", {"token": ["evil.example"]}, "capabilities.secrets.token"),
        ("dependencies", ["not a requirement!"], "dependencies"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: Any, named: str) -> None:
    with pytest.raises(Invalid) as raised:
        manifest.parse(changed(path, value))
    assert raised.value.error == "Invalid package"
    assert raised.value.details["file"] == "integration.yaml"
    assert named in str(raised.value)


def test_what_is_not_yaml_is_named_by_its_line() -> None:
    with pytest.raises(Invalid) as raised:
        manifest.parse("name: x\nslug: [1,\n  :")
    assert raised.value.details["line"] >= 2
    for text in ("", "- a list", "just text", "a: &x [*x]"):
        with pytest.raises(Invalid):
            manifest.parse(text)


def test_grants_are_the_manifest_with_the_configuration_filled_in() -> None:
    parsed = manifest.parse(yaml.safe_dump(GOOD))
    grants = resolve(parsed, {"channel": "#deploys", "target_url": "https://Hooks.Example.com:8443/x?y"})
    assert grants.hosts == {"api.example.com", "hooks.example.com:8443"}
    assert grants.channels == {"#deploys"}
    assert grants.secrets == {"token": {"api.example.com"}}
    assert resolve(parsed, {}).channels == frozenset(), "what is not set grants nothing"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://api.example.com/x", "api.example.com"),
        ("https://API.example.com.:443/x", "api.example.com"),
        ("http://api.example.com:8080", "api.example.com:8080"),
        ("api.example.com", "api.example.com"),
        ("http://[::1]:9000/x", "[::1]:9000"),
    ],
)
def test_the_host_of_an_address(address: str, host: str) -> None:
    assert host_of(address) == host


def test_what_is_not_granted_is_refused_with_what_to_do() -> None:
    with pytest.raises(Denied) as raised:
        require("evil.example", frozenset({"api.example.com"}), noun="hosts")
    assert "capabilities.hosts" in str(raised.value) and "evil.example" in str(raised.value)
