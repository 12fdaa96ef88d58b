"""The one comment on a request's issue, which is edited as the request moves. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from babel.dates import format_datetime

from core.generation.template import FIELDS
from core.integrations import Held
from core.requests.model import Asked
from core.texts import TN, T, Text, revive
from storage.requests import Round

_STAGES = ("check", "write", "verify", "publish")
COMMANDS = ("approve", "retry", "stop")
"""What can be said to the bot on GitHub, each after `/ccb`."""
_NOT_UNDERSTOOD = ("Insufficient integration requirements", "Dependency conflict detected")
_LONGEST_PROBLEM = 1_500
_CLOSING = re.compile(r"\b(close[sd]?|fix(?:e[sd])?|resolve[sd]?)\b(?=:?\s+(?:https?://|gh-))", re.IGNORECASE)
"""Words that close an issue which is named without `#`."""


@dataclass(frozen=True)
class Landed:
    """The integration that came of a request. `missing`: what keeps it from being active.

    `unset`: its deliveries are signed, and nobody has set the secret yet. `held`: a version that waits for an admin.
    """

    slug: str
    active: bool
    missing: Sequence[str]
    url: str
    unset: bool
    held: Held | None = None


def comment(asked: Asked, rounds: Sequence[Round], *, spent: Text, landed: Landed | None = None) -> str:
    """Return the comment in the request's language: where it stands, what it has cost (`spent`), what to do next."""
    language = asked.row.language

    def say(text: Text) -> str:
        return text.render(language)

    named = asked.fields.get("service_name") or asked.fields.get("target_service")
    name = plain(asked.row.title) if named else say(T("Integration"))
    parts = [f"### {name}: {say(headline(asked))}", _progress(asked, rounds, language)]
    if asked.error_details:
        parts.append(_trouble(asked, language))
    if rounds:
        spent_on = TN("{count} round, {cost}", "{count} rounds, {cost}", len(rounds), cost=spent)
        parts.append(f"<sub>{say(spent_on)} · `{rounds[-1].model}` · `{asked.id}`</sub>")
    else:
        parts.append(f"<sub>`{asked.id}`</sub>")
    steps = [_next_step(asked, language)] if landed is None else _after_landing(landed)
    parts.append(" ".join(say(step) for step in steps))
    return "\n\n".join(part for part in parts if part)


def headline(asked: Asked) -> Text:
    """Return in a few words where it stands."""
    row = asked.row
    match row.status:
        case "requested":
            return T("waits for approval") if not row.stage else T("being looked at")
        case "generating" if asked.error_details:
            return T("waits, and goes on by itself")
        case "generating":
            return {
                "write": T("Claude is writing"), "verify": T("being tested"), "publish": T("being published"),
            }.get(row.stage, T("under way"))  # fmt: skip
        case "inactive":
            return T("ready for review") if row.pull_state == "open" else T("merged")
        case "installed":
            return T("installed")
        case _ if (asked.error_details or {}).get("error") == "Insufficient integration requirements":
            return T("something is missing")
        case _:
            return T("stopped")


def _progress(asked: Asked, rounds: Sequence[Round], language: str) -> str:
    row, names = asked.row, [T("understood"), T("Claude wrote it"), T("its samples pass"), T("pull request")]
    lines = []
    for stage, name, is_done in zip(_STAGES, names, _done(asked, rounds), strict=True):
        mark = "✓" if is_done else "●" if row.stage == stage else "○"
        shown = name.render(language)
        if stage == "publish" and row.pull is not None:
            shown = f"[{shown} #{row.pull}]({row.pull_url})"
        lines.append(f"{mark} {shown}")
    return " · ".join(lines)


def _done(asked: Asked, rounds: Sequence[Round]) -> list[bool]:
    """Say of each stage whether it is behind the request: by where that is, or by what there is of one that ended."""
    row = asked.row
    if row.stage in _STAGES:
        return [number < _STAGES.index(row.stage) for number in range(len(_STAGES))]
    if row.stage or row.status in ("inactive", "installed"):
        return [True] * len(_STAGES)
    last = next((r for r in reversed(rounds) if r.version == row.version), None)
    if last is None:
        return [(asked.error_details or {}).get("error") not in _NOT_UNDERSTOOD, False, False, False]
    return [True, last.files is not None, last.problem == "", False]


