"""What people do with modals: fill them in, send them, close them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.demo.stand_ins.slack.answers import Refused
from core.demo.stand_ins.slack.blocks import Block, elements_of
from core.demo.stand_ins.slack.limits import MODAL
from core.demo.stand_ins.slack.sending import Outcome, Sending
from core.demo.stand_ins.slack.values import Impossible, chosen, complaint
from core.demo.stand_ins.slack.views import checked, push, replace
from core.demo.stand_ins.slack.workspace import View

TROUBLE = "We had some trouble connecting. Try again?"
Given = Mapping[str, Any]


class Modals(Sending):
    """People with a modal before them."""

    def fill(self, user: str, given: Given, view: View | str | None = None) -> View:
        """Type and choose in the modal's inputs, named by action_id or block_id; nothing is sent yet."""
        top = self._current_view(user, view)
        for name, value in given.items():
            block, element = _input(top, name)
            state = top["state"]["values"].setdefault(block["block_id"], {})
            state[element["action_id"]] = {"type": element["type"], **chosen(self, element, value)}
        return top

    async def submit(self, user: str, view: View | str | None = None, given: Given | None = None) -> Outcome:
        """Fill in and send a modal; what the app answers is done to it.

        `errors` says what stands beside which block, by Slack itself (then `sent` is False) or by the app; `error` is
        set when the person sees that the app failed.
        """
        top = self.fill(user, given or {}, view)
        if not top["submit"]:
            raise Impossible(f"the modal {top['callback_id']} has no submit button")
        complaints = _complaints(top)
        if complaints:
            return Outcome(sent=False, errors=complaints)
        payload = self._common("view_submission", user)
        payload |= {"view": top, "trigger_id": self.trigger(user, in_modal=True), "response_urls": []}
        outcome = await self._interact(payload, answerable=True)
        if outcome.acked:
            self._answered(user, top, outcome)
        if outcome.error:
            outcome.error = TROUBLE if outcome.error in ("operation_timeout", "dispatch_failed") else outcome.error
            self.changes.note("trouble", user=user, view=top["id"], error=outcome.error)
        return outcome

    def _answered(self, user: str, view: View, outcome: Outcome) -> None:
        action = outcome.response.get("response_action")
        stack = self.views.get(user, [])
        try:
            if action == "errors":
                outcome.errors = _errors(view, outcome.response.get("errors"))
                self.changes.note("view_errors", user=user, id=view["id"], errors=outcome.errors)
            elif action == "update":
                replace(self, view, checked(self, outcome.response.get("view"), MODAL, instead_of=view))
            elif action == "push":
                push(self, user, checked(self, outcome.response.get("view"), MODAL))
            elif action == "clear":
                stack.clear()
                self.changes.note("view_closed", user=user, id=view["id"])
            elif action is None and not outcome.response:
                stack[:] = [one for one in stack if one is not view]
                self.changes.note("view_closed", user=user, id=view["id"])
            else:
                raise Refused("invalid_response_action")
        except Refused as refused:
            said = refused.answer.get("response_metadata", {}).get("messages", [])
            self.refused.append(("view_submission", str(refused), said))
            outcome.error = f"{TROUBLE} ({refused}: {'; '.join(said)})"

    async def close(self, user: str, view: View | str | None = None, *, everything: bool = False) -> Outcome:
        """Close the modal, or with the cross the whole stack; the app is told if it asked for that."""
        top = self._current_view(user, view)
        cleared = everything or top["clear_on_close"]
        stack = self.views[user]
        gone = [*stack] if cleared else [top]
        stack[:] = [one for one in stack if not any(one is other for other in gone)]
        self.changes.note("view_closed", user=user, id=top["id"])
        outcome = Outcome(sent=False)
        for one in reversed(gone):
            if one["notify_on_close"]:
                payload = self._common("view_closed", user) | {"view": one, "is_cleared": cleared}
                outcome = await self._interact(payload)
        return outcome


def _inputs(view: View) -> list[tuple[Block, dict[str, Any]]]:
    return [
        (block, element)
        for block in view["blocks"]
        for element in elements_of(block)
        if element["type"] not in ("button", "overflow")
    ]


def _input(view: View, name: str) -> tuple[Block, dict[str, Any]]:
    there = _inputs(view)
    fitting = [(block, element) for block, element in there if name in (element["action_id"], block["block_id"])]
    if len(fitting) != 1:
        names = ", ".join(f"{block['block_id']}/{element['action_id']}" for block, element in there)
        raise Impossible(f"{len(fitting)} inputs are called {name}; there are: {names}")
    return fitting[0]


def _complaints(view: View) -> dict[str, str]:
    """Return what Slack itself says beside the inputs."""
    values = view["state"]["values"]
    said = {
        block["block_id"]: complaint(
            element, values[block["block_id"]][element["action_id"]], optional=bool(block.get("optional"))
        )
        for block, element in _inputs(view)
        if block["type"] == "input"
    }
    return {block_id: words for block_id, words in said.items() if words}


def _errors(view: View, errors: Any) -> dict[str, str]:
    """Return the app's complaints, which must be about input blocks that are there."""
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors:
        raise Refused("invalid_errors")
    for block_id, words in errors.items():
        if block_id not in inputs or not isinstance(words, str) or not words:
            raise Refused("invalid_errors", response_metadata={"messages": [f"no input block {block_id}"]})
    return errors
