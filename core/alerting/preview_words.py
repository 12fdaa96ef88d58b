"""What a rule would have done, in words. Pure."""

from __future__ import annotations

from core.alerting.preview import Preview
from core.charts.axes import scale_of
from core.metrics import METRICS
from core.texts import TN, T, Text


def sentence(found: Preview, language: str) -> str:
    """Return it as a reader of `language` is told: `It would have fired 14 times in the last 7 days. …`."""
    seconds = sum((one.ended or found.end) - one.at for one in found.fired)
    return " ".join(text.render(language) for text in _sentences(found, seconds, language))


def _sentences(found: Preview, seconds: float, language: str) -> list[Text]:
    span = span_of(found.end - found.start)
    times = len(found.fired)
    said = [T("It would not have fired in the last {span}.", span=span)]
    if times:
        said = [
            TN(
                "It would have fired {count} time in the last {span}.",
                "It would have fired {count} times in the last {span}.",
                times,
                span=span,
            )
        ]
    if times:
        said.append(T("In all it would have lasted {span}.", span=span_of(seconds)))
    if found.highest is not None and found.metric in METRICS:
        scale = scale_of(METRICS[found.metric], [found.highest])
        value = scale.shown(found.highest, language)
        said.append(T("The highest value of {metric} was {value}.", metric=found.metric, value=value))
    if found.missing >= 0.005:
        said.append(
            T(
                "There was no data in {share} % of that time.",
                share=100 if found.missing == 1 else min(99, round(found.missing * 100)),
            )
        )
    if found.kept_only:
        said.append(T("Nothing older is kept of its metrics."))
    if found.by_hours_until is not None:
        said.append(
            T("What is more than {span} ago was played by hours: shorter troubles may not show there.",
              span=span_of(found.end - found.by_hours_until))
        )  # fmt: skip
    return said


def span_of(seconds: float) -> Text:
    """Return a time in whole days, hours or minutes."""
    if seconds >= 2 * 86_400 or seconds == 86_400:
        return TN("{count} day", "{count} days", round(seconds / 86_400))
    if seconds >= 2 * 3600 or seconds == 3600:
        return TN("{count} hour", "{count} hours", round(seconds / 3600))
    return TN("{count} minute", "{count} minutes", max(1, round(seconds / 60)))
