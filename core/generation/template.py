"""The template of an integration request, read from an issue's Markdown. Pure, and never fails: it is strangers' text.

Three forms are taken: the guide's own with bold labels (`**Название сервиса:** Slack`), the same in English, and what
GitHub's issue forms make (`### Service name`, then the answer; `_No response_` where there is none:
https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.texts import T, Text

LONGEST = 20_000
"""Characters of one field that are kept."""


@dataclass(frozen=True)
class Field:
    """One field: its name, how it is called in the template (in lower case), and an example of an answer."""

    name: str
    title: Text
    example: Text
    labels: tuple[str, ...]
    required: bool = True


FIELDS: tuple[Field, ...] = (
    Field("service_name", T("Service name"), T("Sentry"), ("название сервиса", "имя сервиса", "сервис", "service")),
    Field("integration_type", T("Integration type"), T("Webhook"), ("тип интеграции", "type of integration")),
    Field(
        "target_service", T("Target service"), T("Slack, channel #errors"),
        ("целевой сервис", "целевая система", "куда отправлять", "target"),
    ),
    Field(
        "api_endpoints", T("API endpoints"), T("POST https://api.example.com/v1/tickets, with a token"),
        ("эндпоинты api", "api эндпоинты", "эндпоинты", "адреса api", "endpoints", "api"),
    ),
    Field(
        "description", T("Description"),
        T("Post each new error of the project web to the channel, with its link."),
        ("описание", "описание интеграции", "что должно происходить", "what should happen"),
    ),
    Field("events", T("Events"), T("issue.created, issue.resolved"), ("события", "триггеры"), required=False),
    Field("dependencies", T("Dependencies"), T("python>=3.11"), ("зависимости",), required=False),
)  # fmt: skip

_BY_LABEL: Mapping[str, str] = {
    label: field.name
    for field in FIELDS
    for label in (field.name.replace("_", " "), str(field.title).lower(), *field.labels)
}
_OWN_TARGETS = re.compile(r"\b(slack|github|e-?mail|почт\w*|письм\w*)\b", re.IGNORECASE)
"""Targets that an action reaches by itself, so that nobody has to name an endpoint."""
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_NESTED = 10
"""How often comments are taken out that were made by taking out others; what is left then is only disarmed."""
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cn", "Cs"})
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*)")
_BOLD = re.compile(r"[ \t]*(?:[-*+][ \t]+)?(?:\*\*|__)(.+?)(?:(?:\*\*|__)[ \t]*[:：]|[:：][ \t]*(?:\*\*|__))[ \t]*(.*)")
_NOT_A_LABEL = re.compile(r"[^\w ]+")
_EMPTY = frozenset(
    {"no response", "нет ответа", "n a", "tbd", "todo", "none", "нет", "название", "name", "укажите", "заполните"}
)
_PLACEHOLDER = re.compile(r"\[[^\]]*\]|<[^>]*>|\{[^}]*\}")


@dataclass(frozen=True)
class Request:
    """What an issue asks for. `recognised`: whether it is the template at all; `russian`: whether a label of it is."""

    fields: Mapping[str, str]
    missing: Sequence[Field]
    recognised: bool
    russian: bool = False


def parse(body: str) -> Request:
    """Return the fields that an issue's body fills in, and those that it lacks."""
    parts: dict[str, list[str]] = {}
    current: list[str] | None = None
    russian = False
    for label, text in _lines(cleaned(body)):
        if label is None and current is not None:
            current.append(text)
        elif label is not None:
            name = _BY_LABEL.get(label, "")
            current = parts.setdefault(name, []) if name else None  # who says a field twice means both
            if current is not None:
                russian = russian or not label.isascii()
                current += [text] if text else []
    values = {name: "\n".join(lines).strip()[:LONGEST].rstrip() for name, lines in parts.items()}
    fields = {field.name: values[field.name] for field in FIELDS if _says_something(values.get(field.name, ""))}
    return Request(fields, missing(fields), recognised=bool(parts), russian=russian)


def missing(fields: Mapping[str, str]) -> list[Field]:
    """Return the fields that are needed and not there."""
    absent = [field for field in FIELDS if field.required and not fields.get(field.name)]
    if _OWN_TARGETS.search(fields.get("target_service", "")):
        absent = [field for field in absent if field.name != "api_endpoints"]
    return absent


def cleaned(text: str) -> str:
    """Return a text without what its reader does not see: HTML comments, invisible and control characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    seen = "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in _INVISIBLE)
    for _ in range(_NESTED):  # taking one out can make another
        if "<!--" not in seen:
            return seen
        seen = _COMMENT.sub("", seen)
    return seen.replace("<!--", " ")


def _lines(text: str) -> Iterator[tuple[str | None, str]]:
    """Yield each line: with a field's label where it begins one, or another heading; None where it goes on."""
    fence = ""
    for line in text.split("\n"):
        marks = _FENCE.match(line)
        if marks and not fence:
            fence = marks[1]
        elif marks and line.strip() == marks[1] and marks[1].startswith(fence):
            fence = ""
        if fence or marks:  # what stands in a block of code is no heading
            yield None, line
        elif heading := _HEADING.fullmatch(line):
            yield _label(heading[1]), ""
        elif (bold := _BOLD.fullmatch(line)) and (_label(bold[1]) in _BY_LABEL):
            yield _label(bold[1]), bold[2]
        else:
            yield None, line


def _label(text: str) -> str:
    """Return a label as it is compared: without emoji, punctuation and a mark that it is required."""
    plain = _NOT_A_LABEL.sub(" ", text.lower().replace("ё", "е").replace("_", " "))
    words = [word for word in plain.split() if word not in ("required", "optional", "обязательно", "необязательно")]
    return " ".join(words)


def _says_something(value: str) -> bool:
    """Say whether a value is more than what a template leaves in its place."""
    label = _label(value)
    return bool(label) and label not in _EMPTY and not _PLACEHOLDER.fullmatch(value)
