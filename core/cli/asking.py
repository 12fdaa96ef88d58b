"""Questions in a terminal."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rich.text import Text as Line

from core.cli import screen
from core.cli.language import said
from core.texts import T

_YES = frozenset({"y", "yes", "д", "да"})
_NO = frozenset({"n", "no", "н", "нет"})


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end a question: asyncio's own handler only cancels the task, which waits for the answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Asker:
    """Asks whoever sits at the terminal; a test puts one of its own in its place."""

    def __init__(self) -> None:
        self.console = screen.out()

    def explain(self, text: str) -> None:
        """Say something before a question."""
        if text:
            self.console.print(screen.indented(Line(text, style="dim")))

    def say(self, line: str | Line) -> None:
        """Say something."""
        self.console.print(screen.indented(line) if line else "")

    def result(self, *, good: bool, text: str) -> None:
        """Say how something went."""
        self.console.print(screen.marked("✓", "green", text) if good else screen.marked("✗", "red", text))

    def ask(self, question: str, *, secret: bool = False) -> str:
        """Return the answer without blanks around it; a secret is not echoed."""
        with _interruptible():
            return self.console.input(Line.assemble("  ", (question, "bold"), ": "), password=secret).strip()

    def confirm(self, question: str, *, default: bool) -> bool:
        """Return whether the answer is yes; Enter is `default`."""
        choice = said(T("Y/n")) if default else said(T("y/N"))
        while True:
            answer = self.ask(f"{question} [{choice}]").lower()
            if not answer:
                return default
            if answer in _YES | _NO:
                return answer in _YES
