"""Holds blocks and views against the table of limits, and says what is wrong as Slack does."""

from __future__ import annotations

import copy
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.demo.stand_ins.slack.limits import (
    COMPOSITIONS,
    ELEMENTS,
    ID,
    MODAL,
    MOST_BLOCKS,
    Anything,
    Flag,
    Kind,
    Many,
    Part,
    Shape,
    Str,
    Text,
    Typed,
    Whole,
)
from core.demo.stand_ins.slack.limits_blocks import BLOCKS, RICH_PARTS, VIEWS

Block = dict[str, Any]
View = dict[str, Any]
SHAPES: Mapping[str, Shape] = {**RICH_PARTS, **COMPOSITIONS, **ELEMENTS, "rich_text": BLOCKS["rich_text"]}


def problems_of_blocks(blocks: Any, surface: str, at: str = "/blocks") -> list[str]:
    """Return what Slack would refuse in `blocks` on a message, modal or Home tab; nothing if it would be shown."""
    if not isinstance(blocks, list):
        return [f"must be an array [json-pointer:{at}]"]
    if len(blocks) > MOST_BLOCKS[surface]:
        return [f"no more than {MOST_BLOCKS[surface]} items allowed [json-pointer:{at}]"]
    found = _Reader(surface)
    for n, block in enumerate(blocks):
        found.block(block, f"{at}/{n}")
    found.twice(blocks, at)
    tables = [n for n, block in enumerate(blocks) if isinstance(block, dict) and block.get("type") == "table"]
    found.problems += [f"only_one_table_allowed [json-pointer:{at}/{n}]" for n in tables[1:]]
    return found.problems


def problems_of_view(view: Any) -> list[str]:
    """Return what Slack would refuse in a modal or Home tab."""
    if not isinstance(view, dict):
        return ["must provide an object [json-pointer:/view]"]
    kind = str(view.get("type"))
    if kind not in VIEWS:
        return [f"unsupported type: {kind} [json-pointer:/view/type]"]
    found = _Reader(kind)
    found.shape(VIEWS[kind], {key: value for key, value in view.items() if key != "type"}, "/view")
    blocks = view.get("blocks")
    problems = found.problems + (problems_of_blocks(blocks, kind, "/view/blocks") if "blocks" in view else [])
    has_input = isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)
    if kind == MODAL and has_input and not view.get("submit"):
        problems.append("missing required field: submit [json-pointer:/view/submit]")
    return problems


