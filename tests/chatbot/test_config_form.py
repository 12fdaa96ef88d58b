"""The modal that is made from a manifest's schema: every kind of key, there and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from chatbot import config_form
from chatbot.asked import Asked
from core import packages
from core.actors import ROLES, Actor
from core.demo.stand_ins.slack.blocks import problems_of_blocks
from core.engine_config import EngineConfig
from core.grants import Grants
from core.integrations import Installed, WebhookSecret
from core.monitoring import Monitoring
from core.sources import SOURCES
from tests.core.generation.drafts import draft

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["channel", "password"],
    "properties": {
        "channel": {"type": "string", "title": "Slack channel", "minLength": 2, "examples": ["#ops"]},
        "level": {"type": "string", "enum": ["low", "high"]},
        "colour": {"enum": [1, 2, None]},
        "long": {"type": "string", "enum": ["x" * 80]},
        "loud": {"type": "boolean", "default": True},
        "count": {"type": "integer", "minimum": 1, "description": "d" * 3_000},
        "ratio": {"type": "number"},
        "labels": {"type": "array", "items": {"type": "string"}, "examples": [["a", "b"]]},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "who": {"type": "object", "additionalProperties": {"type": "string"}},
        "password": {"type": "string", "x-secret": True, "minLength": 4},
        "token": {"type": "string", "x-secret": True},
    },
}
ASKED = Asked(Actor("slack", "U1", "anna", ROLES["admin"]), "en", slack=None)  # type: ignore[arg-type]  # asks nothing


def _installed(config: dict[str, Any], secrets: dict[str, str]) -> Installed:
    files = draft().files()
    manifest = {**yaml.safe_load(files["integration.yaml"]), "config": SCHEMA}
    package = packages.read({**files, "integration.yaml": yaml.safe_dump(manifest)})
    source = SOURCES.get("standard-webhooks")
    return Installed(
        id="int_1", slug="x", name="X", status="inactive", package=package, provenance={}, config=config,
        config_secrets=secrets, webhook_secrets=(), engine=EngineConfig(), monitoring=Monitoring(), grants=Grants(),
        source=source, source_params=package.manifest.source_params, pending=None, error_details=None, created_at=0.0,
        updated_at=0.0,
    )  # fmt: skip


CONFIG = {
    "channel": "#ops", "level": "high", "loud": False, "count": 3, "ratio": 0.5, "labels": ["a b", "c"],
    "sizes": [1, 2], "who": {"a": "b"},
}  # fmt: skip


def _shown(installed: Installed) -> dict[str, Any]:
    """Return what the modal's fields hold at first, by block id, as Slack gives it back."""
    found = {}
    for block in config_form.built(ASKED, installed):
        element = block["element"]
        found[block["block_id"]] = element.get("initial_value") or (element.get("initial_option") or {}).get("value")
    return found


def test_what_is_set_stands_there_and_changes_nothing_by_itself() -> None:
    installed = _installed(CONFIG, {"password": "hidden-password"})
    shown = _shown(installed)
    assert shown["labels"] == "a b\nc" and shown["who"] == '{"a":"b"}' and shown["loud"] == "false"
    assert shown["password"] is None and shown["token"] is None
    assert config_form.changes(installed, shown) == ({}, {})


def test_a_secret_stays_unless_another_is_typed() -> None:
    installed = _installed(CONFIG, {"password": "hidden-password", "token": "hidden-token"})
    installed = replace(installed, webhook_secrets=(WebhookSecret("hidden-webhook", None),))
    blocks = config_form.built(ASKED, installed)
    assert "hidden" not in str(blocks)
    assert problems_of_blocks(blocks, "modal") == []
    optional = {block["block_id"]: block["optional"] for block in blocks}
    assert not optional["channel"] and optional["password"] and optional["webhook:secret"]
    changed, _ = config_form.changes(installed, {**_shown(installed), "token": "another", "password": None})
    assert changed == {"token": "another"}
    assert not next(b for b in config_form.built(ASKED, _installed({}, {})) if b["block_id"] == "password")["optional"]


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("channel", " #dev ", "#dev"), ("level", "low", "low"), ("loud", "true", True), ("count", "7", 7),
        ("ratio", "1.25", 1.25), ("labels", "x\n\n y ", ["x", "y"]), ("sizes", "[3]", [3]), ("colour", "2", 2),
        ("who", '{"x": "y"}', {"x": "y"}), ("level", None, None), ("labels", "", None), ("long", "x" * 80, "x" * 80),
    ],
)  # fmt: skip
def test_what_is_typed_has_the_schemas_type(key: str, typed: Any, value: Any) -> None:
    installed = _installed(CONFIG, {})
    changed, wrong = config_form.changes(installed, {**_shown(installed), key: typed})
    assert (changed.get(key), wrong) == (value, {})


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("channel", "x"), ("count", "seven"), ("count", "0"), ("count", "1.5"), ("sizes", "1, 2"), ("who", "{"),
        ("who", '{"x": 1}'), ("password", "abc"), ("long", "y"), ("sizes", '["a"]'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_key_and_quotes_no_secret(key: str, typed: str) -> None:
    installed = _installed(CONFIG, {})
    changed, wrong = config_form.changes(installed, {**_shown(installed), key: typed})
    assert changed == {} and list(wrong) == [key]
    assert key != "password" or "abc" not in str(wrong[key])
