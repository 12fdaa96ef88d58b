"""The message that follows a request, as Block Kit: every step in words, every button a verb. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from chatbot import blocks
from core.request_message import Level, Mark, Press, RequestMessage, Steps
from core.texts import T, Text

_MARKS: Mapping[Mark, str] = {"done": "✓", "now": "●", "todo": "○", "failed": "✗"}
_LEVELS: Mapping[Level, str] = {"info": "•", "warning": ":warning:", "error": ":x:"}
_LONGEST_TROUBLE = 1_500
_LONGEST_STEP = 600


def rendered(message: RequestMessage) -> dict[str, Any]:
    """Return `text` and `blocks`."""

    def say(text: Text) -> str:
        return text.render(message.language)

    head, steps = _head(message), _steps(message)
    shown = [blocks.section(head), blocks.section(steps)]
    lines = [head, steps]
    if message.trouble is not None:
        lines.append(f":warning: {blocks.plain(blocks.cut(say(message.trouble), _LONGEST_TROUBLE))}")
        shown.append(blocks.section(lines[-1]))
    for lack in message.lacks:
        lines.append(_lack(say, lack.title, lack.why, lack.example))
        shown.append(blocks.section(lines[-1]))
    if message.facts:
        facts = [f"{say(name)}: {', '.join(map(blocks.code, values))}" for name, values in message.facts]
        lines.append(" · ".join(facts))
        shown.append(blocks.section(lines[-1]))
    lines.append(blocks.plain(blocks.cut(say(message.next_step), _LONGEST_TROUBLE)))
    shown.append(blocks.section(lines[-1]))
    if message.presses:
        shown.append(blocks.actions([_button(message, press) for press in message.presses]))
    shown.append(blocks.context(_small(message)))
    return {"text": blocks.text_of("\n".join(lines)), "blocks": shown}


def steps_rendered(told: Steps) -> dict[str, Any]:
    """Return `text` and `blocks` of lines of the log."""
    lines = []
    for step in told.steps:
        said = blocks.plain(blocks.cut(step.said.render(told.language), _LONGEST_STEP))
        name = blocks.plain(step.name.render(told.language))
        lines.append(f"{_LEVELS[step.level]} *{name}* · {said} · {blocks.date(step.at, '{time_secs}')}")
    return {"text": blocks.text_of("\n".join(lines)), "blocks": [blocks.section(line) for line in lines]}


def _head(message: RequestMessage) -> str:
    done = sum(mark == "done" for _, mark in message.steps) + any(mark == "now" for _, mark in message.steps)
    bar = "▸" * done + "▹" * (len(message.steps) - done)
    name = f"<@{message.asker}>" if message.asker else blocks.plain(message.asked_by)
    who = T("asked by {name}", name=name).render(message.language)
    title = f"*{blocks.plain(message.title)}* · {who} · _{message.state.render(message.language)}_ {bar}"
    if message.pull is None:
        return title
    label, url = message.pull
    return f"{title}\n{blocks.link(url, label)}"


def _steps(message: RequestMessage) -> str:
    said = []
    for number, (name, mark) in enumerate(message.steps):
        shown = f"{_MARKS[mark]} {name.render(message.language)}"
        if number == 1 and message.spent is not None:
            shown += f" ({blocks.plain(message.spent.render(message.language))})"
        said.append(shown)
    return "   ".join(said)


def _lack(say: Callable[[Text], str], title: Text, why: Text, example: Text) -> str:
    told = say(T("for example: {example}", example=example))
    return f"*{say(title)}* · {say(why)}\n_{blocks.plain(told)}_"


def _small(message: RequestMessage) -> str:
    since = T("so since {when}", when=blocks.date(message.since, "{time}")).render(message.language)
    more = T("Details are in the thread.").render(message.language)
    return f"{blocks.code(message.request)} · {since} · {more}"


def _button(message: RequestMessage, press: Press) -> blocks.Element:
    def say(text: Text) -> str:
        return text.render(message.language)

    request, slug = message.request, message.integration or ""
    match press:
        case "stop":
            asks = blocks.confirm(
                say(T("Stop this request?")),
                say(T("What is being written now is lost. What it has cost so far stays. It can be begun again.")),
                say(T("Stop it")),
                say(T("Go on")),
            )
            return blocks.button(say(T("Stop")), "run:stop", f"request\nstop\n{request}", style="danger", confirm=asks)
        case "retry":
            return blocks.button(say(T("Retry")), "run:retry", f"request\nretry\n{request}", style="primary")
        case "fill":
            first = message.lacks[0].field if message.lacks else ""
            about = {"request": request, "field": first}
            return _opens(say(T("Fill in what is missing")), "request", about, at="fill", primary=True)
        case "change":
            return _opens(say(T("Change the request")), "request", {"request": request}, at="change")
        case "pull":
            url = message.pull[1] if message.pull is not None else ""
            return blocks.button(say(T("Open the pull request")), "link:pull", url=url, style="primary")
        case "configure":
            return _opens(
                say(T("Configure")), "config", {"integration": slug}, at="config", primary=bool(message.missing)
            )
        case "activate":
            return activate(message.language, slug)
        case "status":
            return blocks.button(say(T("Status")), "run:status", f"status\n{slug}")


def activate(language: str, slug: str, *, at: str = "activate") -> blocks.Element:
    """Return the button that switches an integration on; it asks, since what it may do is granted with it."""
    asks = blocks.confirm(
        T("Switch it on?").render(language),
        T("Its events are worked on from now on, and it may reach what its pull request and status name.").render(
            language
        ),
        T("Activate").render(language),
        T("Not yet").render(language),
        danger=False,
    )
    return blocks.button(
        T("Activate").render(language), f"run:{at}", f"activate\n{slug}", style="primary", confirm=asks
    )


def _opens(said: str, view: str, about: Mapping[str, Any], *, at: str, primary: bool = False) -> blocks.Element:
    """Return what `opening.button` gives, which works for whoever presses."""
    value = orjson.dumps([view, dict(about)]).decode()
    return blocks.button(said, f"open:{at}", value, style="primary" if primary else None)
