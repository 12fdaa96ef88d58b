"""What people press and choose in messages, modals and App Home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.demo.stand_ins.slack.blocks import Block, elements_of, options_of, problems_of_options
from core.demo.stand_ins.slack.sending import Outcome, Payload, Sending
from core.demo.stand_ins.slack.values import Impossible, chosen, first_values
from core.demo.stand_ins.slack.workspace import Channel, Message, View


@dataclass(frozen=True)
class Place:
    """Where somebody presses: a message in a channel, or a view."""

    blocks: list[Block]
    message: Message | None = None
    channel: Channel | None = None
    view: View | None = None


class Pressing(Sending):
    """People who press."""

    async def press(
        self,
        user: str,
        where: dict[str, Any],
        action_id: str | None = None,
        *,
        text: str | None = None,
        value: str | None = None,
        block_id: str | None = None,
        confirm: bool | None = None,
    ) -> Outcome:
        """Press a button of a message or view, named by its action_id or what it says (and its value or block).

        A button that asks first needs `confirm`: True to go on, False to think better of it.
        """
        place = self._place(user, where)
        wanted = {"action_id": action_id, "text": text, "value": value, "block_id": block_id}
        block, element = _the_one(place.blocks, {k: v for k, v in wanted.items() if v is not None}, button=True)
        if not _confirmed(element, confirm):
            return Outcome(sent=False)
        action: dict[str, Any] = {key: element[key] for key in ("text", "value", "style") if key in element}
        return await self._act(user, place, block, element, action)

    async def select(
        self,
        user: str,
        where: dict[str, Any],
        action_id: str,
        given: Any,
        *,
        block_id: str | None = None,
        confirm: bool | None = None,
    ) -> Outcome:
        """Choose or type in an element: an option by its value or words, several as a list, a date, a user's id, text.

        In an input block the app is told only when the block says `dispatch_action`.
        """
        place = self._place(user, where)
        wanted = {"action_id": action_id, **({"block_id": block_id} if block_id else {})}
        block, element = _the_one(place.blocks, wanted, button=False)
        value = chosen(self, element, given)
        if not _confirmed(element, confirm):
            return Outcome(sent=False)
        if place.view is not None and element["type"] != "overflow":
            state = place.view["state"]["values"].setdefault(block["block_id"], {})
            state[element["action_id"]] = {"type": element["type"], **value}
        if block["type"] == "input" and not block.get("dispatch_action"):
            return Outcome(sent=False)
        return await self._act(user, place, block, element, value)

    async def suggest(self, user: str, where: dict[str, Any], action_id: str, typed: str) -> Outcome:
        """Type into an external select; `response` holds the options that the app offers."""
        place = self._place(user, where)
        block, element = _the_one(place.blocks, {"action_id": action_id}, button=False)
        if "external" not in element["type"]:
            raise Impossible(f"{action_id} does not ask the app for options")
        payload = self._at(user, place, "block_suggestion")
        payload |= {"action_id": action_id, "block_id": block["block_id"], "value": typed}
        outcome = await self._interact(payload, answerable=True)
        options = outcome.response.get("options") or list(options_of(outcome.response))
        problems = problems_of_options(options)
        if problems:
            self.refused.append(("block_suggestion", "invalid_options", problems))
            outcome.error = "invalid_options"
        self.offered[element["action_id"]] = [] if problems else options
        return outcome

    async def _act(
        self, user: str, place: Place, block: Block, element: dict[str, Any], action: dict[str, Any]
    ) -> Outcome:
        payload = self._at(user, place, "block_actions")
        payload["trigger_id"] = self.trigger(user, in_modal=place.view is not None and place.view["type"] == "modal")
        done = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "action_ts": self.ts(),
        }
        payload["actions"] = [{**done, **action}]
        if place.channel is not None:
            payload["response_url"] = self._response_url(user, place.channel, place.message)
            values = first_values(place.blocks)
            if element["type"] not in ("button", "overflow"):
                values[block["block_id"]][element["action_id"]] = {"type": element["type"], **action}
            payload["state"] = {"values": values}
        return await self._interact(payload)

    def _at(self, user: str, place: Place, kind: str) -> Payload:
        payload = self._common(kind, user)
        if place.view is not None:
            return payload | {"view": place.view, "container": {"type": "view", "view_id": place.view["id"]}}
        assert place.message is not None
        assert place.channel is not None
        ephemeral = bool(place.message.get("is_ephemeral"))
        payload["container"] = {
            "type": "message",
            "message_ts": place.message["ts"],
            "channel_id": place.channel.id,
            "is_ephemeral": ephemeral,
        }
        if "thread_ts" in place.message:  # https://github.com/slackapi/java-slack-sdk/issues/1200
            payload["container"]["thread_ts"] = place.message["thread_ts"]
        payload["channel"] = {"id": place.channel.id, "name": place.channel.name or "directmessage"}
        # Of an ephemeral message the app gets no copy.
        return payload if ephemeral else payload | {"message": place.message}

    def _place(self, user: str, where: dict[str, Any]) -> Place:
        if where.get("type") == "home":
            home = self.homes.get(user)
            if home is None or home["id"] != where["id"]:
                raise Impossible(f"{user} does not see this Home")
            return Place(home["blocks"], view=home)
        if where.get("type") == "modal":
            view = self._current_view(user, where)
            return Place(view["blocks"], view=view)
        for channel in self.channels:
            if user in channel.members:
                for message in self.seen_by(user, channel.id):
                    if message["ts"] == where["ts"]:
                        return Place([*_blocks(message)], message=message, channel=channel)
        raise Impossible(f"{user} does not see the message {where['ts']}")


def _blocks(message: Message) -> Iterator[Block]:
    yield from message.get("blocks", [])
    for attachment in message.get("attachments", []):
        yield from attachment.get("blocks", [])


def _the_one(blocks: list[Block], wanted: dict[str, str], *, button: bool) -> tuple[Block, dict[str, Any]]:
    """Return the only element that fits; Impossible with what there is else."""
    there = [(block, e) for block in blocks for e in elements_of(block) if (e["type"] == "button") == button]
    fitting = [(block, element) for block, element in there if _fits(block, element, wanted)]
    if len(fitting) == 1:
        return fitting[0]
    seen = ", ".join(_named(block, element) for block, element in (fitting or there)) or "nothing"
    how_many = f"{len(fitting)} fit" if fitting else "nothing fits"
    raise Impossible(f"{how_many} {wanted}; there is: {seen}")


def _fits(block: Block, element: dict[str, Any], wanted: dict[str, str]) -> bool:
    own = {"block_id": block.get("block_id"), "text": (element.get("text") or {}).get("text")}
    return all({**element, **own}.get(key) == value for key, value in wanted.items())


def _named(block: Block, element: dict[str, Any]) -> str:
    text = (element.get("text") or {}).get("text", "")
    return f"{element['type']} {element['action_id']} [{text}] value={element.get('value')} in {block['block_id']}"


def _confirmed(element: dict[str, Any], confirm: bool | None) -> bool:
    asks = element.get("confirm")
    if asks and confirm is None:
        raise Impossible(f"it asks first: {asks['title']['text']} (say confirm=True or False)")
    if confirm is not None and not asks:
        raise Impossible(f"{element['action_id']} does not ask first")
    return confirm is not False
