"""Block Kit's limits: each at its edge, held against slack-sdk's own numbers, and what Slack says of a breach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from slack_sdk.models import blocks as sdk
from slack_sdk.models.views import View

from core.demo.stand_ins.slack.blocks import SHAPES, problems_of_blocks, problems_of_view
from core.demo.stand_ins.slack.limits import (
    COMPOSITIONS,
    ELEMENTS,
    MOST_BLOCKS,
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
from tests.stand_ins.slack_app import actions, asked, button, modal, plain, typed

SAMPLES = {"url": "https://example.com/", "initial_date": "2026-11-24", "initial_time": "09:30"}


def smallest(kind: Kind, name: str = "") -> Any:
    """Return the least that fits."""
    match kind:
        case Str():
            return kind.choices[0] if kind.choices else next((v for k, v in SAMPLES.items() if k in name), "x")
        case Flag():
            return True
        case Whole():
            return kind.least
        case Text():
            return plain("x")
        case Many():
            return [smallest(kind.of, name) for _ in range(max(kind.least, 1))]
        case Part():
            return whole(kind.name)
        case Typed():
            return {"type": kind.names[0], **whole(kind.names[0])}
        case _:
            return []


def whole(name: str) -> dict[str, Any]:
    """Return the least that fits a shape."""
    return needed(SHAPES[name])


def needed(shape: Shape) -> dict[str, Any]:
    """Return what a shape must have."""
    names = (*shape.required, *shape.one_of[:1], *shape.only_one_of[:1])
    return {name: smallest(shape.fields[name], name) for name in names}


def sized(kind: Kind, name: str, count: int) -> Any:
    """Return something of a kind that has `count` characters or items."""
    match kind:
        case Str():
            return smallest(kind, name).ljust(count, "x")[:count]
        case Text():
            return plain("x" * count)
        case Many():
            items = [smallest(kind.of, name) for _ in range(count)]
            buttons = isinstance(kind.of, Typed) and kind.of.names[0] == "button"
            return [{**item, "action_id": f"a{n}"} if buttons else item for n, item in enumerate(items)]
    raise AssertionError(kind)


def placed(name: str, shape: Shape, value: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Return blocks that hold an element or a block, and a surface that takes them."""
    made = {"type": name, **value}
    if BLOCKS.get(name) is shape:
        return [made], shape.surfaces[0]
    if name == "image":
        return [{"type": "context", "elements": [made]}], "message"
    return [asked(made) if name.endswith("input") else actions(made)], shape.surfaces[0]


ALL = [*ELEMENTS.items(), *BLOCKS.items()]
LIMITED = [
    (name, shape, field, kind.most)
    for name, shape in ALL
    for field, kind in shape.fields.items()
    if isinstance(kind, Str | Text | Many) and kind.most
]


@pytest.mark.parametrize(("name", "shape"), ALL)
def test_the_least_of_each_passes(name: str, shape: Shape) -> None:
    blocks, surface = placed(name, shape, needed(shape))
    assert problems_of_blocks(blocks, surface) == []


@pytest.mark.parametrize(("name", "shape", "field", "most"), LIMITED)
def test_each_length_at_its_edge(name: str, shape: Shape, field: str, most: int) -> None:
    kind = shape.fields[field]
    others = shape.only_one_of if field in shape.only_one_of else ()
    rest = {key: value for key, value in needed(shape).items() if key not in others}
    fits, surface = placed(name, shape, {**rest, field: sized(kind, field, most)})
    assert problems_of_blocks(fits, surface) == []
    too_much, surface = placed(name, shape, {**rest, field: sized(kind, field, most + 1)})
    (problem,) = problems_of_blocks(too_much, surface)
    wanted = f"no more than {most} items" if isinstance(kind, Many) else f"must be less than {most + 1} characters"
    assert problem.startswith(wanted)
    assert f"/{field}" in problem


