"""Channels through apprise: real servers are told, private ones are not reached, and no secret is shown anywhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from core import channels
from core.channels import CHANNELS, Message, Picture
from core.channels.apprise import SERVICES
from core.errors import Invalid
from storage import channel_addresses as rows
from tests.engines import Client, running
from tests.packages import package
from tests.stand_ins.receiver import Received, Receiver, receiving

HANDLER = "def handle(event: dict, config: dict) -> list[dict]:\n    return []\n"
PATH = "/v1/integrations/forward/alerts"
SECRET = "s3cret-t0ken-of-ours"
RULE: dict[str, Any] = {"name": "Slow", "condition": "latency_p95 > 2s"}


@asynccontextmanager
async def house(folder: Path, *allowed: str) -> AsyncIterator[Client]:
    async with running(folder, CCB_OUTBOUND_ALLOW=allowed) as client:
        await client.install(package(HANDLER, "example.com"))
        yield client


async def told(client: Client, address: str) -> Any:
    found = await client.ask("POST", f"{PATH}/test", {"notification_channel": address})
    (result,) = found["results"]
    return result


async def put(client: Client, *addresses: str, status: int = 200) -> Any:
    rule = {**RULE, "notification_channels": list(addresses)}
    found = await client.ask("PUT", PATH, {"rules": [rule]}, status=status)
    return found["rules"][0]["notification_channels"] if status == 200 else found


def answering(status: int) -> Callable[[Received], Awaitable[int]]:
    async def answer(_: Received) -> int:
        return status

    return answer


async def test_what_apprise_sends_and_what_it_says_of_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with receiving() as receiver, house(tmp_path, receiver.host) as client:
        address = f"json://user:{SECRET}@{receiver.host}/hooks/{SECRET}?-x=y"
        result = await told(client, address)
        assert result == {"channel": "json://••••", "delivered": True, "detail": "Sent to JSON."}
        (got,) = receiver.received
        body = json.loads(got.body)
        assert got.path == f"/hooks/{SECRET}" and body["title"] == "Test of the alerts of Forward"
        assert "Nothing is wrong" in body["message"] and got.authorization is not None

        await told(client, f"form://{receiver.host}/form")
        assert parse_qs(receiver.received[-1].body.decode())["title"] == ["Test of the alerts of Forward"]
        await told(client, f"xml://{receiver.host}/xml")
        assert b"Test of the alerts of Forward" in receiver.received[-1].body
        assert (await told(client, f"mmost://{receiver.host}/{SECRET}"))["delivered"] is True
        assert receiver.received[-1].path == f"/hooks/{SECRET}" and b"Nothing is wrong" in receiver.received[-1].body

        await _failures(client, receiver, address)
        await _rules(client, receiver, address)
    assert SECRET not in "".join(capfd.readouterr())


async def _failures(client: Client, receiver: Receiver, address: str) -> None:
    receiver.before_answer, receiver.answer = answering(404), json.dumps({"message": f"no hook {SECRET} here"})
    result = await told(client, address)
    assert (result["delivered"], result["detail"]) == (False, "JSON answers 404: no hook ••• here")
    receiver.before_answer, receiver.answer = answering(500), f"<html><b>broken</b> {SECRET}</html>"
    assert (await told(client, address))["detail"] == "JSON answers 500: broken •••"
    before = len(receiver.received)
    receiver.before_answer = answering(302)
    receiver.headers["Location"] = f"http://{receiver.host}/elsewhere"
    assert "Redirects are not followed" in (await told(client, address))["detail"]
    assert len(receiver.received) == before + 1
    receiver.before_answer = None
    port = receiver.host.partition(":")[2]
    assert "127.0.0.1, which is not a public address" in (await told(client, f"json://localhost:{port}/x"))["detail"]
    assert len(receiver.received) == before + 1, "the name is not what was allowed, and nothing was sent"


async def _rules(client: Client, receiver: Receiver, address: str) -> None:
    """Put an address into a rule: what is shown is a name, which can be put back and used elsewhere."""
    (name,) = await put(client, address)
    assert name.startswith("json://127.0.0.1/••••") and SECRET not in name
    assert await put(client, name) == [name]
    assert await put(client, address, name) == [name], "the same address has the same name"
    shown = json.dumps([await client.ask("GET", PATH), await client.ask("GET", "/v1/changelog")], ensure_ascii=False)
    assert shown.count(name) >= 2
    assert SECRET not in shown
    count = len(receiver.received)
    assert (await told(client, name)) == {"channel": name, "delivered": True, "detail": f"Sent to JSON ({name})."}
    assert len(receiver.received) == count + 1 and receiver.received[-1].path == f"/hooks/{SECRET}"
    row = await client.engine.ctx.db.read(rows.named, name)
    assert row is not None and SECRET not in row.sealed and client.engine.ctx.secrets.decrypt(row.sealed) == address
    for wrong in ("json://••••000000", "json://127.0.0.1/••••ffffff"):
        found = await put(client, wrong, status=422)
        assert found["path"] == "rules.0.notification_channels.0" and wrong in found["message"]
    found = await put(client, f"tgram://{SECRET}", status=422)
    assert "tgram://123456789:bot-token/chat-id" in found["message"] and SECRET not in json.dumps(found)


async def test_private_addresses_are_not_reached(tmp_path: Path) -> None:
    async with receiving() as receiver, house(tmp_path) as client:
        port = receiver.host.partition(":")[2]
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "169.254.169.254"):
            result = await told(client, f"json://{host}:{port}/{SECRET}")
            assert result["delivered"] is False, host
            assert "not a public address" in result["detail"] or "resolved" in result["detail"], result
            assert SECRET not in json.dumps(result)
        assert receiver.received == []
        result = await told(client, f"json://nothing.invalid/{SECRET}")
        assert "cannot be resolved" in result["detail"] and SECRET not in json.dumps(result)


async def test_only_an_admin_puts_an_address_in_and_others_use_its_name(tmp_path: Path) -> None:
    async with receiving() as receiver, house(tmp_path, receiver.host) as client:
        address = f"json://{receiver.host}/{SECRET}"
        (name,) = await put(client, address)
        wish = {"name": "w", "permissions": ["alerts.read", "alerts.write"]}
        made = await client.ask("POST", "/v1/auth/tokens", wish, status=201)
        headers = {"Authorization": f"Bearer {made['token']}"}
        base = client.engine.report.address
        for channel, status in ((f"json://{receiver.host}/other", 403), (name, 200)):
            rules = {"rules": [{**RULE, "notification_channels": [channel]}]}
            async with client.public.put(f"{base}{PATH}", json=rules, headers=headers) as answer:
                assert answer.status == status, await answer.text()
            body = {"notification_channel": channel}
            async with client.public.post(f"{base}{PATH}/test", json=body, headers=headers) as answer:
                assert answer.status == status, await answer.text()
        assert len(receiver.received) == 1


async def test_a_slow_service_is_given_up_and_a_chart_goes_along(tmp_path: Path) -> None:
    async with receiving() as receiver, house(tmp_path, receiver.host) as client:
        ctx, target = client.engine.ctx, channels.parse(f"json://{receiver.host}/x")
        message = Message("k", "Subject", "Text", picture=Picture(b"\x89PNG", "what it shows"))
        await CHANNELS.get("json").send(ctx, target, message)
        (attached,) = json.loads(receiver.received[-1].body)["attachments"]
        assert attached["base64"] == "iVBORw==" and attached["mimetype"] == "image/png"
        held = asyncio.Event()

        async def hold(_: Received) -> int:
            await held.wait()
            return 200

        receiver.before_answer = hold
        result = await told(client, f"json://{receiver.host}/{SECRET}")
        held.set()
        assert result["detail"] == f"http://{receiver.host} did not answer within 10 s."


@pytest.mark.parametrize("scheme", SERVICES)
def test_every_form_is_an_address_that_shows_nothing(scheme: str) -> None:
    form = SERVICES[scheme].form
    target = channels.parse(form)
    assert (str(target), target.hidden) == (f"{scheme}://••••", form)
    assert form.partition("://")[2] not in repr(target)
    with pytest.raises(Invalid, match="Write"):
        channels.parse(scheme)


@pytest.mark.parametrize(
    "address",
    [
        "discord://", "discord://a b", "discord://a\nb", "json://host:port/x", "json://[::1/x", "json://••••",
        "json://••••12345", "json://host/x?verify=no", "discord://a/b?template=/etc/passwd", "json://h?redirect=yes",
        "json://h?%76erify=no", "file:///etc/passwd", "exec://x", "mailto://u:p@host", "syslog://", "mqtt://host/x",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(Invalid) as caught:
        channels.parse(address)
    assert "/etc/passwd" not in str(caught.value)
