"""The page that asks before something is done: what follows from it, a button that does it, a link that leaves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.http.dashboard.door import Shown
from core.texts import T, Text


def confirm(
    title: Text,
    lines: Sequence[Text | str],
    *,
    deed: str,
    button: Text | None,
    back: str,
    hidden: Mapping[str, str] | None = None,
    changed: Text | None = None,
) -> Shown:
    """Return it. `button`: None where nothing can be done; `hidden`: what the form carries besides.

    `changed`: what is said where it was asked before and is no longer as it was then; nothing was done (409).
    """
    values = {
        "lines": lines, "deed": deed, "button": button, "leave": T("Leave it"), "back": back, "hidden": hidden or {},
        "note": changed,
    }  # fmt: skip
    return Shown("confirm.html", title, values, 200 if changed is None else 409)
