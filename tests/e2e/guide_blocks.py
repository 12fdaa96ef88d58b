"""What becomes of the guide's blocks that are no commands: examples of errors, texts, and the two scripts."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from core.demo.stand_ins.claude import LIMITED, Failure
from core.http.server import Server
from tests.contexts import context, settings
from tests.e2e.guide import Block
from tests.e2e.guide_checks import found
from tests.e2e.guide_house import House

Verdict = Callable[[House, Block], Awaitable[str]]


async def _post(url: str, *, headers: Any = None, body: bytes = b"{}") -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=headers) as answer:
        return answer.status, await answer.json()


def _same(example: dict[str, Any], answer: dict[str, Any]) -> None:
    """Every key of the example is there: `error` as it is, `message` at least at its beginning."""
    assert set(example) <= set(answer), f"{sorted(answer)} where {sorted(example)} was promised"
    assert answer["error"] == example["error"], f"error: {answer['error']!r}"
    assert answer.get("message", "").startswith(example.get("message", "")), f"message: {answer['message']!r}"


async def _bad_signature(house: House, example: dict[str, Any]) -> str:
    headers = {"X-GitHub-Event": "issues", "X-Hub-Signature-256": "sha256=" + "0" * 64}
    status, answer = await _post(f"{house.engine.address}/webhooks/{house.id}", headers=headers)
    assert status == 401
    _same(example, answer)
    return "401, as the example"


async def _inactive(house: House, example: dict[str, Any]) -> str:
    second = house.names['"id2"'].strip('"')
    url, headers, body = await house.engine.signed(second, {"action": "opened"}, "inactive-1")
    status, answer = await _post(url, headers=headers, body=body)
    assert status == 403
    _same(example, answer)
    return "403, as the example"


async def _fault(house: House, example: dict[str, Any]) -> str:
    """Nothing from outside makes the engine fail: so a server is asked that has no database behind it."""
    server = Server(context(given=settings(CCB_DATA_DIR=house.folder / "broken", CCB_PORT=0)))
    address = await server.start()
    try:
        status, answer = await _post(f"{address}/webhooks/{house.id}")
    finally:
        await server.stop()
    assert status == 500
    _same(example, answer)
    return "500, as the example"


async def _insufficient(house: House, example: dict[str, Any]) -> str:
    details = await _refusal(house, house.names["{issue-id}"])
    _same(example, details)
    assert all(isinstance(name, str) for name in details["missing_fields"])
    return f"as the example; missing: {', '.join(details['missing_fields'])}"


async def _conflict(house: House, example: dict[str, Any]) -> str:
    """Which conflicts there are is the engine's to say, in its own words."""
    details = await _asked_for(house, dependencies="python>=3.12, requests>=2")
    _same(example, details)
    assert [conflict.split(":")[0] for conflict in details["conflicts"]] == ["python>=3.12", "requests>=2"]
    return f"as the example; conflicts: {'; '.join(details['conflicts'])}"


async def _limited(house: House, example: dict[str, Any]) -> str:
    """Claude says how long to wait, and so does the engine."""
    seconds = int(example["retry_after"].removesuffix("s"))
    house.claude.answers.append(Failure(LIMITED.status, LIMITED.kind, LIMITED.message, retry_after=seconds))
    details = await _asked_for(house)
    _same(example, details)
    assert details["retry_after"] == example["retry_after"]
    return f"as the example; {details['retry_after']}"


async def _asked_for(house: House, **fields: str) -> dict[str, Any]:
    """Ask for an integration; return its error, by the guide's own way to it."""
    wish = {
        "service_name": "Sentry",
        "integration_type": "Webhook",
        "target_service": "Slack",
        "description": "Post each new error to the channel.",
    }
    made = await house.engine.ask("POST", "/v1/integrations", {"request": {**wish, **fields}}, status=201)
    path = f"/v1/integrations/{made['id']}"
    await house.engine.until(path, lambda answer: bool(answer["error_details"]))
    ran = await house.run(
        f'curl -s -H "Authorization: Bearer {house.key}" "{house.engine.address}{path}" | jq ".error_details"'
    )
    details: dict[str, Any] = ran.json
    return details


ERRORS: dict[str, Callable[[House, dict[str, Any]], Awaitable[str]]] = {
    "Rate limit exceeded": _limited,
    "Insufficient integration requirements": _insufficient,
    "Dependency conflict detected": _conflict,
    "Invalid webhook signature": _bad_signature,
    "Integration inactive": _inactive,
    "Processing failed": _fault,
}


async def example_of_an_error(house: House, block: Block) -> str:
    """Make the engine answer with this error, and compare."""
    example = json.loads(block.text)
    return await ERRORS[example["error"]](house, example)


async def _refusal(house: House, issue: str) -> dict[str, Any]:
    """Have an issue processed; return the error that names what it lacks, wherever the engine shows it."""
    answers: list[Any] = [await house.engine.ask("POST", f"/v1/issues/{issue}/reprocess", status=202)]
    answers.append(await house.engine.ask("GET", "/v1/integrations"))
    answers.append(await house.engine.ask("GET", f"/v1/issues/{issue}/logs"))
    for _ in range(50):
        for answer in answers:
            if refusals := found(answer, "error", "missing_fields"):
                return refusals[0]
        await asyncio.sleep(0.2)
        answers = [await house.engine.ask("GET", f"/v1/issues/{issue}/logs")]
    raise AssertionError(f"nothing says what the issue lacks: {str(answers)[:500]}")


