"""What the page says by itself, in the language of whoever one is in it."""

from __future__ import annotations

from collections.abc import Mapping

from core.texts import T, Text

WORDS: Mapping[str, Text] = {
    "notice": T("A stand-in for Slack, part of a demonstration: nothing of this is on slack.com."),
    "who": T("You are"),
    "channels": T("Channels"),
    "apps": T("Apps"),
    "home": T("Home"),
    "messages": T("Messages"),
    "thread": T("Thread"),
    "close": T("Close"),
    "cancel": T("Cancel"),
    "send": T("Send"),
    "back": T("Back"),
    "bot": T("bot"),
    "edited": T("(edited)"),
    "only_you": T("Only you can see this"),
    "unread": T("unread"),
    "message_to": T("To {place}: / for commands, @ for people"),
    "reply": T("Reply. @ccb asks the bot: commands do not work in threads"),
    "reply_in_thread": T("Reply in thread"),
    "more": T("More actions"),
    "choose": T("Choose"),
    "search": T("Type to search"),
    "nothing_found": T("Nothing found"),
    "optional": T("(optional)"),
    "loading": T("Loading…"),
    "working": T("The app is at work…"),
    "empty_channel": T("Nothing has been said here yet. Type /ccb and a word, or press one:"),
    "empty_direct": T("Write to the bot here as in any channel; it answers you alone."),
    "empty_home": T("The app has shown nothing here yet."),
    "not_in": T("The bot is not in this channel, so it hears no mention and cannot post here."),
    "invite": T("Invite the bot"),
    "image_outside": T("An image from outside, which this page does not load: {alt}"),
    "not_shown": T("This page cannot show this part ({kind})."),
    "lost": T("The demonstration has stopped, or cannot be reached. Start it again with `ccb demo`."),
    "no_key": T("Open the address that `ccb demo` printed: it has the key that lets you in."),
    "commands": T("Commands"),
    "people": T("People"),
    "failed": T("That did not work: {reason}"),
}
INVITE = T("Invite somebody into the channel")
