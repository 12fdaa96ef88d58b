"""The page of the stand-in Slack over HTTP: who gets in, what is seen, what acts do, and that text stays text."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.bootstrap import load_doors
from core.clock import SystemClock
from core.demo.page import SlackPage, server
from core.demo.page.seen import Cast
from core.demo.page.typed import names, sent
from core.demo.stage import cast
from core.demo.stand_ins.slack import ANNA, APP_TOKEN, BORIS, BOT, BOT_TOKEN, CAROL, SlackStandIn
from core.texts import T
from tests.engines import running

STATIC = Path(server.__file__).parent / "static"
ROOT = Path(__file__).parents[3]
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
PNG = b"\x89PNG\r\n\x1a\nnot much"
State = dict[str, Any]


@dataclass
class Browser:
    """Somebody with the page open: their cookies, and what the page does for them."""

    slack: SlackStandIn
    page: SlackPage
    http: aiohttp.ClientSession

    async def act(self, name: str, *, status: int = 200, origin: str | None = None, **body: Any) -> Any:
        """Do something, as the page does it."""
        headers = {"Content-Type": "application/json", "Origin": self.page.url if origin is None else origin}
        data = json.dumps({"user": ANNA, **body})
        async with self.http.post(f"{self.page.url}/acts/{name}", data=data, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def get(self, path: str) -> tuple[int, bytes, Any]:
        """Return status, content and headers of a path."""
        async with self.http.get(f"{self.page.url}{path}", allow_redirects=False) as answer:
            return answer.status, await answer.read(), answer.headers

    async def sees(self, shown: Callable[[State], Any], user: str = ANNA) -> Any:
        """Follow the page's stream until `shown` gives something of a state."""
        async with asyncio.timeout(10), self.http.get(f"{self.page.url}/live?as={user}") as stream:
            assert stream.content_type == "text/event-stream"
            async for line in stream.content:
                if line.startswith(b"data: ") and (found := shown(json.loads(line[6:]))):
                    return found
        raise AssertionError("the stream ended")

    async def said(self, text: str, *, user: str = ANNA, channel: str = "general") -> Any:
        """Wait for a message that has this in it."""

        def there(state: State) -> Any:
            place = next((one for one in state["channels"] if one["name"] == channel), state["direct"])
            return next((one for one in place["messages"] if text in json.dumps(one, ensure_ascii=False)), None)

        return await self.sees(there, user)

    async def call(self, method: str, **body: Any) -> Any:
        """Call Slack's Web API as the app."""
        headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
        async with self.http.post(self.slack.url + method, json=body, headers=headers) as answer:
            content = await answer.json()
        assert content["ok"], content
        return content


@asynccontextmanager
async def opened(slack: SlackStandIn, given: Cast | None = None) -> AsyncIterator[Browser]:
    """Open the page with the address that is printed."""
    jar = aiohttp.CookieJar(unsafe=True)  # which takes cookies of an IP address
    async with SlackPage(slack, given or cast()) as page, aiohttp.ClientSession(cookie_jar=jar) as http:
        async with http.get(page.address_with_key) as first:
            assert first.status == 200 and "key" not in str(first.url)
        yield Browser(slack, page, http)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with SlackStandIn() as slack, opened(slack) as browser:
        yield browser


async def test_nobody_gets_in_without_the_key(browser: Browser) -> None:
    await browser.slack.say(ANNA, "general", "between us")
    async with aiohttp.ClientSession() as stranger:
        own = browser.page.url
        for path in ("/setting", "/live", "/files/F1", "/?key=wrong"):
            async with stranger.get(own + path) as answer:
                assert answer.status == 403 and "between us" not in await answer.text(), path
        body = {"user": ANNA, "text": "x", "channel": "general"}
        async with stranger.post(f"{own}/acts/type", json=body, headers={"Origin": own}) as answer:
            assert answer.status == 403
        async with stranger.get(own) as answer:
            assert answer.status == 200 and b"between us" not in await answer.read()
        async with stranger.get(own, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 403
    assert browser.slack.texts == ["between us"]


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "", "http://127.0.0.1:1"])
async def test_acts_come_from_the_page_alone(browser: Browser, origin: str) -> None:
    await browser.act("type", text="x", channel="general", origin=origin, status=403)
    assert browser.slack.texts == []


