"""Charts: a metric over time, its limits and the changes beside it, as one specification for every place it is shown.

Each place draws the same `spec`: a browser by itself, Slack and e-mail get `png`. `alt` says it in words.
"""

from core.charts.changes import marks
from core.charts.chart import Chart, Limit, Mark, Span
from core.charts.picture import png
from core.charts.spec import spec
from core.charts.words import alt

__all__ = ["Chart", "Limit", "Mark", "Span", "alt", "marks", "png", "spec"]