SDK = [
    ("section", "text", sdk.SectionBlock.text_max_length),
    ("section", "fields", sdk.SectionBlock.fields_max_length),
    ("header", "text", sdk.HeaderBlock.text_max_length),
    ("context", "elements", sdk.ContextBlock.elements_max_length),
    ("actions", "elements", sdk.ActionsBlock.elements_max_length),
    ("input", "label", sdk.InputBlock.label_max_length),
    ("input", "hint", sdk.InputBlock.hint_max_length),
    ("markdown", "text", sdk.MarkdownBlock.text_max_length),
    ("video", "title", sdk.VideoBlock.title_max_length - 1),
    ("button", "text", sdk.ButtonElement.text_max_length),
    ("button", "url", sdk.ButtonElement.url_max_length),
    ("button", "value", sdk.ButtonElement.value_max_length),
    ("button", "action_id", sdk.ButtonElement.action_id_max_length),
    ("static_select", "options", sdk.StaticSelectElement.options_max_length),
    ("static_select", "option_groups", sdk.StaticSelectElement.option_groups_max_length),
    ("static_select", "placeholder", sdk.StaticSelectElement.placeholder_max_length),
    ("multi_static_select", "options", sdk.StaticMultiSelectElement.options_max_length),
    ("overflow", "options", sdk.OverflowMenuElement.options_max_length),
    ("confirm", "title", sdk.ConfirmObject.title_max_length),
    ("confirm", "text", sdk.ConfirmObject.text_max_length),
    ("confirm", "confirm", sdk.ConfirmObject.confirm_max_length),
    ("confirm", "deny", sdk.ConfirmObject.deny_max_length),
    ("option", "text", sdk.Option.label_max_length),
    ("option", "value", sdk.Option.value_max_length),
    ("option_group", "label", sdk.OptionGroup.label_max_length),
    ("option_group", "options", sdk.OptionGroup.options_max_length),
    ("modal", "title", View.title_max_length),
    ("modal", "submit", View.submit_max_length),
    ("modal", "close", View.close_max_length),
    ("modal", "private_metadata", View.private_metadata_max_length),
    ("modal", "callback_id", View.callback_id_max_length),
]


@pytest.mark.parametrize(("name", "field", "most"), SDK)
def test_the_numbers_are_those_of_slacks_own_library(name: str, field: str, most: int) -> None:
    kind = {**COMPOSITIONS, **ELEMENTS, **BLOCKS, **VIEWS}[name].fields[field]
    assert isinstance(kind, Str | Text | Many)
    assert kind.most == most


def test_every_part_names_its_page() -> None:
    shapes = {**COMPOSITIONS, **ELEMENTS, **BLOCKS, **VIEWS, **RICH_PARTS}
    assert all(shape.page.startswith("https://docs.slack.dev/reference/") for shape in shapes.values())


def option(text: str = "One", value: str = "1", **more: Any) -> dict[str, Any]:
    return {"text": plain(text), "value": value, **more}


def select(*options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "pick", "options": [*options] or [option()], **more}


MARKDOWN = {"type": "mrkdwn", "text": "*x*"}
SECTION = {"type": "section", "text": MARKDOWN}
CONFIRM = {"title": plain("Sure?"), "text": plain("Gone"), "confirm": plain("Yes"), "deny": plain("No")}


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({"type": "sectoin"}, "unsupported type: sectoin [json-pointer:/blocks/0/type]"),
        ("text", "must provide an object [json-pointer:/blocks/0]"),
        ({"type": "header"}, "missing required field: text [json-pointer:/blocks/0]"),
        ({"type": "section"}, "must define either `text` or `fields` [json-pointer:/blocks/0]"),
        ({**SECTION, "colour": "red"}, "invalid additional property: colour [json-pointer:/blocks/0]"),
        ({**SECTION, "accessory": None}, "must not be null [json-pointer:/blocks/0/accessory]"),
        ({**SECTION, "block_id": "x" * 256}, "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
        (
            {**SECTION, "accessory": typed()},
            "unsupported type: plain_text_input [json-pointer:/blocks/0/accessory/type]",
        ),
        ({"type": "header", "text": MARKDOWN}, "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
        ({"type": "section", "text": "x"}, "must provide an object [json-pointer:/blocks/0/text]"),
        ({"type": "section", "text": plain("")}, "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ({"type": "section", "text": plain(7)}, "must provide a string [json-pointer:/blocks/0/text/text]"),  # type: ignore[arg-type]  # that is the point
        (actions(button(style="green")), "must be a valid enum value, one of: primary, danger [json-pointer:"),
        (actions(button(url="example.com")), "must be a valid URL [json-pointer:/blocks/0/elements/0/url]"),
        (actions(button(), button("Stop")), '`action_id` "go" already exists for another element'),
        (actions(button(confirm={**CONFIRM, "text": MARKDOWN})), "unsupported type: mrkdwn [json-pointer:"),
        (actions({"type": "image", "image_url": "https://x", "alt_text": "x"}), "unsupported type: image"),
        (actions(), "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
        (actions(select(option(text="x" * 76))), "must be less than 76 characters"),
        (actions(select(option(value="x" * 151))), "must be less than 151 characters"),
        (actions(select({"text": MARKDOWN, "value": "1"})), "unsupported type: mrkdwn"),
        (actions(select(option(url="https://x"))), "invalid additional property: url"),
        (actions(select(option_groups=[])), "can not have both `options` and `option_groups`"),
        (actions(select(initial_option=option("Two", "2"))), "initial option was not found in the list of options"),
        (actions({"type": "datepicker", "initial_date": "24.11.2026"}), "failed to match required format"),
        ({"type": "image", "image_url": "https://x"}, "missing required field: alt_text [json-pointer:/blocks/0]"),
        ({"type": "image", "alt_text": "x"}, "must define either `image_url` or `slack_file` [json-pointer:/blocks/0]"),
        ({"type": "context", "elements": [button()]}, "unsupported type: button"),
        ({"type": "rich_text", "elements": [{"type": "text", "text": "x"}]}, "unsupported type: text"),
        ({"type": "alert", "text": plain("x")}, "unsupported type: alert [json-pointer:/blocks/0/type]"),
        (asked({"type": "number_input", "is_decimal_allowed": False}), "unsupported type: number_input"),
        (asked(typed(max_length=3001)), "must be between 1 and 3000"),
        (asked(typed(multiline="yes")), "must provide a boolean"),
        ({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 21]}, "no more than 20 items allowed"),
    ],
)
def test_refused_in_a_message(block: Any, problem: str) -> None:
    assert any(said.startswith(problem) for said in problems_of_blocks([block], "message"))


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        ("modal", "must provide an object [json-pointer:/view]"),
        ({"type": "dialog"}, "unsupported type: dialog [json-pointer:/view/type]"),
        ({"type": "modal", "blocks": []}, "missing required field: title [json-pointer:/view]"),
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(external_id="x" * 256), "must be less than 256 characters [json-pointer:/view/external_id]"),
        (modal(state={}), "invalid additional property: state [json-pointer:/view]"),
        ({**modal(), "submit": None}, "must not be null [json-pointer:/view/submit]"),
        (modal({"type": "divider"}, *[SECTION] * 100), "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (modal({"type": "markdown", "text": "x"}), "unsupported type: markdown [json-pointer:/view/blocks/0/type]"),
        (modal(asked(typed()), asked(typed())), '`block_id` "name" already exists for another block'),
        (
            modal(asked(typed(focus_on_load=True)), asked(typed(focus_on_load=True), "other")),
            "only one element can have `focus_on_load`",
        ),
        ({"type": "home", "blocks": [], "title": plain("x")}, "invalid additional property: title"),
        ({"type": "home", "blocks": [asked({"type": "email_text_input"})]}, "unsupported type: email_text_input"),
    ],
)
def test_refused_in_a_view(view: Any, problem: str) -> None:
    assert any(said.startswith(problem) for said in problems_of_view(view))