async def test_the_key_is_kept_where_no_script_and_no_other_site_gets_it(browser: Browser) -> None:
    status, _, headers = await browser.get(f"/?key={browser.page.key}")
    assert (status, headers["Location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=Strict"} <= {part.strip() for part in headers["Set-Cookie"].split(";")}


async def test_what_is_wrong_is_refused_and_does_nothing(browser: Browser) -> None:
    await browser.act("type", text="", channel="general", status=422)
    await browser.act("type", text="x", channel="general", more=1, status=422)
    await browser.act("type", text="x", channel="nowhere", status=409)
    await browser.act("type", text="x", channel="general", user=BOT, status=409)
    await browser.act("press", where={"ts": "1.0"}, action_id="a", block_id="b", status=409)
    headers = {"Origin": browser.page.url}
    async with browser.http.post(f"{browser.page.url}/acts/type", data="{}", headers=headers) as answer:
        assert answer.status == 415
    for path in ("/static/server.py", "/static/..%2Fserver.py", "/files/F1", "/acts/fly"):
        assert (await browser.get(path))[0] in (404, 405), path
    assert browser.slack.texts == []


async def test_what_is_typed_is_text(browser: Browser) -> None:
    await browser.act("type", text=f"{EVIL} @anna #deploys `@anna`", channel="general")
    message = await browser.said("alert")
    safe = EVIL.replace("<", "&lt;").replace(">", "&gt;")
    assert message["text"] == f"{safe} <@{ANNA}> <#C0DEPLOYS|deploys> `@anna`"


async def test_edits_threads_and_other_peoples_messages(browser: Browser) -> None:
    posted = await browser.call("chat.postMessage", channel="C0GENERAL", text="*before*")
    await browser.call("chat.postEphemeral", channel="C0GENERAL", user=BORIS, text="for Boris")
    assert (await browser.said("before"))["ts"] == posted["ts"]
    waiting = asyncio.create_task(browser.said("after"))
    await browser.call("chat.update", channel="C0GENERAL", ts=posted["ts"], text="after")
    assert (await waiting)["edited"]
    await browser.act("type", text="in it", channel="C0GENERAL", thread=posted["ts"])
    assert (await browser.said("1 reply"))["ts"] == posted["ts"]
    assert (await browser.said("in it"))["thread_ts"] == posted["ts"]
    assert (await browser.said("for Boris", user=BORIS))["is_ephemeral"]
    state = await browser.sees(lambda state: state)
    assert "for Boris" not in json.dumps(state) and "secret-plans" in json.dumps(state)
    assert "secret-plans" not in json.dumps(await browser.sees(lambda state: state, CAROL))


async def test_lines_that_are_no_message(browser: Browser) -> None:
    assert "/invite" in (await browser.act("type", text="/nothing", channel="general"))["failed"]
    assert "@ccb" in (await browser.act("type", text="/invite", channel="random"))["failed"]
    assert "threads" in (await browser.act("type", text="/ccb help", channel="general", thread="1.2"))["failed"]
    told = T("{command} does not work in threads. Mention the bot there instead: {example}",
             command="/ccb", example="@ccb help").render("ru")  # fmt: skip
    assert (await browser.act("type", text="/ccb", channel="general", thread="1.2", user=BORIS))["failed"] == told
    # No app is connected here.
    assert "dispatch_failed" in (await browser.act("type", text="/ccb help", channel="general"))["failed"]
    joined = asyncio.create_task(browser.sees(lambda state: state["channels"][2]["has_bot"]))
    assert not browser.slack.channel("random").is_member
    await browser.act("type", text="/invite @ccb", channel="random")
    assert await joined and browser.slack.channel("random").is_member
    assert browser.slack.texts == []


async def test_uploaded_images(browser: Browser) -> None:
    for number, data in enumerate([PNG, b"<svg onload=alert(1)>"]):
        wish = {"filename": "chart.png", "length": str(len(data)), "alt_txt": "12 events"}
        headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
        async with browser.http.post(browser.slack.url + "files.getUploadURLExternal", data=wish, headers=headers) as a:
            begun = await a.json()
        async with browser.http.post(begun["upload_url"], data=data) as answer:
            assert answer.status == 200
        await browser.call(
            "files.completeUploadExternal", files=[{"id": begun["file_id"], "title": "c"}], channel_id="C0GENERAL"
        )
        status, content, headers_ = await browser.get(f"/files/{begun['file_id']}")
        assert (status, headers_.get("Content-Type")) == (
            (200, "image/png") if number == 0 else (404, headers_["Content-Type"])
        )
        assert (content == PNG) == (number == 0)
    assert (await browser.said("12 events"))["files"][0]["alt_txt"] == "12 events"


async def test_the_words_follow_the_person(browser: Browser) -> None:
    _, english, _ = await browser.get("/setting?as=")
    _, russian, _ = await browser.get(f"/setting?as={BORIS}")
    anna, boris = json.loads(english), json.loads(russian)
    assert (anna["me"], anna["language"], boris["me"], boris["language"]) == (ANNA, "en", BORIS, "ru")
    assert boris["words"]["close"] == T("Close").render("ru") != anna["words"]["close"]
    known = [entry for door in load_doors() for entry in door.commands()]
    assert [one["text"] for one in anna["commands"]] == [*(f"/ccb {one.name}" for one in known), "/invite"]
    assert {one["summary"] for one in boris["commands"]} >= {one.summary.render("ru") for one in known}
    assert {one["title"] for one in anna["shortcuts"]} >= {"Trace this"}


@pytest.mark.slow
async def test_the_app_answers_what_is_typed_and_pressed(tmp_path: Path) -> None:
    async with SlackStandIn() as slack, opened(slack) as browser:
        tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url}
        async with running(tmp_path / "data", clock=SystemClock(), **tokens) as client:
            await slack.connected(2)
            assert await browser.act("type", text="/ccb help", channel="general") == {}
            helped = await browser.said("/ccb status")
            assert helped["is_ephemeral"]
            [button] = [
                (block["block_id"], one["action_id"])
                for block in helped["blocks"] if block["type"] == "actions"
                for one in block["elements"] if one["text"]["text"] == "/ccb health"
            ]  # fmt: skip
            where = {"ts": helped["ts"]}
            await browser.act("press", where=where, block_id=button[0], action_id=button[1])
            await browser.said("Look again")
            await browser.act("type", text="@ccb help status", channel="general", user=CAROL)
            await browser.said("/ccb status [integration]", user=CAROL)
            mention = await browser.said(f"<@{BOT}> help status")
            await browser.act("use", ts=mention["ts"], callback_id="trace_this")
            await browser.act("type", text="help")
            await browser.said("/ccb status", channel="")
            await browser.act("home")
            await _claims(browser, client.engine.report.claim_code)
        assert slack.refused == [] and slack.sockets.faults == []


