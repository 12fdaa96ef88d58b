"""What was found: figures, and the table that shows them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One row. `ratio` is to what `to` names; the target is for the ratio where there is one, else for the value."""

    name: str
    title: str
    value: float
    unit: str
    ratio: float | None = None
    to: str = ""
    at_least: float | None = None
    at_most: float | None = None
    shown: str = ""
    """What else belongs to it, in words."""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        measured = self.value if self.ratio is None else self.ratio
        if self.at_least is not None:
            return measured >= self.at_least
        return measured <= self.at_most if self.at_most is not None else None

    @property
    def target(self) -> str:
        """The target in words."""
        if self.at_least is not None:
            return f"≥ {self.at_least:g}×" if self.ratio is not None else f"≥ {self.at_least:g}{self.unit}"
        if self.at_most is not None:
            return f"≤ {self.at_most:g}×" if self.ratio is not None else f"< {self.at_most:g}{self.unit}"
        return "–"


def median(values: Iterable[float]) -> float:
    """Return the middle one."""
    return statistics.median(values)


def markdown(figures: Sequence[Figure]) -> str:
    """Return the table."""
    lines = ["| What | Measured | Ratio | Target | Met |", "| --- | ---: | ---: | ---: | :---: |"]
    for figure in figures:
        value = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:.1f}"
        measured = f"{value}{figure.unit}" + (f" ({figure.shown})" if figure.shown else "")
        ratio = "–" if figure.ratio is None else f"{figure.ratio:.2f} × {figure.to}"
        met = {True: "yes", False: "no", None: ""}[figure.met]
        lines.append(f"| {figure.title} | {measured} | {ratio} | {figure.target} | {met} |")
    return "\n".join(lines)
