"""What people do reaches the app as payloads (https://docs.slack.dev/reference/interaction-payloads)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.clock import Clock
from core.demo.stand_ins.slack.answers import Refused
from core.demo.stand_ins.slack.hooks import response_url
from core.demo.stand_ins.slack.sockets import Delivery, Sockets
from core.demo.stand_ins.slack.values import Impossible
from core.demo.stand_ins.slack.workspace import APP, BOT, TEAM, Channel, Message, View, Workspace

Payload = dict[str, Any]


@dataclass
class Outcome:
    """What came of something that a person did."""

    sent: bool = True
    """Whether Slack told the app at all."""
    acked: bool = False
    seconds: float = 0.0
    """How long the acknowledgement took."""
    response: dict[str, Any] = field(default_factory=dict)
    """What came with it."""
    error: str = ""
    """What Slack tells the person when the app failed: `operation_timeout`, `dispatch_failed`, a refused answer."""
    errors: dict[str, str] = field(default_factory=dict)
    """In a modal, what stands beside which block."""
    attempts: int = 1
    connection: int = 0
    trigger_id: str = ""
    response_url: str = ""
    message: Message | None = None
    """What the person said, or what was shown at once in answer to a slash command."""


class Sending(Workspace):
    """The workspace with the app connected to it."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.sockets = Sockets(self.changes)
        self.base = ""
        self.secret_token = "stand-in-verification"

    async def connected(self, count: int = 1, seconds: float = 10) -> None:
        """Wait until the app has this many connections open that it was not told to leave."""
        await self.until(lambda: sum(not one.leaving for one in self.sockets.connections) >= count, seconds)

    async def _interact(self, payload: Payload, *, answerable: bool = False) -> Outcome:
        kind = "slash_commands" if "command" in payload else "interactive"
        if kind == "interactive" and not self.interactive:
            raise Impossible("this app is not configured to handle interactive responses")
        delivery = await self.sockets.deliver(kind, payload, answerable=answerable)
        error = "" if delivery.acked else "operation_timeout" if delivery.reached else "dispatch_failed"
        self._note_outcome(payload, delivery)
        return Outcome(
            acked=delivery.acked,
            seconds=delivery.seconds,
            response=delivery.payload,
            error=error,
            connection=delivery.connection,
            trigger_id=payload.get("trigger_id", ""),
            response_url=payload.get("response_url", ""),
        )

    async def _event(self, name: str, event: Payload) -> Outcome:
        """Tell the app of an event if it listens to it; `name` is what a manifest calls it."""
        if not self.hears(name):
            return Outcome(sent=False)
        payload = {
            "token": self.secret_token,
            "team_id": TEAM,
            "api_app_id": APP,
            "event": {"event_ts": self.ts(), **event},
            "type": "event_callback",
            "event_id": f"Ev{self.number():08d}",
            "event_time": int(self.clock.now()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": TEAM,
                    "user_id": BOT,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }
        delivery = await self.sockets.deliver_event(payload)
        self._note_outcome(payload, delivery)
        return Outcome(
            acked=delivery.acked,
            seconds=delivery.seconds,
            attempts=delivery.attempts,
            connection=delivery.connection,
            error="" if delivery.acked else "not_acknowledged",
        )

    def _note_outcome(self, payload: Payload, delivery: Delivery) -> None:
        kind = payload.get("type", payload.get("command"))
        self.changes.note("told", type=kind, acked=delivery.acked, seconds=round(delivery.seconds, 3))

    def _common(self, kind: str, user: str) -> Payload:
        """Return what every interaction's payload has."""
        return {
            "type": kind,
            "token": self.secret_token,
            "team": {"id": TEAM, "domain": "acme"},
            "user": {"id": user, "username": self.user(user).name, "name": self.user(user).name, "team_id": TEAM},
            "api_app_id": APP,
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _response_url(self, user: str, channel: Channel, source: Message | None = None) -> str:
        return response_url(self, self.base, user, channel.id, source)

    def _in(self, user: str, channel: str) -> Channel:
        """Return a channel that a user is in; Impossible if they are not."""
        try:
            found = self.channel(channel)
        except StopIteration:
            raise Impossible(f"there is no channel {channel}") from None
        if user not in found.members:
            raise Impossible(f"{user} is not in {channel}")
        return found

    def _needs_commands(self, what: str) -> None:
        try:
            self.needs("commands")
        except Refused:
            raise Impossible(f"the app lacks the scope commands, so it has no {what}") from None

    def _current_view(self, user: str, view: View | str | None) -> View:
        """Return the modal that a user has before them; Impossible if it is not the one that is meant."""
        top = self.view(user)
        wanted = view["id"] if isinstance(view, dict) else view
        if top is None:
            raise Impossible(f"{user} has no modal open")
        if wanted not in (None, top["id"], top["callback_id"]):
            raise Impossible(f"{user} sees {top['callback_id'] or top['id']}, not {wanted}")
        return top
