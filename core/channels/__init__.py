"""Channels: where an alert goes. One file per kind; an address is `<kind>://<where>`, or the kind alone.

The kind alone means the place that a setting names, so that rules need not repeat it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.actors import Actor
from core.alert_message import AlertMessage
from core.config import Settings
from core.context import Context
from core.errors import Invalid, NotConfigured
from core.registry import Registry
from core.texts import T, Text

_WORD = re.compile(r"([\s;,]*)([^\s;,]+)")
LONGEST = 500
"""Characters of an address."""


@dataclass(frozen=True)
class Target:
    """A parsed address: its channel's name, and the places there; none where a setting names them."""

    channel: str
    places: tuple[str, ...]
    hidden: str | None = field(default=None, repr=False)
    """The address itself, where it holds secrets: it is sent to or kept, and never shown."""

    def __str__(self) -> str:
        return f"{self.channel}://{','.join(self.places)}" if self.places else self.channel


@dataclass(frozen=True)
class Picture:
    """A chart that goes with a message. `alt`: what it shows, in words."""

    png: bytes = field(repr=False)
    alt: str


@dataclass(frozen=True)
class Message:
    """What is said. `key` is the message's own: it stays the same when it is sent again."""

    key: str
    subject: str
    text: str
    alert: AlertMessage | None = None
    """The same as a value, where it is about alerts."""
    story: str = ""
    """What has happened since it was first said, where it was."""
    loud: bool = True
    """Whether people are to notice it anew; otherwise it is enough to bring the former message up to date."""
    again: bool = False
    """Whether it is to be seen in the channel once more, beside the former message."""
    place: Mapping[str, str] | None = None
    """Where the former message stands, as `Sent.place` said."""
    repeated: bool = False
    """An earlier try may have got through."""
    picture: Picture | None = None


@dataclass(frozen=True)
class Sent:
    """Where a message went, in words, and as the channel itself knows it, where it can be edited."""

    detail: Text
    place: Mapping[str, str] | None = None
    unsaid: bool = False
    """It was not sent: the channel has nothing to say of it."""


class Channel(ABC):
    """A kind of place that messages go to."""

    name: str
    summary: Text
    form: str
    """An example of an address."""
    setting: str
    """The environment variable that names the place where an address has none; empty: an address is needed."""
    pictures: bool = False
    """Whether it shows a message's picture; otherwise none need be drawn."""
    illustrates: bool = False
    """Whether a picture is added to a message that stands there already (`illustrate`): the message waits for none."""
    packaged: bool = True
    """Whether a package's manifest may name an address: not where it holds a secret."""

    @abstractmethod
    def places(self, where: str) -> tuple[str, ...]:
        """Return the places in an address (what follows `://`); raise `Invalid` that says the form. Pure."""

    @abstractmethod
    def default(self, settings: Settings) -> str | None:
        """Return the value of `setting`."""

    @abstractmethod
    async def send(self, ctx: Context, target: Target, message: Message) -> Text:
        """Send it and return, in a few words, where it went.

        Raises `Upstream` or `NotConfigured`, and `Invalid` where the setting's value is no place.
        """

    async def deliver(self, ctx: Context, target: Target, message: Message) -> Sent:
        """Send a message about alerts, or bring the one at `message.place` up to date; raises as `send` does.

        A channel that cannot edit sends what is loud, and leaves the rest unsaid.
        """
        if not message.loud:
            return Sent(T("Nothing to say in this channel."), unsaid=True)
        return Sent(await self.send(ctx, target, message))

    async def illustrate(
        self, ctx: Context, place: Mapping[str, str], picture: Picture, alert: AlertMessage
    ) -> Mapping[str, str]:
        """Add a picture to the message at `place`, where the channel `illustrates`, and bring it up to date.

        Returns the place, with the picture in it where later edits have to keep it; raises as `send` does.
        """
        return place

    async def kept(self, ctx: Context, target: Target, actor: Actor) -> Target:
        """Return `target` as it is stored and shown: one with a secret is kept apart, and named.

        Raises `Denied` where `actor` may not put one in, and `Invalid` for an address that the service would not take.
        """
        return target

    def may_try(self, target: Target, actor: Actor) -> None:
        """Raise `Denied` where `actor` may not have a test sent there: to an address that is not kept yet."""
        if target.hidden is not None:
            actor.require("admin")

    def parse(self, address: str) -> Target:
        """Return an address of this channel as a target; raise `Invalid` that says the form. Pure."""
        _, separator, where = address.partition("://")
        return Target(self.name, self.places(where) if separator else ())

    def resolved(self, settings: Settings, target: Target) -> tuple[str, ...]:
        """Return where `target` leads; raise `NotConfigured` or `Invalid` where only the setting could say."""
        if target.places:
            return target.places
        value = self.default(settings)
        if value is None:
            raise NotConfigured(
                T(
                    "{setting} is not set, and the channel {channel} has no address. Set it, or write one: {form}.",
                    setting=self.setting,
                    channel=self.name,
                    form=self.form,
                ),
                service=self.name,
                settings=(self.setting,),
            )
        try:
            return self.places(value.removeprefix(f"{self.name}://"))
        except Invalid as error:
            raise Invalid(T("{setting}: {reason}", setting=self.setting, reason=error.message)) from None


CHANNELS: Registry[Channel] = Registry("channel", "core.channels")


def addresses(typed: str) -> list[str]:
    """Return the addresses that somebody typed into one field, with spaces, line ends, `;` or commas between them.

    A comma may also stand within an address, between two places of one channel. Pure.
    """
    found: list[str] = []
    for between, word in _WORD.findall(typed):
        if found and "," in between and "://" not in word and word not in CHANNELS:
            found[-1] += f",{word}"
        else:
            found.append(word)
    return found


def parse(address: str) -> Target:
    """Return any channel's address as a target; raise `Invalid` that lists the channels or says the form. Pure."""
    if len(address) > LONGEST:
        raise Invalid(T("The address of a channel has at most {limit} characters.", limit=LONGEST))
    return CHANNELS.get(address.partition("://")[0][:40]).parse(address)


def leads(settings: Settings, address: str) -> str:
    """Return the same for addresses that lead to the same place: `slack`, and the channel that its setting names."""
    try:
        target = parse(address)
        return str(Target(target.channel, CHANNELS.get(target.channel).resolved(settings, target)))
    except (Invalid, NotConfigured):
        return address


def apart(settings: Settings, addresses: Iterable[str]) -> list[str]:
    """Return addresses, each place once: nothing is said twice in one."""
    found: dict[str, str] = {}
    for address in addresses:
        found.setdefault(leads(settings, address), address)
    return list(found.values())


async def kept(ctx: Context, target: Target, actor: Actor) -> Target:
    """Return `target` as it is stored; see `Channel.kept`."""
    return await CHANNELS.get(target.channel).kept(ctx, target, actor)
