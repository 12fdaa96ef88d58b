"""The stand-in GitHub's pages: what is there, and that nothing which somebody wrote works on them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.demo.stand_ins.github import pages
from core.demo.stand_ins.github.hub import GitHubStandIn
from core.demo.stand_ins.github.pages import GitHubPages
from core.texts import T

REPOSITORY = "acme/app"


@dataclass
class Browser:
    """Somebody who looks at the pages."""

    hub: GitHubStandIn
    url: str
    http: aiohttp.ClientSession

    async def see(self, path: str, *, language: str = "en") -> str:
        """Return the page at a path."""
        async with self.http.get(f"{self.url}{path}", headers={"Accept-Language": language}) as answer:
            assert answer.status == 200 and "default-src 'none'" in answer.headers["Content-Security-Policy"]
            return await answer.text()

    async def status(self, path: str) -> int:
        """Return a path's status."""
        async with self.http.get(f"{self.url}{path}") as answer:
            return answer.status


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with GitHubStandIn() as hub, GitHubPages(hub) as shown, aiohttp.ClientSession() as http:
        yield Browser(hub, shown.url, http)


async def test_an_issue_with_its_comments(browser: Browser) -> None:
    number = browser.hub.open_issue(REPOSITORY, "A <title>", "It **matters**, see #1", ["bug"])["number"]
    browser.hub.comment(REPOSITORY, number, "<!-- ccb:request:int_1 -->\n### Seen <sub>small</sub>", as_user="dev")
    seen = await browser.see(f"/{REPOSITORY}/issues/{number}")
    for part in ("A &lt;title&gt;", "<strong>matters</strong>", '<a href="/acme/app/issues/1">#1</a>', "dev", "bug"):
        assert part in seen
    assert "<sub>small</sub>" in seen and "int_1" not in seen


async def test_a_pull_request_before_and_after_its_merge(browser: Browser) -> None:
    hub = browser.hub
    hub.push(REPOSITORY, "work", {"integrations/x/handler.py": "def handle():\n    return []\n", "README.md": None})
    number = hub.pulls.open(REPOSITORY, "work", "main", "Add x", "| a | b |\n| - | - |\n| c | d |", "ccb-bot")["number"]
    for state in ("open", "merged"):
        seen = await browser.see(f"/{REPOSITORY}/pull/{number}")
        for part in (
            "integrations/x/handler.py",
            "return []",
            "+2",
            "<td>c</td>",
            f'state {state}"',
            "<code>work</code>",
        ):
            assert part in seen
        if state == "open":
            hub.merge(REPOSITORY, number)
    assert T("merged").render("ru") in await browser.see(f"/{REPOSITORY}/pull/{number}", language="ru")


async def test_the_repository_and_the_way_around(browser: Browser) -> None:
    seen = await browser.see("/")
    assert f"/{REPOSITORY}/issues/1" in seen and "It is broken" in seen
    browser.hub.push(REPOSITORY, "work", {"a": "b\n"})
    pull = browser.hub.pulls.open(REPOSITORY, "work", "main", "Add a", "", "dev")["number"]
    assert "Add a" in await browser.see(f"/{REPOSITORY}/issues/{pull}")
    for path in ("/nobody/nothing", f"/{REPOSITORY}/issues/99", f"/{REPOSITORY}/issues/0", f"/{REPOSITORY}/tree/main"):
        assert await browser.status(path) == 404, path


@given(st.text(alphabet=st.sampled_from("<>scriptimgoneror=\"'&`*[]()!#-|\n 1javscript:")) | st.text())
def test_nothing_that_somebody_wrote_becomes_html_of_theirs(text: str) -> None:
    made = str(pages._markdown(f"{text}<script>alert(1)</script><img src=x onerror=alert(1)>", "a/b"))
    assert "<script" not in made.lower() and "<img src=x" not in made.lower() and 'href="javascript' not in made.lower()
