"""The page in a real browser: everything that Block Kit has is drawn, and nothing that somebody wrote runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.clock import SystemClock
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BOT_TOKEN, SlackStandIn
from tests.core.demo import chromium
from tests.core.demo.test_page import EVIL, Browser, opened
from tests.engines import running

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not chromium.FOUND, reason="there is no Chromium")]
OPTIONS = [{"text": {"type": "plain_text", "text": word}, "value": word} for word in ("one", EVIL)]


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": True}


def _select(kind: str, action_id: str) -> dict[str, Any]:
    more = {} if "external" in kind or "users" in kind or "channels" in kind else {"options": OPTIONS}
    return {"type": kind, "action_id": action_id, "placeholder": _plain("Pick"), **more}


MRKDWN = (
    f"*bold* _it_ ~gone~ `co*d*e` &lt;b&gt; <https://example.com|a link> <javascript:alert(1)|no link> <@{ANNA}> "
    f"<#C0DEPLOYS> <!date^86400^{{date_num}} {{time}}|then> :red_circle: :no_such: snake_case_name {EVIL}\n"
    "&gt; quoted\n```pre *x*```"
)
CONFIRM = {"title": _plain("Sure?"), "text": _plain(EVIL), "confirm": _plain("Go on"), "deny": _plain("Stay")}
BLOCKS: list[dict[str, Any]] = [
    {"type": "header", "text": _plain(f"Header :tada: {EVIL}")},
    {"type": "section", "text": {"type": "mrkdwn", "text": MRKDWN}, "accessory": {
        "type": "overflow", "action_id": "more", "options": OPTIONS}},
    {"type": "section", "fields": [{"type": "mrkdwn", "text": "*A*"}, _plain("B")]},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "small"}, {
        "type": "image", "image_url": "https://example.com/x.png", "alt_text": EVIL}]},
    {"type": "divider"},
    {"type": "actions", "elements": [
        {"type": "button", "action_id": "go", "text": _plain("Delete"), "style": "danger", "confirm": CONFIRM},
        _select("static_select", "s"), _select("multi_static_select", "m"), _select("users_select", "u"),
        _select("multi_channels_select", "c"), _select("external_select", "x"),
        {"type": "datepicker", "action_id": "d", "initial_date": "2030-01-02"},
        {"type": "checkboxes", "action_id": "t", "options": OPTIONS},
        {"type": "radio_buttons", "action_id": "r", "options": OPTIONS, "initial_option": OPTIONS[0]}]},
    {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "a chart", "title": _plain("Chart")},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
        {"type": "text", "text": EVIL, "style": {"bold": True}}, {"type": "link", "url": "javascript:alert(1)"}]}]},
    {"type": "markdown", "text": f"# Title\n\n- **b** [l](javascript:alert(1))\n- {EVIL}\n\n```js\n{EVIL}\n```"},
    {"type": "table", "rows": [[{"type": "raw_text", "text": EVIL}], [{"type": "raw_text", "text": "cell"}]]},
]  # fmt: skip
DRAWN = """
(() => {
  const last = document.querySelector("main .messages li:last-child");
  const all = (what) => [...last.querySelectorAll(what)];
  return last && all(".block").length === %d && {
    tags: all("*").map((one) => one.localName),
    links: all("a").map((one) => one.href),
    alts: all("img").map((one) => one.alt),
    marks: all(".section strong, .section em, .section s, .section code, .section blockquote, .section pre")
      .map((one) => one.textContent),
    section: last.querySelector(".section").innerText,
    text: last.innerText,
  };
})()
"""


async def test_all_of_block_kit_and_nothing_that_runs(tmp_path: Path) -> None:
    async with SlackStandIn() as slack, opened(slack) as browser, chromium.browsing(tmp_path) as tab:
        await tab.open(browser.page.address_with_key)
        await tab.press(".sidebar button", "general")
        slack.files["F1"] = {"id": "F1", "complete": True, "data": None}
        await browser.call("chat.postMessage", channel="C0GENERAL", text="t", blocks=BLOCKS)
        drawn = await tab.until(DRAWN % len(BLOCKS))
        assert "script" not in drawn["tags"] and drawn["alts"] == ["a chart"]
        assert drawn["links"] == ["https://example.com/"]
        assert drawn["text"].count(EVIL) >= 6
        assert drawn["marks"] == ["bold", "it", "gone", "co*d*e", "quoted", "pre *x*", "A"]
        for part in ("<b>", "a link", "no link", "@anna", "#deploys", "1970", "🔴", ":no_such:", "snake_case_name"):
            assert part in drawn["section"], part
        await _is_asked_first(tab, slack)
        assert await tab.run("document.querySelectorAll('script').length") == 1
        assert not [said for said in tab.complaints if "/files/F1" not in said]


async def _is_asked_first(tab: chromium.Tab, slack: SlackStandIn) -> None:
    """A button that asks: thought better of, nothing reaches the app; gone on with, the press does."""
    before = len(slack.changes.log)
    await tab.press("main .messages li:last-child button.danger", "Delete")
    await tab.press("dialog[open] button", "Stay")
    assert len(slack.changes.log) == before
    await tab.press("main .messages li:last-child button.danger", "Delete")
    await tab.press("dialog[open] button", "Go on")
    await slack.until(lambda: [one for one in slack.changes.log if one.kind == "told"])


async def test_somebody_types_ccb_help(tmp_path: Path) -> None:
    async with SlackStandIn() as slack, opened(slack) as browser, chromium.browsing(tmp_path / "browser") as tab:
        tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(tmp_path / "data", clock=SystemClock(), **tokens):
            await slack.connected(2)
            await tab.open(browser.page.address_with_key)
            await tab.press(".sidebar button", "general")
            await tab.write("main textarea", "/ccb he")
            await tab.until("document.querySelectorAll('.offers [role=option]').length === 2")
            await tab.key("ArrowDown")
            await tab.key("Enter")
            await tab.until("document.querySelector('main textarea').value.startsWith('/ccb help')")
            await tab.key("Enter")
            await tab.press("main .messages .ephemeral button", "/ccb health")
            await tab.until("document.querySelectorAll('main .messages li').length === 2")
            await _fills_in_a_modal(tab, browser)
        assert not tab.complaints and slack.refused == []


async def _fills_in_a_modal(tab: chromium.Tab, browser: Browser) -> None:
    await tab.write("main textarea", "/ccb claim", enter=True)
    await tab.until("Boolean(document.querySelector('dialog[open] input'))")
    await tab.press("dialog[open] button[type=submit]")
    await tab.until("Boolean(document.querySelector('dialog[open] .error'))")
    await tab.write("dialog[open] input", "never")
    await tab.press("dialog[open] button[type=submit]")
    told = await tab.until(
        "[...document.querySelectorAll('.error')].map((one) => one.innerText).find((t) => t.includes('looks like'))"
    )
    assert told and await tab.run("document.querySelector('dialog[open] input').value") == "never"
    await tab.key("Escape")
    await tab.until("!document.querySelector('dialog[open]')")
    assert browser.slack.views[ANNA] == []
