"""Tells a Slack channel what was pushed to a GitHub repository."""

COMMITS_SHOWN = 5


def handle(event: dict, config: dict) -> list[dict]:
    push = event["payload"]
    ref = push.get("ref") or ""
    branch = ref.removeprefix("refs/heads/")
    if branch == ref or push.get("deleted") or not wanted(branch, config.get("branches") or []):
        return []  # a tag, a deleted branch, or a branch that nobody asked for

    repository = push.get("repository") or {}
    name = esc(repository.get("full_name") or "a repository")
    who = esc((push.get("sender") or {}).get("login") or (push.get("pusher") or {}).get("name") or "Somebody")
    commits = push.get("commits") or []
    done = deed(push, commits)
    text = f"{who} {done} {esc(branch)} in {name}"
    head = f"*{who}* {link(push.get('compare'), done)} `{esc(branch)}` in {link(repository.get('html_url'), name)}"
    if commits:
        text += ": " + esc(subject(commits[-1]))
    blocks = [section(head)]
    lines = [commit_line(commit) for commit in commits[-COMMITS_SHOWN:]]
    if len(commits) > COMMITS_SHOWN:
        lines.append(f"… and {len(commits) - COMMITS_SHOWN} earlier")
    if lines:
        blocks.append(section("\n".join(lines)))
    return [{"type": "slack_message", "channel": config["channel"], "text": text[:3000], "blocks": blocks}]


def wanted(branch: str, patterns: list[str]) -> bool:
    return not patterns or any(
        branch.startswith(pattern[:-1]) if pattern.endswith("*") else branch == pattern for pattern in patterns
    )


def deed(push: dict, commits: list[dict]) -> str:
    if push.get("forced"):
        return "force-pushed"
    if not commits:
        return "created branch" if push.get("created") else "pushed"
    return "pushed 1 commit to" if len(commits) == 1 else f"pushed {len(commits)} commits to"


def commit_line(commit: dict) -> str:
    author = commit.get("author") or {}
    who = author.get("username") or author.get("name") or "unknown"
    sha = (commit.get("id") or "")[:7] or "commit"
    return f"• {link(commit.get('url'), sha)} {esc(subject(commit))} ({esc(who)})"


def subject(commit: dict) -> str:
    first = ((commit.get("message") or "").strip().splitlines() or ["no message"])[0]
    return first if len(first) <= 100 else first[:99] + "…"


def esc(text: object) -> str:
    """Make foreign text safe in Slack's mrkdwn: https://docs.slack.dev/messaging/formatting-message-text"""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(url: object, label: str) -> str:
    """Link `label`, which is escaped already, if `url` is an address that can stand in Slack's <url|label>."""
    if not isinstance(url, str) or not url.startswith("https://") or any(c in url for c in "|<> \n"):
        return label
    return f"<{url.replace('&', '&amp;')}|{label}>"


def section(text: str) -> dict:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}
