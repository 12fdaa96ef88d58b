"""Packages that tests install."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

FORWARD_TWICE = """
def handle(event: dict, config: dict) -> list[dict]:
    number = event["payload"]["n"]
    return [{"type": "http_request", "url": "http://HOST/" + str(i), "json": {"n": number}} for i in range(2)]
"""


def forwarded(host: str) -> list[dict[str, Any]]:
    """Return what FORWARD_TWICE gives for the sample's `{"n": 0}`."""
    return [{"type": "http_request", "url": f"http://{host}/{i}", "json": {"n": 0}} for i in range(2)]


def package(
    handler: str, host: str, *, expected: Sequence[Any] = (), config: Any = None, **manifest: Any
) -> dict[str, Any]:
    """Return a package whose handler may write log lines and send HTTP requests to `host`.

    It has one sample, with the payload `{"n": 0}` and `config`, that must give `expected`. HOST in `handler` becomes
    `host`.
    """
    whole = {
        "name": "Forward",
        "slug": "forward",
        "runtime": 1,
        "source": {"kind": "standard-webhooks"},
        "capabilities": {"actions": ["http_request", "log"], "hosts": [host]},
        **manifest,
    }
    event = {"id": "msg_0", "type": "event", "payload": {"n": 0}}
    return {
        "files": {
            "integration.yaml": json.dumps(whole),  # JSON is YAML
            "handler.py": handler.replace("HOST", host),
            "samples/first.json": json.dumps({"event": event, "config": config or {}, "actions": list(expected)}),
            "README.md": "# Forward\n",
        }
    }