def _trouble(asked: Asked, language: str) -> str:
    """Return what went wrong, and for each missing field its name and an example."""
    details = asked.error_details
    assert details is not None
    told = plain(revive(details["message"], language)[:_LONGEST_PROBLEM])
    missing = details.get("missing_fields", [])
    lines = [f"> **{details['error']}**", *(f"> {line}" for line in told.splitlines())]
    for field in FIELDS:
        if field.name in missing:
            example = T("for example: {example}", example=field.example).render(language)
            lines.append(f"> - **{field.title.render(language)}** (`{field.name}`): {example}")
    return "\n".join(lines)


def refusal(asked: Asked, command: str) -> str:
    """Return the answer to a command that does nothing in this state: which state that is, and what can be done."""
    row, language = asked.row, asked.row.language
    if command not in COMMANDS:
        said = T("There is no `/ccb {command}`. There are: {commands}.", command=command if command.isalnum() else "…",
                 commands=", ".join(f"`/ccb {name}`" for name in COMMANDS))  # fmt: skip
    else:
        said = T("`/ccb {command}` does nothing now.", command=command)
    match row.status:
        case "installed":
            then = T("Its comment says what it still needs.")
        case "inactive" if row.pull_state != "open":
            then = T("It is being installed, and there is nothing to be done.")
        case _:
            then = _next_step(asked, language)
    stands = T("It stands so: {state}.", state=headline(asked))
    return " ".join(text.render(language) for text in (said, stands, then))


def _next_step(asked: Asked, language: str) -> Text:
    row, error = asked.row, (asked.error_details or {}).get("error")
    if row.status == "failed":
        if error == "Insufficient integration requirements":
            return T("Edit the issue and add what is missing: it goes on by itself.")
        if error == "Dependency conflict detected":
            return T("Edit the issue and change what stands in the way: it goes on by itself.")
        return T("To begin again, comment `/ccb retry`.")
    if row.status == "requested" and not row.stage:
        return T("Somebody with write access lets it go on: set the label again, or comment `/ccb approve`.")
    if row.status == "inactive" and row.pull_state == "open":
        return T("Review the pull request. A review with wishes starts another round; merging installs it.")
    stop = T("To stop it, comment `/ccb stop`.")
    if error is None or row.run_at is None:
        return stop
    at = format_datetime(datetime.fromtimestamp(row.run_at, UTC), "d MMM, HH:mm", locale=language)
    return T("It is tried again on {at} UTC. {stop}", at=at, stop=stop)


def _after_landing(landed: Landed) -> list[Text]:
    slug = landed.slug
    if landed.active:
        first = T("It is active.")
    elif landed.missing:
        names = ", ".join(map(code, landed.missing))
        first = T(
            "It still needs {names}: `ccb config {slug} {key}=…`, then `ccb activate {slug}`.",
            names=names, slug=slug, key=landed.missing[0],
        )  # fmt: skip
    else:
        first = T("Nothing is missing: `ccb activate {slug}` switches it on.", slug=slug)
    steps = [first, T("Its events come to {url}.", url=landed.url)]
    if landed.unset:
        steps.append(secret_of(slug))
    if landed.held is not None:
        waits = T(
            "Its version {version} waits for an admin, for it may do more: {wider}. `ccb activate {slug}` lets it run.",
            version=code(landed.held.version), wider=", ".join(map(code, landed.held.wider)), slug=slug,
        )  # fmt: skip
        steps.insert(0, waits)
    return steps


def secret_of(slug: str) -> Text:
    """Return how to come by the secret that deliveries are signed with: nobody saw that of the installation."""
    return T(
        "Deliveries are signed. `ccb config {slug} webhook_secret=…` sets the secret that the sender has; "
        "`PATCH /v1/integrations/{slug}/webhook-secret` without a body makes one for it, and shows it that once.",
        slug=slug,
    )


def plain(text: str) -> str:
    """Return somebody's text so that nothing of GitHub's own (HTML, mentions, closing words) works in it."""
    return disarmed(html.escape(text, quote=False))


def disarmed(text: str) -> str:
    """Return somebody's text, for where HTML is shown as it is, so that it mentions nobody and closes nothing."""
    quiet = text.replace("@", "@\u200b").replace("#", "#\u200b")
    return _CLOSING.sub(lambda word: f"{word[0][0]}\u200b{word[0][1:]}", quiet)


def code(text: str) -> str:
    """Return somebody's text as code that it cannot end, also in a table's cell."""
    if text.isprintable() and not {"`", "|"} & set(text):
        return f"`{text}`"
    return "<code>" + "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in text) + "</code>"


def samples_of(report: str | None) -> list[dict[str, Any]]:
    """Return the samples' results of a round."""
    found: list[dict[str, Any]] = orjson.loads(report).get("samples", []) if report else []
    return found
