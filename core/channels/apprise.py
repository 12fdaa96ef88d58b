"""Every other channel, through apprise: Discord, Teams, PagerDuty, Opsgenie, Telegram, webhooks of one's own, and more.

Their addresses hold keys. So an admin puts one in once; it is kept encrypted, and everybody (rules, answers, the audit,
logs) knows it by a name such as `discord://••••3fa9c1`, which can be put in its place. The message itself is sent by a
process of its own (`core.aside.notify`), which is ended at its time limit and reaches no private address.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson

from core import retry_after
from core.actors import Actor
from core.aside import AsideError
from core.channels import CHANNELS, Channel, Message, Target, alert_mail
from core.config import Settings
from core.context import Context
from core.errors import CcbError, Invalid, Upstream
from core.redaction import Redactor
from core.texts import T, Text
from core.times import readable
from storage import channel_addresses as rows

MODULE = "core.aside.notify"
REQUEST_SECONDS = 10.0
"""For one request; a message may take several."""
SECONDS = 30.0
AT_ONCE = 3
_MASK = "••••"
_NAME = re.compile(rf"(?:[^/\s]+/)?{_MASK}[0-9a-f]{{6}}")
_SHORTEST_SECRET = 5
_REFUSED = frozenset({
    "template", "verify", "redirect", "cto", "rto", "store", "tag", "config", "image", "include_image",
})  # fmt: skip
"""What an address may not ask for: to read files, to trust any certificate, to follow redirects, to wait longer."""
_AGAIN = frozenset({408, 425, 429})
"""Client errors that pass by themselves (RFC 9110 §15.5.9, RFC 8470, RFC 6585)."""


@dataclass(frozen=True)
class Service:
    """One scheme of apprise's. `shown`: its host is one's own, and stands in the name of an address."""

    title: str
    form: str
    shown: bool = False
    pictures: bool = False


def _own(title: str, form: str) -> Iterator[tuple[str, Service]]:
    scheme, _, rest = form.partition("://")
    yield scheme, Service(title, f"{scheme}://{rest}", shown=True)
    yield f"{scheme}s", Service(title, f"{scheme}s://{rest}", shown=True)


SERVICES: Mapping[str, Service] = {
    "discord": Service("Discord", "discord://webhook-id/webhook-token", pictures=True),
    "workflows": Service("Microsoft Teams", "workflows://host:443/workflow-id/signature", shown=True),
    "pagerduty": Service("PagerDuty", "pagerduty://integration-key@api-key"),
    "opsgenie": Service("Opsgenie", "opsgenie://api-key"),
    "tgram": Service("Telegram", "tgram://123456789:bot-token/chat-id", pictures=True),
    "gchat": Service("Google Chat", "gchat://workspace/key/token"),
    "splunk": Service("Splunk On-Call", "splunk://routing-key@api-key"),
    "signl4": Service("SIGNL4", "signl4://secret"),
    "pover": Service("Pushover", "pover://user@token", pictures=True),
    "lark": Service("Lark", "lark://token"),
    "zulip": Service("Zulip", "zulip://bot@organization/token"),
    **dict(_own("JSON", "json://user:password@host/path")),
    **dict(_own("XML", "xml://user:password@host/path")),
    **dict(_own("Form", "form://user:password@host/path")),
    **dict(_own("ntfy", "ntfy://user:password@host/topic")),
    **dict(_own("Gotify", "gotify://host/token")),
    **dict(_own("Mattermost", "mmost://host/key")),
    **dict(_own("Rocket.Chat", "rocket://user:password@host/channel")),
}
"""What is let through of what apprise knows: those that speak HTTP alone, and read no files."""


class Apprise(Channel):
    """One of apprise's services."""

    packaged = False
    setting = ""

    def __init__(self, name: str, service: Service) -> None:
        self.name = name
        self.service = service
        self.form = service.form
        self.pictures = service.pictures
        self.summary = T("A message through {service}.", service=service.title)

    def places(self, where: str) -> tuple[str, ...]:
        """Take the name of an address that is kept."""
        if not _NAME.fullmatch(where):
            raise self._wrong()
        return (where,)

    def default(self, settings: Settings) -> str | None:
        """Return None: no setting names a place."""
        return None

    def parse(self, address: str) -> Target:
        """Return an address, or the name of one that is kept, as a target; raise `Invalid` that says the form."""
        _, separator, where = address.partition("://")
        if not separator or not where or not address.isprintable() or " " in address:
            raise self._wrong()
        if _MASK[0] in where:
            return Target(self.name, self.places(where))
        try:
            parts = urlsplit(address)
            asked = {key.lower() for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
            _ = parts.port if self.service.shown else None  # a token may look like a port that is none
        except ValueError:
            raise self._wrong() from None
        refused = sorted(key for key in asked if key.lstrip("+-:") in _REFUSED)
        if refused:
            raise Invalid(T("An address of {channel} may not have {names}.", channel=self.name,
                            names=", ".join(refused)))  # fmt: skip
        return Target(self.name, (_MASK,), hidden=address)

    async def kept(self, ctx: Context, target: Target, actor: Actor) -> Target:
        """Keep an address and return its name; raise `Denied` unless `actor` is an admin, `Invalid` for a wrong one.

        A name is looked for: `Invalid` where there is none such.
        """
        if target.hidden is None:
            await self._address(ctx, target)
            return target
        actor.require("admin")
        known = await ctx.db.read(rows.all_of, self.name)
        found = next((one.name for one in known if _opened(ctx, one) == target.hidden), None)
        if found is None:
            await self._check(ctx, target.hidden)
            found = f"{self.name}://{self._host(target.hidden)}{_MASK}{secrets.token_hex(3)}"
            row = rows.ChannelAddress(
                name=found, channel=self.name, sealed=ctx.secrets.encrypt(target.hidden),
                created_at=ctx.clock.now(), created_by=actor.name,
            )  # fmt: skip
            await ctx.db.write(rows.add, row)
        return self.parse(found)

    async def send(self, ctx: Context, target: Target, message: Message) -> Text:
        """Send it in a process of its own."""
        address = target.hidden or await self._address(ctx, target)
        picture = message.picture.png if message.picture is not None else None
        body = body_of(message, ctx.settings)
        outcome = await self._ask(
            ctx, address, title=message.subject, body=body, type=_kind(message),
            picture=None if picture is None else base64.b64encode(picture).decode(),
        )  # fmt: skip
        if not outcome["ok"]:
            raise self._failure(outcome, _redactor(address), now=ctx.clock.now())
        return T("Sent to {service}.", service=self._said(target))

    async def _check(self, ctx: Context, address: str) -> None:
        try:
            outcome = await self._ask(ctx, address, check=True)
        except Upstream:
            return  # nobody can tell now; the first message will
        if not outcome["ok"]:
            raise self._wrong()

    async def _ask(self, ctx: Context, address: str, **wish: Any) -> dict[str, Any]:
        whole = {"url": address, "title": "", "body": "", "type": "info", "check": False, **wish}
        whole |= {"allow": list(ctx.settings.outbound_allow), "seconds": REQUEST_SECONDS}
        try:
            answer = await ctx.aside.ask(MODULE, json.dumps(whole).encode(), timeout=SECONDS, at_once=AT_ONCE)
        except AsideError as error:
            raise Upstream(_not_asked(error.why, self.service.title)) from None
        found: dict[str, Any] = orjson.loads(answer)
        return found

    async def _address(self, ctx: Context, target: Target) -> str:
        row = await ctx.db.read(rows.named, str(target))
        if row is None:
            raise Invalid(
                T("There is no address {name}. Names are given when an admin puts an address in; write the address "
                  "itself: {form}.", name=str(target), form=self.form)
            )  # fmt: skip
        return ctx.secrets.decrypt(row.sealed)

    def _host(self, address: str) -> str:
        host = urlsplit(address).hostname if self.service.shown else None
        return f"{host}/" if host else ""

    def _said(self, target: Target) -> str:
        return self.service.title if target.hidden else f"{self.service.title} ({target})"

    def _wrong(self) -> Invalid:
        return Invalid(
            T("This is no address of {channel}. Write {form}, or the name of one that is kept, such as {name}.",
              channel=self.name, form=self.form, name=f"{self.name}://{_MASK}3fa9c1")
        )  # fmt: skip

    def _failure(self, outcome: Mapping[str, Any], redactor: Redactor, *, now: float) -> CcbError:
        """Return why a message did not arrive, in words, without a part of its address."""
        where, said = outcome["where"] or self.service.title, redactor.text(_words(outcome["said"]))
        match outcome["kind"]:
            case "address":
                return Upstream(self._wrong().message, permanent=True)
            case "refused":
                return Upstream(
                    T("{where} leads to {address}, which is not a public address. Whoever runs the engine can allow "
                      "it: add it to {setting}.", where=where, address=outcome["reached"],
                      setting="CCB_OUTBOUND_ALLOW"),
                    permanent=True,
                )  # fmt: skip
            case "redirect":
                return Upstream(
                    T("{where} redirects. Redirects are not followed: write the address that it leads to.",
                      where=where), permanent=True,
                )  # fmt: skip
            case "status":
                status = outcome["status"]
                return Upstream(
                    T("{service} answers {status}: {said}", service=self.service.title, status=status,
                      said=said or "–"),
                    permanent=400 <= status < 500 and status not in _AGAIN,
                    retry_after=retry_after.seconds(outcome["retry_after"], now=now),
                )  # fmt: skip
            case "late":
                return Upstream(
                    T("{where} did not answer within {seconds} s.", where=where, seconds=f"{REQUEST_SECONDS:g}")
                )
            case "name":
                return Upstream(T("The name in {where} cannot be resolved: {reason}.", where=where, reason=said))
            case "tls":
                return Upstream(T("No TLS connection to {where}: {reason}.", where=where, reason=said))
            case "connection":
                return Upstream(T("No connection to {where}: {reason}.", where=where, reason=said or "–"))
        logged = redactor.text(" ".join(outcome["logged"])[:300])
        return Upstream(T("{service} was not told: {reason}", service=self.service.title, reason=logged or "–"))


def body_of(message: Message, settings: Settings) -> str:
    """Return what a message says, and where its first alert can be looked at."""
    said = readable(message.text, settings.language)
    if message.alert is None or settings.public_url is None:
        return said
    return f"{said}\n\n{alert_mail.address(settings.public_url, message.alert.parts[0])}"


def _not_asked(why: str, service: str) -> Text:
    """Say why the process that sends to a service gave no answer."""
    match why:
        case "busy":
            return T("Too many messages wait for {service}.", service=service)
        case "late":
            return T("{service} took longer than {seconds} s.", service=service, seconds=f"{SECONDS:g}")
        case _:
            return T("The process that sends to {service} failed.", service=service)


def _kind(message: Message) -> str:
    """Return what apprise calls the kind of a message: it gives it its colour and its urgency."""
    alert = message.alert
    if alert is None:
        return "info"
    if alert.status in ("resolved", "ended_without_data", "removed"):
        return "success" if alert.status == "resolved" else "info"
    return {"critical": "failure", "warning": "warning"}.get(alert.severity, "info")


def _opened(ctx: Context, row: rows.ChannelAddress) -> str | None:
    try:
        return ctx.secrets.decrypt(row.sealed)
    except CcbError:
        return None  # of a former key: it cannot be the same


def _redactor(address: str) -> Redactor:
    """Hide each part of an address but its host."""
    host = urlsplit(address).hostname or ""
    parts = {part for part in re.split(r"[/:@?&=,+]+", address.partition("://")[2]) if part}
    wanted = {form for part in parts for form in (part, unquote(part)) if len(form) >= _SHORTEST_SECRET}
    return Redactor(form for form in wanted if form.lower() != host.lower())


def _words(said: str) -> str:
    """Return what a service answered, on one line: the text in its JSON, where it has one."""
    try:
        found = orjson.loads(said)
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, dict):
        texts = (found.get(name) for name in ("message", "description", "error", "detail", "errorDescription"))
        said = next((text for text in texts if isinstance(text, str) and text), said)
    return " ".join(re.sub(r"<[^>]*>", " ", said).split())[:200]


for _name, _service in SERVICES.items():
    CHANNELS.add(_name, Apprise(_name, _service))
