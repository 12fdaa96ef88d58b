"""`ccb demo` as a stranger runs it: a process of its own, with their real accounts in its settings."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from core.demo.stand_ins.slack import ANNA
from tests.e2e.engine import CCB, START_SECONDS, environment
from tests.stand_ins.receiver import receiving

pytestmark = pytest.mark.slow
SECRET = "real0123456789"


async def _asked(folder: Path, cwd: Path, *arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        str(CCB), *arguments, "--json", env=environment(folder), cwd=str(cwd), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(out)


async def test_the_demonstration_and_its_engine(tmp_path: Path) -> None:
    own, folder = tmp_path / "own", tmp_path / "demo"
    own.mkdir()
    async with receiving() as real:
        settings = {name: f"http://{real.host}" for name in ("GITHUB_API_URL", "ANTHROPIC_BASE_URL", "SLACK_API_URL")}
        settings |= {name: f"http://{real.host}" for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY")}
        settings |= {name: f"xoxb-{SECRET}" for name in ("SLACK_BOT_TOKEN", "GITHUB_TOKEN", "ANTHROPIC_API_KEY")}
        (own / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        process = await asyncio.create_subprocess_exec(
            str(CCB), "demo", "--json", "--folder", str(folder),
            env=environment(own / "data", **settings, CCB_LANGUAGE="ru"), cwd=str(own),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stdout is not None and process.stderr is not None
            async with asyncio.timeout(2 * START_SECONDS):
                line = await process.stdout.readline()
            assert line, (await process.stderr.read()).decode()
            told = json.loads(line)
            await _can_be_looked_at(told, folder, own)
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0 and err == b"", err.decode()
        assert not real.received
    assert [path.name for path in own.iterdir()] == [".env"]
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
    assert b"sentry-to-slack" in stored and SECRET.encode() not in stored


async def _can_be_looked_at(told: dict[str, Any], folder: Path, cwd: Path) -> None:
    assert told["story"][-1]["quote"].startswith("Новая ошибка в проекте shop")
    event = await _asked(folder, cwd, "trace", "last")
    [traced] = [one for one in told["story"] if one["step"] == "trace"]
    assert (event["id"], event["status"], event["integration"]) == (traced["event"], "succeeded", "sentry-to-slack")
    assert {one["integration"] for one in await _asked(folder, cwd, "events")} == {"sentry-to-slack", "ccb-github"}
    jar = aiohttp.CookieJar(unsafe=True)  # which takes cookies of an IP address
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        async with http.get(told["places"]["pull"]) as page:
            assert "Sentry в Slack" in await page.text()
        async with http.get(told["places"]["slack"]) as page:
            assert page.status == 200 and "key" not in str(page.url)
            origin = str(page.url.origin())
        line = {"user": ANNA, "text": "/ccb help", "channel": "general"}
        async with http.post(f"{origin}/acts/type", json=line, headers={"Origin": origin}) as answer:
            assert (answer.status, await answer.json()) == (200, {})
        async with asyncio.timeout(30), http.get(f"{origin}/live") as stream:
            while "Что я умею".encode() not in await stream.content.readline():
                pass