async def _claims(browser: Browser, code: str | None) -> None:
    """Fill in a modal: a wrong code is refused beside its field, the right one closes it."""
    assert code is not None
    await browser.act("type", text="/ccb claim", channel="general")
    view = await browser.sees(
        lambda state: next((v for v in state["modals"] if any(b["type"] == "input" for b in v["blocks"])), None)
    )
    [field] = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    assert list((await browser.act("submit", view=view["id"]))["errors"]) == [field]
    wrong = await browser.act("submit", view=view["id"], values={field: "never"})
    assert wrong["errors"][field].startswith("A code looks like")
    assert await browser.act("submit", view=view["id"], values={field: code}) == {}
    await browser.sees(lambda state: not state["modals"] and "You are an admin now" in json.dumps(state))


def test_the_page_makes_nodes_and_never_markup() -> None:
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|document\.write|\beval\(|Function\(|"
        r"srcdoc|setHTML|\bstyle=|https?://(?!www\.w3\.org/2000/svg|docs\.slack\.dev)"
    )
    found = {path.name: forbidden.findall(path.read_text(encoding="utf-8")) for path in STATIC.iterdir()}
    assert not {name: what for name, what in found.items() if what}
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script[^>]*>(.*?)</script>", page) == [""] and not re.search(r"<style|\son\w+=", page)
    assert "unsafe" not in server._POLICY and "require-trusted-types-for 'script'" in server._POLICY


async def test_every_file_is_served_under_the_policy(browser: Browser) -> None:
    for path in STATIC.iterdir():
        address = "/" if path.name == "index.html" else f"/static/{path.name}"
        status, content, headers = await browser.get(address)
        assert status == 200 and content == path.read_bytes(), path
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_every_emoji_that_we_use_is_known() -> None:
    known = set(re.findall(r'\b"?([a-z0-9_+-]+)"?: "', (STATIC / "emoji.js").read_text(encoding="utf-8")))
    name = re.compile(r"(?<![\w:{}]):([a-z][a-z_]{2,}):(?![\w:{}/])")
    sources = [path.read_text(encoding="utf-8") for part in ("chatbot", "core") for path in (ROOT / part).rglob("*.py")]
    used = {
        found
        for source in sources if name.search(source)
        for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for found in name.findall(node.value)
    }  # fmt: skip
    assert {"red_circle", "hourglass_flowing_sand"} <= used
    assert used <= known, used - known


@given(st.text(alphabet=st.sampled_from("<>&@#|!`anora lgegchi")))
def test_only_names_that_are_there_get_a_meaning(text: str) -> None:
    known = names(SlackStandIn())
    made = sent(text, known)
    for meaning in known.values():
        made = made.replace(meaning, "")
    assert "<" not in made and ">" not in made and not re.search(r"&(?!lt;|gt;|amp;)", made)
