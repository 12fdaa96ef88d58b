"""The text of a pull request: what the integration may do, what its samples gave, what it cost. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from babel.numbers import format_decimal

from core.manifest import Capabilities, FromConfig, Manifest
from core.requests.comment import code, disarmed, plain, samples_of
from core.requests.model import Asked
from core.texts import TN, T, Text
from storage.requests import Round

LISTS = (
    ("actions", T("may do")), ("hosts", T("may reach")), ("channels", T("may post to")),
    ("repositories", T("may write to")), ("recipients", T("may mail to")),
)  # fmt: skip

_HEARD = T(
    "A review, or a remark on a line, by somebody with write access starts another round on this branch. Comments in "
    "the conversation are for people."
)


def title(manifest: Manifest, language: str, *, replaces: bool = False) -> str:
    """Return the pull request's title, one line. `replaces`: its folder is there already."""
    name = disarmed(" ".join(manifest.name.split()))
    added = T("Add the integration {name}", name=name)
    return (T("Change the integration {name}", name=name) if replaces else added).render(language)


def body(
    asked: Asked,
    manifest: Manifest,
    rounds: Sequence[Round],
    *,
    spent: Text,
    compared: str = "",
    replaces: bool = False,
) -> str:
    """Return the pull request's text in the request's language. `compared`: old and new output side by side."""
    language = asked.row.language

    def say(text: Text) -> str:
        return text.render(language)

    last = rounds[-1]
    count = TN("{count} round, {cost}", "{count} rounds, {cost}", len(rounds), cost=spent)
    there = T("The folder integrations/{slug} is there already: merging replaces what it holds.", slug=manifest.slug)
    parts = [
        f"> [!CAUTION]\n> {say(there)}" if replaces else "",
        plain(manifest.description),
        f"### {say(T('Capabilities'))}\n\n{capabilities(manifest, language)}",
        f"### {say(T('Samples'))}\n\n{samples(last, language)}",
        compared,
        f"### {say(T('Notes of the author'))}\n\n{_quoted(last.notes)}" if last.notes else "",
        f"<sub>{say(_HEARD)}</sub>",
        f"<sub>{say(count)} · `{last.model}` · `{asked.id}`</sub>",
        f"Closes #{asked.row.issue}" if asked.row.issue is not None else "",
    ]
    return "\n\n".join(part for part in parts if part)


def capabilities(manifest: Manifest, language: str) -> str:
    """Return the capabilities as a table."""
    granted: Capabilities = manifest.capabilities
    rows = [(T("is sent by"), _sent(manifest, language))]
    rows += [(name, shown) for key, name in LISTS if (shown := _codes(getattr(granted, key)))]
    rows += [(T("sends the secret {name} to", name=code(key)), _codes(hosts)) for key, hosts in granted.secrets.items()]
    required = _codes(manifest.required)
    rows += [(T("needs in its configuration"), required)] if required else []
    lines = [f"| {name.render(language)} | {shown} |" for name, shown in rows]
    return "\n".join([f"| {T('The integration').render(language)} | |", "| --- | --- |", *lines])


def _sent(manifest: Manifest, language: str) -> str:
    events = _codes(manifest.source_params.events or ()) or T("every event").render(language)
    return f"`{manifest.source['kind']}`: {events}"


def samples(last: Round, language: str) -> str:
    """Return the samples' results as a table."""
    head = [
        T("Sample").render(language),
        T("Event").render(language),
        T("Actions").render(language),
        T("ms").render(language),
    ]
    lines = [f"| {' | '.join(head)} |", "| --- | --- | --- | ---: |"]
    for one in samples_of(last.report):
        actions: Any = one["actions"]
        kinds = _codes(action["type"] for action in actions) or "–"
        took = format_decimal(one["ms"], locale=language)
        lines.append(f"| ✓ {code(str(one['name']))} | {code(str(one['type']))} | {kinds} | {took} |")
    return "\n".join(lines)


def _codes(values: Iterable[str | FromConfig]) -> str:
    shown = (f"config.{value.key}" if isinstance(value, FromConfig) else value for value in values)
    return ", ".join(map(code, shown))


def _quoted(text: str) -> str:
    """Return somebody's text as a quotation in which nothing of GitHub's own (mentions, closing words) works."""
    return "\n".join(f"> {line}" for line in plain(text).splitlines())