class _Reader:
    """Walks one message or view, and collects what is wrong."""

    def __init__(self, surface: str) -> None:
        self.surface = surface
        self.problems: list[str] = []
        self._kinds: dict[type, Callable[[Any, Any, str], None]] = {
            Str: self._string,
            Flag: self._flag,
            Whole: self._whole,
            Text: self._text,
            Part: self._part,
            Typed: self._typed,
            Many: self._many,
            Anything: lambda kind, value, at: None,
        }

    def say(self, problem: str, at: str) -> None:
        self.problems.append(f"{problem} [json-pointer:{at}]")

    def block(self, block: Any, at: str) -> None:
        if not isinstance(block, dict):
            self.say("must provide an object", at)
            return
        kind = block.get("type")
        shape = BLOCKS.get(str(kind))
        if shape is None or self.surface not in shape.surfaces:
            self.say(f"unsupported type: {kind}", f"{at}/type")
            return
        rest = {key: value for key, value in block.items() if key not in ("type", "block_id")}
        if "block_id" in block:
            self._string(ID, block["block_id"], f"{at}/block_id")
        self.shape(shape, rest, at)

    def shape(self, shape: Shape, value: Mapping[str, Any], at: str) -> None:
        for name in shape.required:
            if value.get(name) is None:
                self.say(f"missing required field: {name}", at)
        for names, exactly in ((shape.one_of, False), (shape.only_one_of, True)):
            there = [name for name in names if value.get(name) is not None]
            if names and not there:
                self.say(f"must define either `{'` or `'.join(names)}`", at)
            elif exactly and len(there) > 1:
                self.say(f"can not have both `{'` and `'.join(there)}`", at)
        for name, inner in value.items():
            if name not in shape.fields:
                self.say(f"invalid additional property: {name}", at)
            elif inner is None:
                self.say("must not be null", f"{at}/{name}")
            else:
                self.kind(shape.fields[name], inner, f"{at}/{name}")

    def kind(self, kind: Kind, value: Any, at: str) -> None:
        self._kinds[type(kind)](kind, value, at)

    def _string(self, kind: Str, value: Any, at: str) -> None:
        if not isinstance(value, str):
            self.say("must provide a string", at)
        elif len(value) < kind.least:
            self.say(f"must be more than {kind.least - 1} characters", at)
        elif kind.most is not None and len(value) > kind.most:
            self.say(f"must be less than {kind.most + 1} characters", at)
        elif kind.choices and value not in kind.choices:
            self.say(f"must be a valid enum value, one of: {', '.join(kind.choices)}", at)
        elif kind.pattern and not re.fullmatch(kind.pattern, value):
            self.say(f"failed to match required format: {kind.pattern}", at)
        elif kind.most == 3000 and at.endswith("url") and not re.match(r"[a-z][a-z0-9+.-]*:", value):
            self.say("must be a valid URL", at)

    def _flag(self, kind: Flag, value: Any, at: str) -> None:
        if not isinstance(value, bool):
            self.say("must provide a boolean", at)

    def _whole(self, kind: Whole, value: Any, at: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            self.say("must provide an integer", at)
        elif value < kind.least or (kind.most is not None and value > kind.most):
            self.say(f"must be between {kind.least} and {kind.most}", at)

    def _text(self, kind: Text, value: Any, at: str) -> None:
        allowed = ("plain_text",) if kind.plain else ("plain_text", "mrkdwn")
        before = len(self.problems)
        self._typed(Typed(allowed), value, at)
        if len(self.problems) == before and len(value["text"]) > kind.most:
            self.say(f"must be less than {kind.most + 1} characters", f"{at}/text")

    def _part(self, kind: Part, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            self.say("must provide an object", at)
            return
        self.shape(SHAPES[kind.name], value, at)

    def _typed(self, kind: Typed, value: Any, at: str) -> None:
        name = value.get("type") if isinstance(value, dict) else None
        shape = SHAPES.get(str(name))
        if not isinstance(value, dict):
            self.say("must provide an object", at)
        elif shape is None or name not in kind.names or self.surface not in shape.surfaces:
            self.say(f"unsupported type: {name}", f"{at}/type")
        else:
            self.shape(shape, {key: inner for key, inner in value.items() if key != "type"}, at)
            self._initial(value, at)

    def _initial(self, element: Mapping[str, Any], at: str) -> None:
        """What is chosen at first must be among what can be chosen."""
        if self.problems:
            return  # Nothing can be said of what is not as it should be.
        options = list(options_of(element))
        if not options:
            return
        first = [element["initial_option"]] if element.get("initial_option") else element.get("initial_options") or []
        for option in first:
            if option not in options:
                self.say("initial option was not found in the list of options", at)

    def _many(self, kind: Many, value: Any, at: str) -> None:
        if not isinstance(value, list):
            self.say("must be an array", at)
            return
        if len(value) < kind.least:
            self.say(f"no fewer than {kind.least} items allowed", at)
        elif kind.most is not None and len(value) > kind.most:
            self.say(f"no more than {kind.most} items allowed", at)
        for n, inner in enumerate(value):
            self.kind(kind.of, inner, f"{at}/{n}")

    def twice(self, blocks: list[Any], at: str) -> None:
        """A block_id is used once in a message or view, an action_id once in a block."""
        seen: set[str] = set()
        focused = 0
        for n, block in enumerate(blocks):
            if not isinstance(block, dict):
                continue
            block_id = block.get("block_id")
            if isinstance(block_id, str) and block_id in seen:
                self.say(f'`block_id` "{block_id}" already exists for another block', f"{at}/{n}")
            seen.add(str(block_id))
            ids = [element["action_id"] for element in elements_of(block) if "action_id" in element]
            focused += sum(bool(element.get("focus_on_load")) for element in elements_of(block))
            for action_id in {str(one) for one in ids if ids.count(one) > 1}:
                self.say(f'`action_id` "{action_id}" already exists for another element', f"{at}/{n}")
        if focused > 1:
            self.say("only one element can have `focus_on_load`", at)


def problems_of_options(options: Any) -> list[str]:
    """Return what Slack would refuse in what an external select is offered."""
    found = _Reader(MODAL)
    found.kind(Many(Part("option"), 0, 100), options, "/options")
    return found.problems


def elements_of(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the interactive elements of a block."""
    inner = block.get("elements") if block.get("type") == "actions" else [block.get("accessory"), block.get("element")]
    for element in inner if isinstance(inner, list) else []:
        kind = element.get("type") if isinstance(element, dict) else None
        if isinstance(kind, str) and kind in ELEMENTS and kind != "image":
            yield element


def options_of(element: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what an element lets one choose from, through its groups."""
    yield from element.get("options") or []
    for group in element.get("option_groups") or []:
        yield from group.get("options") or [] if isinstance(group, dict) else []


def with_ids(blocks: list[Block]) -> list[Block]:
    """Return a copy in which every block has a block_id and every element an action_id, as Slack makes them up."""
    made = copy.deepcopy(blocks)
    for block in made:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for element in elements_of(block):
            element.setdefault("action_id", secrets.token_urlsafe(4))
    return made


def size(view: View) -> int:
    """Return how many bytes a view takes."""
    return len(json.dumps(view, ensure_ascii=False).encode())
