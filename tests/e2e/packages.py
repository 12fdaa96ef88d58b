"""Packages that the end-to-end tests install."""

from __future__ import annotations

import json
from typing import Any

FORWARD_TWICE = """
def handle(event: dict, config: dict) -> list[dict]:
    base = "http://HOST/"
    number = event["payload"]["n"]
    return [{"type": "http_request", "url": base + str(i), "json": {"n": number}} for i in range(2)]
"""


def package(handler: str, host: str, **manifest: Any) -> dict[str, Any]:
    """Return a package whose handler may send HTTP requests to `host`, with one sample that gives what it gives."""
    whole = {
        "name": "Forward",
        "slug": "forward",
        "runtime": 1,
        "source": {"kind": "standard-webhooks"},
        "capabilities": {"actions": ["http_request", "log"], "hosts": [host]},
        **manifest,
    }
    expected = [{"type": "http_request", "url": f"http://{host}/{i}", "json": {"n": 0}} for i in range(2)]
    sample = {"event": {"id": "msg_0", "type": "event", "payload": {"n": 0}}, "config": {}, "actions": expected}
    return {
        "files": {
            "integration.yaml": json.dumps(whole),  # JSON is YAML
            "handler.py": handler.replace("HOST", host),
            "samples/first.json": json.dumps(sample),
            "README.md": "# Forward\n",
        }
    }
