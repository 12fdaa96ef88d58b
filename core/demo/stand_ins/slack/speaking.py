"""What people type: slash commands, mentions, messages; and shortcuts, App Home, joining."""

from __future__ import annotations

from core.demo.stand_ins.slack.answers import Refused
from core.demo.stand_ins.slack.hooks import show
from core.demo.stand_ins.slack.posting import put
from core.demo.stand_ins.slack.scopes import DIRECT, PRIVATE
from core.demo.stand_ins.slack.sending import Outcome, Sending
from core.demo.stand_ins.slack.values import Impossible
from core.demo.stand_ins.slack.workspace import ANNA, APP, BOT, TEAM, Message


class Speaking(Sending):
    """People who type."""

    async def command(self, command: str, text: str = "", *, user: str = ANNA, channel: str = "general") -> Outcome:
        """Type a slash command; what the app answers at once is shown as a message."""
        self._needs_commands("slash command")
        if command not in self.commands:
            raise Impossible(f"{command} is not a valid command")
        place = self._in(user, channel)
        outcome = await self._interact(
            {
                "token": self.secret_token,
                "team_id": TEAM,
                "team_domain": "acme",
                "channel_id": place.id,
                "channel_name": "directmessage" if place.user else place.name,
                "user_id": user,
                "user_name": self.user(user).name,
                "command": command,
                "text": text,
                "api_app_id": APP,
                "is_enterprise_install": "false",
                "response_url": self._response_url(user, place),
                "trigger_id": self.trigger(user),
            },
            answerable=True,
        )
        if outcome.response:
            try:
                outcome.message = show(self, user, place.id, outcome.response)
            except Refused as refused:
                self.refused.append((command, str(refused), refused.answer.get("errors", [])))
                outcome.error = "invalid_command_response"
        return outcome

    async def say(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> Outcome:
        """Post a user's message; the app hears it where it listens, a mention of it above all."""
        place = self._in(user, channel)
        message: Message = {"type": "message", "user": user, "text": text, "ts": self.ts(), "team": TEAM}
        message |= {"thread_ts": thread_ts} if thread_ts else {}
        put(self, place, message)
        heard = {**message, "channel": place.id}
        outcome = Outcome(sent=False)
        if f"<@{BOT}>" in text and place.is_member and not place.user:
            outcome = await self._event("app_mention", {**heard, "type": "app_mention"})
        kind = {DIRECT: "im", PRIVATE: "group"}.get(place.kind, "channel")
        if place.is_member:
            also = await self._event(f"message.{kind if kind == 'im' else kind + 's'}", {**heard, "channel_type": kind})
            outcome = outcome if outcome.sent else also
        outcome.message = message
        return outcome

    async def mention(self, user: str, channel: str, text: str, *, thread_ts: str | None = None) -> Outcome:
        """Post a message that mentions the app: `text` follows its name."""
        return await self.say(user, channel, f"<@{BOT}> {text}", thread_ts=thread_ts)

    async def direct_message(self, user: str, text: str) -> Outcome:
        """Write to the app alone."""
        if not self.has_messages:
            raise Impossible("sending messages to this app has been turned off")
        return await self.say(user, self.direct(user).id, text)

    async def open_home(self, user: str, *, tab: str = "home") -> Outcome:
        """Open the app's Home."""
        if not self.has_home:
            raise Impossible("the app has no Home")
        event = {"type": "app_home_opened", "user": user, "channel": self.direct(user).id, "tab": tab}
        return await self._event("app_home_opened", {**event, **({"view": v} if (v := self.homes.get(user)) else {})})

    async def join(self, user: str, channel: str, *, inviter: str = ANNA) -> Outcome:
        """Let a user, or the bot, come into a channel."""
        place = self.channel(channel)
        if user not in place.members:
            place.members.append(user)
        place.is_member = place.is_member or user == BOT
        kind = "G" if place.is_private else "C"
        event = {"user": user, "channel": place.id, "channel_type": kind, "team": TEAM, "inviter": inviter}
        return await self._event("member_joined_channel", {"type": "member_joined_channel", **event})

    async def shortcut(self, callback_id: str, *, user: str = ANNA) -> Outcome:
        """Use a global shortcut."""
        self._check_shortcut(callback_id, "global")
        payload = self._common("shortcut", user)
        payload |= {"callback_id": callback_id, "trigger_id": self.trigger(user), "action_ts": self.ts()}
        return await self._interact(payload)

    async def message_shortcut(self, user: str, message: Message, callback_id: str) -> Outcome:
        """Use a shortcut on a message."""
        self._check_shortcut(callback_id, "message")
        for place in self.channels:
            if user in place.members and any(one["ts"] == message["ts"] for one in place.messages):
                break
        else:
            raise Impossible(f"{user} does not see the message {message['ts']}")
        payload = self._common("message_action", user)
        payload |= {
            "callback_id": callback_id,
            "trigger_id": self.trigger(user),
            "action_ts": self.ts(),
            "message_ts": message["ts"],
            "message": message,
            "channel": {"id": place.id, "name": place.name or "directmessage"},
            "response_url": self._response_url(user, place, message),
        }
        return await self._interact(payload)

    def _check_shortcut(self, callback_id: str, kind: str) -> None:
        self._needs_commands("shortcut")
        if self.shortcuts is not None and self.shortcuts.get(callback_id) != kind:
            raise Impossible(f"the app has no {kind} shortcut {callback_id}")
