"""What was changed between a delivery and its retries, or twice in a row."""

from __future__ import annotations

import time
from pathlib import Path

from tests.contexts import MovableClock
from tests.engines import running
from tests.packages import package
from tests.stand_ins.receiver import Received, receiving

LOG = """
def handle(event: dict, config: dict) -> list[dict]:
    return [{"type": "log", "message": "got " + str(event["payload"]["n"])}]
"""
LOGGED = [{"type": "log", "message": "got 0"}]


async def test_a_webhook_secret_sent_again_ends_no_rotation(tmp_path: Path) -> None:
    """PATCH webhook-secret repeated with the same secret (a client's retry) leaves the former one valid for its day."""
    async with running(tmp_path) as client:
        made = await client.install(package(LOG, "example.com", expected=LOGGED))
        old = await client.sign(made["id"], {"n": 1}, "by-old")
        for _ in range(2):
            await client.ask(
                "PATCH", f"/v1/integrations/{made['id']}/webhook-secret", {"secret": "whsec_" + "QUJD" * 8}
            )
        answer = await client.post(*old)
        assert answer.status == 202, answer.json


async def test_a_retry_goes_nowhere_that_is_no_longer_granted(tmp_path: Path) -> None:
    """The receiver's address and token are changed while an event waits for its retry: the stored action, which names
    the former host, is refused; the new token never goes there."""
    clock = MovableClock(float(int(time.time())))
    async with receiving() as former, receiving() as present:
        allow = f"{former.host},{present.host}".split(",")
        async with running(tmp_path, clock=clock, CCB_OUTBOUND_ALLOW=tuple(allow)) as client:

            async def fail(_: Received) -> int:
                return 500

            former.before_answer = fail
            made = await client.ask(
                "POST", "/v1/integrations",
                {
                    "gallery": "http-forward", "activate": True,
                    "config": {"target_url": f"http://{former.host}/in", "token": "former-token-0001"},
                },
                status=201,
            )  # fmt: skip
            answer = await client.deliver(made["id"], {"type": "a.b", "n": 1})
            event = await client.ended(answer.json["event_id"], "failed")
            await client.ask(
                "PATCH",
                f"/v1/integrations/{made['id']}/config",
                {"target_url": f"http://{present.host}/in", "token": "present-token-0002"},
            )
            clock.move(3600)
            await client.until(event["id"], lambda e: e["attempt"] == 2 and e["status"] != "processing")
            assert [r.authorization for r in former.received] == ["Bearer former-token-0001"]


async def test_fewer_attempts_do_not_hide_why_it_failed(tmp_path: Path) -> None:
    """An event that failed twice, whose integration then allows one attempt, is dead with its own reason."""
    clock = MovableClock(float(int(time.time())))
    async with receiving() as receiver, running(tmp_path, clock=clock, CCB_OUTBOUND_ALLOW=receiver.host) as client:

        async def fail(_: Received) -> int:
            return 500

        receiver.before_answer = fail
        url = f"http://{receiver.host}/"
        handler = "def handle(event: dict, config: dict) -> list[dict]:\n    return [{'type': 'http_request', 'url': 'http://HOST/'}]\n"
        made = await client.install(package(handler, receiver.host, expected=[{"type": "http_request", "url": url}]))
        answer = await client.deliver(made["id"], {"n": 1})
        event = await client.ended(answer.json["event_id"], "failed")
        await client.ask("PATCH", f"/v1/integrations/{made['id']}/config", {"retry_attempts": 1})
        clock.move(3600)
        event = await client.ended(event["id"], "dead")
        assert "worker went away" not in event["error"]["message"], event["error"]