def test_a_modal_with_inputs_needs_a_way_to_send_them() -> None:
    without = {key: value for key, value in modal().items() if key != "submit"}
    assert problems_of_view(without) == ["missing required field: submit [json-pointer:/view/submit]"]
    assert problems_of_view({**without, "blocks": [SECTION]}) == []


@pytest.mark.parametrize("surface", ["message", "modal", "home"])
def test_how_many_blocks(surface: str) -> None:
    most = MOST_BLOCKS[surface]
    assert problems_of_blocks([SECTION] * most, surface) == []
    assert problems_of_blocks([SECTION] * (most + 1), surface) == [
        f"no more than {most} items allowed [json-pointer:/blocks]"
    ]


def test_one_table_in_a_message() -> None:
    table = {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}
    assert problems_of_blocks([table], "message") == []
    assert problems_of_blocks([table, table], "message") == ["only_one_table_allowed [json-pointer:/blocks/1]"]


def test_the_same_action_in_two_blocks_is_no_matter() -> None:
    assert problems_of_blocks([actions(button()), {**SECTION, "accessory": button()}], "message") == []


NAMES = st.sampled_from(["type", "text", "elements", "accessory", "options", "element", "block_id", "rows", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=4,
)
KINDS = st.sampled_from(sorted({**BLOCKS, **ELEMENTS}))


@settings(max_examples=30)
@example([actions({"type": ["button"]})])
@example([actions(select(options=5))])
@example([actions({"type": "overflow", "options": [7], "action_id": []})] * 2)
@example([{"type": "input", "element": {"type": "static_select", "option_groups": [{"options": 3}]}}])
@given(
    st.lists(
        JSON | st.builds(lambda kind, rest: {"type": kind, **rest}, KINDS, st.dictionaries(NAMES, JSON, max_size=3)),
        max_size=3,
    )
)
def test_nonsense_is_refused_and_never_breaks_it(blocks: list[Any]) -> None:
    for surface in MOST_BLOCKS:
        said = problems_of_blocks(blocks, surface)
        assert said or all(isinstance(block, dict) for block in blocks)
    assert isinstance(problems_of_view({"type": "modal", "title": plain("x"), "blocks": blocks}), list)
