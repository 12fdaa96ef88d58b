"""The delivery that everything is measured with: a GitHub push of about 10 KB, signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

SECRET = "a-secret-of-the-benchmark"
SIGNATURE = "X-Hub-Signature-256"
EVENT = "push"


def payload(size: int) -> dict[str, Any]:
    """Return a push event that is `size` bytes of compact JSON, with as many commits as fit."""
    push: dict[str, Any] = {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": "f" * 40,
        "repository": {"id": 1, "full_name": "acme/shop", "private": True, "html_url": "https://example.com/acme/shop"},
        "pusher": {"name": "requester", "email": "requester@example.com"},
        "commits": [],
        "rest": "",
    }
    while _size(push) + _size(_commit(0)) + 10 < size:
        push["commits"].append(_commit(len(push["commits"])))
    push["rest"] = "." * (size - _size(push))
    return push


def dump(value: Any) -> bytes:
    """Return `value` as compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def sign(body: bytes, secret: str) -> str:
    """Return the signature header's value."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def request(path: str, body: bytes, secret: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the delivery id in the bytes of a whole request."""
    before = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: GitHub-Hookshot/bench\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX-GitHub-Event: {EVENT}\r\n"
        f"{SIGNATURE}: {sign(body, secret)}\r\nX-GitHub-Delivery: "
    )
    return before.encode(), b"\r\n\r\n" + body


def _commit(number: int) -> dict[str, Any]:
    return {
        "id": f"{number:040x}",
        "message": f"Commit {number}: say what is in the basket before asking for a card, and keep it afterwards",
        "timestamp": "2026-01-02T03:04:05Z",
        "url": f"https://example.com/acme/shop/commit/{number:040x}",
        "author": {"name": "Requester", "email": "requester@example.com", "username": "requester"},
        "added": ["shop/basket.py"],
        "removed": [],
        "modified": ["shop/card.py", "tests/shop/test_basket.py", "tests/shop/test_card.py"],
    }


def _size(value: Any) -> int:
    return len(dump(value))
