"""The repository's webhook to us: exactly one, set up so that its deliveries are taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from core.context import GitHubPort
from core.github import asking


async def ensure_hook(
    github: GitHubPort, repository: str, *, url: str, secret: str, events: Sequence[str]
) -> Literal["made", "changed", "there"]:
    """Let one active hook deliver at least `events` to `url` as JSON, signed with `secret`; return what was done.

    GitHub shows no secret, so it is set each time. A second hook to the same address is deleted: it would deliver
    everything twice.
    """
    path = f"/repos/{repository}/hooks"
    config = {"url": url, "content_type": "json", "insecure_ssl": "0", "secret": secret}
    ours = [hook async for hook in asking.each(github, path) if _same(hook["config"].get("url", ""), url)]
    if not ours:
        new = {"name": "web", "active": True, "events": sorted(events), "config": config}
        await github.request("POST", path, body=new)
        return "made"
    first, *others = sorted(ours, key=lambda hook: int(hook["id"]))
    heard = {event for hook in ours for event in hook["events"]}
    wanted = sorted(heard if "*" in heard else heard | set(events))
    for other in others:
        await github.request("DELETE", f"{path}/{other['id']}")
    await github.request("PATCH", f"{path}/{first['id']}", body={"active": True, "events": wanted, "config": config})
    return "changed" if others or not _fits(first, wanted, config) else "there"


def _fits(hook: dict[str, Any], events: list[str], config: dict[str, str]) -> bool:
    shown = hook["config"]
    return (
        hook["active"]
        and sorted(hook["events"]) == events
        and "secret" in shown
        and all(shown.get(key) == config[key] for key in ("url", "content_type", "insecure_ssl"))
    )


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")