async def _forms_of_an_issue(house: House, block: Block) -> str:
    """The wrong form lacks more than the right one, of which the example shows the beginning."""
    wrong, right = (part.strip() for part in re.split(r"^# [❌✅].*$", block.text, flags=re.MULTILINE)[1:])
    repository = house.hub.repositories[house.names["{owner}/{repo}"]]
    repository.issues[0] |= {"title": wrong, "body": wrong}
    second = house.hub.open_issue(house.names["{owner}/{repo}"], "Slack", right)
    lacking = [(await _refusal(house, issue))["missing_fields"] for issue in ("1", str(second["number"]))]
    assert set(lacking[1]) < set(lacking[0]), f"missing: {lacking}"
    return f"the first lacks {len(lacking[0])} fields, the second {len(lacking[1])}"


async def _steps_for_a_person(house: House, block: Block) -> str:
    assert all(re.match(rf"{n}\. \S", line) for n, line in enumerate(block.text.splitlines(), 1))
    return "words for a person, nothing to run"


async def _request_for_help(house: House, block: Block) -> str:
    """The files that it asks for are those that the guide's own commands have written."""
    wanted = re.findall(r"[\w-]+\.json", block.text)
    assert wanted and all((house.folder / name).exists() for name in wanted), f"not written: {wanted}"
    return f"its files are there: {', '.join(wanted)}"


TEXTS: dict[str, Verdict] = {
    "Интеграция не создается": _forms_of_an_issue,
    "Шаблон запроса в поддержку": _request_for_help,
}


async def text(house: House, block: Block) -> str:
    """Judge a block of words."""
    if re.match(r"\d+\. ", block.text):
        return await _steps_for_a_person(house, block)
    return await TEXTS[block.section](house, block)


async def addresses(house: House, block: Block) -> str:
    """The right form of a webhook's address is answered, the wrong ones are not there."""
    right, _, wrong = block.text.partition("❌")
    [good] = re.findall(r"https://\S+", house.filled(right)) or re.findall(r"http://\S+", house.filled(right))
    base, own = good.split("/webhooks/")
    assert own == house.id
    ends = re.findall(r"^\.\.\.(/\S+)", wrong, re.MULTILINE)
    assert len(ends) == 2, wrong
    async with aiohttp.ClientSession() as http:
        tried = [good, *(base + (end if not end.endswith("/...") else end.replace("...", own)) for end in ends)]
        statuses = []
        for url in tried:
            async with http.get(url) as answer:
                statuses.append(answer.status)
    assert statuses == [200, 404, 404], f"{tried}: {statuses}"
    return "the right one is answered 200, the wrong ones 404; HTTPS is the proxy's"


async def cell(house: House, block: Block) -> str:
    """Ask for what a table names by its path alone; without its version it leads to the one with it."""
    method, _, path = house.filled(block.text).partition(" ")
    headers = {"Authorization": f"Bearer {house.key}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.request(method, house.engine.address + path, allow_redirects=False) as answer:
            assert answer.status == 308, f"HTTP {answer.status}"
            assert answer.headers["Location"].endswith(f"/v1{path}"), answer.headers["Location"]
        async with http.request(method, house.engine.address + path) as answer:
            assert answer.status == 200, f"HTTP {answer.status}"
    return f"308 to /v1{block.text.partition(' ')[2]}, then 200"


async def health_check(house: House, script: Path) -> str:
    """Run the script with bash, with and without its arguments."""
    code, out, _ = await house.shell("bash", script.name)
    assert code == 1 and "Usage" in out
    rate = f"/v1/integrations/{house.id}/metrics?metric=error_rate&from=1h"
    await house.engine.until(rate, lambda answer: answer["value"], seconds=15)  # counted a little later
    code, out, err = await house.shell("bash", script.name, house.id, house.key)
    assert code == 0 and not err, err
    assert "null" not in out and '"error"' not in out, out
    sections = dict(re.findall(r"^(\d)\. [^\n]*:\n(.*?)(?=^\d\. |\Z)", out, re.DOTALL | re.MULTILINE))
    assert '"active"' in sections["1"] and re.search(r'"\d{4}-\d\d-\d\dT', sections["1"]), out
    assert isinstance(json.loads(sections["2"]), list)
    assert len(re.findall(r'"issues\.\w+"', sections["3"])) == 3, out
    assert float(sections["4"]) > 0, "an event has failed"
    assert sections["5"].startswith("200"), out
    return "all five sections say something, exit 0; usage without arguments, exit 1"


async def trace_event(house: House, script: Path) -> str:
    """Run the script with Python: on an event that went well, one that failed, none, and without arguments."""
    events = await house.engine.ask("GET", f"/v1/integrations/{house.id}/events")
    good = next(event["id"] for event in events if event["status"] == "succeeded")
    bad = next(event["id"] for event in events if event["status"] in ("dead", "failed"))

    async def run(*arguments: str) -> tuple[int, str]:
        code, out, err = await house.shell(sys.executable, script.name, *arguments)
        assert not err, err
        return code, out

    code, out = await run()
    assert code == 1 and "Usage" in out
    assert "Event not found: 404" in (await run(house.id, "evt_none", house.key))[1]
    code, out = await run(house.id, good, house.key)
    assert code == 0 and "✅" in out and "❌" not in out and "N/A" not in out, out
    code, out = await run(house.id, bad, house.key)
    assert code == 0 and "❌" in out and re.search(r"Error: \S", out) and "None" not in out, out
    return "traces an event that went well and one that failed; usage without arguments, exit 1"


SCRIPTS: dict[str, Callable[[House, Path], Awaitable[str]]] = {
    "health-check.sh": health_check,
    "trace-event.py": trace_event,
}


async def script(house: House, block: Block) -> str:
    """Write a script down as printed, but for its hosts, and run it."""
    assert block.script is not None
    path = house.folder / block.script
    path.write_text(house.filled(block.text), encoding="utf-8")
    return await SCRIPTS[block.script](house, path)
