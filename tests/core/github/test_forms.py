"""The issue forms: one text in two places, and what GitHub takes as a form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from core.github import setup
from core.github.labels import REQUEST

OWN = Path(__file__).parents[3] / setup.FORMS
FORMS = setup.forms()
IDS = ["service_name", "integration_type", "target_service", "api_endpoints", "events", "description", "dependencies"]


def form(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FORMS[name])
    return loaded


def test_this_repository_has_the_same() -> None:
    assert list(FORMS) == ["integration-request.ru.yml", "integration-request.yml"]
    for name, text in FORMS.items():
        assert (OWN / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", FORMS)
def test_they_ask_for_the_same(name: str) -> None:
    asked = form(name)
    assert asked["labels"] == [REQUEST]
    assert asked["name"] and asked["description"] and asked["title"]
    fields = [part for part in asked["body"] if part["type"] != "markdown"]
    assert [part["id"] for part in fields] == IDS
    assert {part["id"] for part in fields if part.get("validations", {}).get("required")} == {
        "service_name", "integration_type", "target_service", "description",
    }  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_they_are_forms_as_github_takes_them(name: str) -> None:
    """https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema"""
    labels = []
    for part in form(name)["body"]:
        assert set(part) <= {"type", "id", "attributes", "validations"}
        if part["type"] == "markdown":
            assert set(part["attributes"]) == {"value"}
            continue
        assert part["type"] in ("input", "textarea")
        assert {"label"} <= set(part["attributes"]) <= {"label", "description", "placeholder", "value"}
        assert all(isinstance(value, str) for value in part["attributes"].values())
        assert part.get("validations", {"required": True}) == {"required": True}
        labels.append(part["attributes"]["label"])
    assert len(set(labels)) == len(IDS)


def test_the_russian_one_uses_the_guides_words() -> None:
    asked = form("integration-request.ru.yml")
    assert asked["name"] == "🔌 Запрос на создание интеграции"
    labels = [part["attributes"]["label"] for part in asked["body"] if part["type"] != "markdown"]
    assert labels[:2] == ["Название сервиса", "Тип интеграции"]
