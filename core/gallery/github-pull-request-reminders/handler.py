"""Reminds reviewers in Slack of pull requests that wait for them.

GitHub sends one `review_requested` for each reviewer, also right after `opened`; so an opened pull request that has
reviewers is left to those, and what is a draft waits for `ready_for_review`. Nobody is told the same thing twice.
"""


def handle(event: dict, config: dict) -> list[dict]:
    payload = event["payload"]
    pull = payload.get("pull_request") or {}
    if pull.get("draft"):
        return []
    call = reminder(payload, pull, config.get("mentions") or {})
    if not call:
        return []
    repository = (payload.get("repository") or {}).get("full_name") or "a repository"
    title = esc(cut(f"{repository}#{pull.get('number', '?')} {pull.get('title') or ''}".strip(), 200))
    return [
        {
            "type": "slack_message",
            "channel": config["channel"],
            "text": f"{call}: {title}"[:3000],
            "blocks": [section(f"{call}: {link(pull.get('html_url'), title)}"), context(details(pull))],
        }
    ]


def reminder(payload: dict, pull: dict, mentions: dict) -> str:
    """Say what the pull request wants of whom, escaped; nothing if there is nobody to tell."""
    action = payload.get("action")
    waiting = [*(pull.get("requested_reviewers") or []), *(pull.get("requested_teams") or [])]
    names = ", ".join(mention(reviewer, mentions) for reviewer in waiting)
    if action == "review_requested":
        asked = payload.get("requested_reviewer") or payload.get("requested_team")
        return f"Review wanted from {mention(asked, mentions)}" if asked else ""
    if action == "closed":
        end = "Merged" if pull.get("merged") else "Closed without merging"
        return f"{end}, no review needed any more from {names}" if names else ""
    if action == "ready_for_review":
        return f"Ready, review wanted from {names}" if names else "Ready for review, no reviewer yet"
    if action == "reopened":
        return f"Reopened, review wanted from {names}" if names else "Reopened, no reviewer yet"
    if action == "opened" and not names:
        return "Opened, no reviewer yet"
    return ""


def mention(reviewer: dict, mentions: dict) -> str:
    """Mention a user or a team; GitHub's logins and slugs do not distinguish upper and lower case."""
    name = reviewer.get("login") or reviewer.get("slug") or reviewer.get("name") or "somebody"
    known = {login.lower(): slack_id for login, slack_id in mentions.items()}
    slack_id = known.get(name.lower())
    if not slack_id:
        return esc(name)
    return f"<!subteam^{slack_id}>" if slack_id.startswith("S") else f"<@{slack_id}>"


def details(pull: dict) -> str:
    author = (pull.get("user") or {}).get("login") or "unknown"
    parts = [f"by {esc(author)}"]
    if isinstance(pull.get("changed_files"), int):
        files = "1 file" if pull["changed_files"] == 1 else f"{pull['changed_files']} files"
        parts.append(f"+{pull.get('additions', 0)} −{pull.get('deletions', 0)} in {files}")
    head, base = (pull.get("head") or {}).get("ref"), (pull.get("base") or {}).get("ref")
    if head and base:
        parts.append(f"`{esc(cut(head, 100))}` → `{esc(cut(base, 100))}`")
    return " · ".join(parts)


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


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


def context(text: str) -> dict:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text[:3000]}]}
