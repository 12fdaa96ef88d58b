"""What Claude costs, in USD: of an answer that came, and of one that is about to be asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Conflict
from core.texts import T, Text

MILLION = 1_000_000
_CHARACTERS = 3
"""Characters of code and prose to a token, at least, as Claude counts."""


@dataclass(frozen=True, slots=True)
class Prices:
    """USD for a million tokens (https://platform.claude.com/docs/en/about-claude/pricing)."""

    input: float
    output: float
    cache_write: float
    cache_read: float


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of one answer, as Claude counts them: `input` is what was neither written to nor read from a cache."""

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_write + other.cache_write,
            self.cache_read + other.cache_read,
        )

    def tokens(self) -> dict[str, int]:
        """Return the tokens as programs read them."""
        return {
            "input_tokens": self.input,
            "output_tokens": self.output,
            "cache_write_tokens": self.cache_write,
            "cache_read_tokens": self.cache_read,
        }


@dataclass(slots=True)
class Heard:
    """What is known of an answer's tokens while it comes, and however it ends.

    `usage`: None as long as it has not begun. `estimated`: its output is guessed from the text that came.
    """

    usage: Usage | None = None
    estimated: bool = False


def dollars(amount: float, *, estimated: bool = False) -> Text:
    """Return an amount of USD as people read it: `$0.16`, below a cent `$0.0016`."""
    whole, _, cents = f"{amount:.4f}".partition(".") if 0 < amount < 0.01 else f"{amount:.2f}".partition(".")
    shown = T("${whole}.{cents}", whole=whole, cents=cents)
    return T("about {amount}", amount=shown) if estimated else shown


def guessed(text: str) -> int:
    """Return about how many tokens of output a text is: rather too many than too few."""
    return -(-len(text) // _CHARACTERS)


def cost(usage: Usage, prices: Prices) -> float:
    """Return what an answer cost."""
    return (
        usage.input * prices.input
        + usage.output * prices.output
        + usage.cache_write * prices.cache_write
        + usage.cache_read * prices.cache_read
    ) / MILLION


def most(input_tokens: int, max_tokens: int, prices: Prices) -> float:
    """Return the most that an answer can cost: all of its input written to the cache, its output as long as allowed."""
    dearest = max(prices.input, prices.cache_write)
    return (input_tokens * dearest + max_tokens * prices.output) / MILLION


def affordable(input_tokens: int, max_tokens: int, left: float, prices: Prices) -> int:
    """Return how many tokens of output can be paid from `left` USD after the input, at most `max_tokens`."""
    rest = left - most(input_tokens, 0, prices)
    return max(0, min(max_tokens, int(rest * MILLION / prices.output)))


@dataclass(frozen=True, slots=True)
class Budget:
    """One limit in USD, and what is spent of it. `name`: what it is a limit of, in the setting's words."""

    name: Text | str
    setting: str
    limit: float
    spent: float
    monthly: bool = True

    @property
    def left(self) -> float:
        """What may still be spent."""
        return max(0.0, self.limit - self.spent)


def tightest(budgets: list[Budget]) -> Budget:
    """Return the budget of which the least is left."""
    return min(budgets, key=lambda budget: budget.left)


def over(budget: Budget) -> Conflict:
    """Return the error for a call that its budget does not cover."""
    values = {"name": budget.name, "spent": dollars(budget.spent), "limit": dollars(budget.limit)}
    told = T(
        "What is left of the budget for {name} pays for no further answer: {spent} of {limit} are spent.", **values
    )
    then = T("Raise {setting} and begin the request again.", setting=budget.setting)
    if budget.monthly:
        then = T("Wait for the next month, or raise {setting}; then begin the request again.", setting=budget.setting)
    return Conflict(
        T("{first} {second}", first=told, second=then),
        error="Budget exceeded",
        spent_usd=round(budget.spent, 4),
        limit_usd=budget.limit,
        setting=budget.setting,
    )
