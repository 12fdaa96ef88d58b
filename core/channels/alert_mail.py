"""How a message looks as an e-mail: HTML that every mail program shows, and the same as text. Pure.

Mail programs know tables and inline styles, and not much more (https://www.caniemail.com).
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from core.alert_message import MOST_PARTS, AlertMessage, AlertPart, AlertStatus, lines
from core.channels import Message
from core.texts import T
from core.times import readable

PICTURE = "chart"
"""The content id of the picture."""
_RED, _AMBER, _GREEN, _GREY, _BLUE = "#c0362c", "#b26a00", "#1a7f37", "#616061", "#1264a3"
_COLOURS: dict[AlertStatus, str] = {
    "firing": _RED,
    "acknowledged": _AMBER,
    "snoozed": _AMBER,
    "resolved": _GREEN,
    "ended_without_data": _GREY,
    "removed": _GREY,
}
_LINK = T("Open this alert in the dashboard")
_DARK = (
    "@media (prefers-color-scheme:dark){.page{background:#121314!important;color:#e8e8e8!important}"
    ".card{background:#1d1f21!important;border-top-color:#3a3c3e!important;border-right-color:#3a3c3e!important;"
    "border-bottom-color:#3a3c3e!important}.link{color:#6cb6ff!important}}"
)
"""For mail programs that are dark and read styles; the picture keeps its white ground."""
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Arial,sans-serif"


def text(message: Message, language: str, *, link: str | None) -> str:
    """Return the message as text; the picture in words. `link`: as in `html`."""
    parts = [readable(message.text, language)]
    if message.picture is not None:
        parts.append(message.picture.alt)
    if message.alert is not None and link is not None:
        for part in message.alert.parts[:MOST_PARTS]:
            name = lines(part, language, named=True)[:1] if len(message.alert.parts) > 1 else []
            parts.append("\n".join([*name, f"{_LINK.render(language)}: {address(link, part)}"]))
    return "\n\n".join(parts) + "\n"


def address(link: str, part: AlertPart) -> str:
    """Return where the dashboard shows an alert, with its whole history."""
    return f"{link.rstrip('/')}/dashboard/alerts/{part.id}"


def html(message: Message, language: str, *, link: str | None) -> str:
    """Return the message as HTML. `link`: where this engine is reached, without which there are no links."""
    alert = message.alert
    colour = _BLUE if alert is None else _COLOURS[alert.status]
    body = "".join(_body(message, language, link))
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f'<meta name="supported-color-schemes" content="light dark"><style>{_DARK}</style>'
        f"<title>{escape(message.subject)}</title></head>"
        f'<body class="page" style="margin:0;padding:16px;background:#f6f6f6;{_FONT};font-size:15px;line-height:1.45;'
        'color:#1d1c1d">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center">'
        '<table role="presentation" class="card" width="640" cellpadding="0" cellspacing="0" border="0" '
        'style="max-width:640px;width:100%;background:#ffffff;border:1px solid #e0e0e0;'
        f'border-left:6px solid {colour}">'
        f'<tr><td style="padding:20px 24px;overflow-wrap:anywhere">{body}</td></tr></table>'
        "</td></tr></table></body></html>"
    )


def _body(message: Message, language: str, link: str | None) -> Iterator[str]:
    yield f'<h1 style="margin:0 0 12px;font-size:20px;line-height:1.3">{escape(message.subject)}</h1>'
    if message.story:
        yield _lines(readable(message.story, language).splitlines(), "font-weight:bold")
    if message.alert is None:
        yield _lines(readable(message.text, language).splitlines())
    else:
        yield from _alerts(message.alert, language, link, said=message.story)
    if message.picture is not None:
        yield (
            f'<img src="cid:{PICTURE}" width="592" alt="{escape(message.picture.alt)}" '
            'style="display:block;width:100%;max-width:592px;height:auto;margin:16px 0 0;border:0">'
        )


def _alerts(alert: AlertMessage, language: str, link: str | None, *, said: str) -> Iterator[str]:
    """Give the alerts, without the lines that are `said` above already."""
    several = len(alert.parts) > 1
    for part in alert.parts[:MOST_PARTS]:
        first, *others = (readable(line, language) for line in lines(part, language, named=several))
        yield _lines([first], "font-weight:bold;margin-top:12px" if several else "font-size:16px")
        yield _lines([line for line in others if line not in said])
        if link is not None:
            label = escape(_LINK.render(language))
            shown = f'<a class="link" href="{escape(address(link, part))}" style="color:{_BLUE}">{label}</a>'
            yield f'<p style="margin:10px 0 0">{shown}</p>'
    yield _lines([text.render(language) for text in alert.more])


def _lines(found: list[str], style: str = "") -> str:
    return "".join(f'<p style="margin:0 0 4px;{style}">{escape(line) or "&nbsp;"}</p>' for line in found)
