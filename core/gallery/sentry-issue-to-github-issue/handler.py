"""Opens a GitHub issue for every new issue that Sentry finds.

What Sentry reports was often typed by a stranger, so it stands in code: there it mentions nobody and links nowhere.
"""


def handle(event: dict, config: dict) -> list[dict]:
    payload = event["payload"]
    issue = (payload.get("data") or {}).get("issue") or {}
    level = issue.get("level") or "error"
    if payload.get("action") != "created" or level not in (config.get("levels") or ["fatal", "error"]):
        return []

    title = one_line(issue.get("title") or "An issue without a title")
    short_id = issue.get("shortId") or "Sentry"
    project = (issue.get("project") or {}).get("name") or "unknown"
    facts = [f"- Project: {code(project)}", f"- Level: {code(level)}"]
    if issue.get("culprit"):
        facts.append(f"- Where: {code(issue['culprit'])}")
    if issue.get("firstSeen"):
        facts.append(f"- First seen: {issue['firstSeen'][:19].replace('T', ' ')} UTC")
    if issue.get("count"):
        facts.append(f"- So far: {issue['count']} events, {issue.get('userCount') or 0} users affected")
    parts = [f"Sentry found a new issue: {code(title)}", "\n".join(facts)]
    value = (issue.get("metadata") or {}).get("value")
    if value and one_line(value) not in title:
        parts.append("```text\n" + value.replace("```", "'''")[:4000] + "\n```")
    url = issue.get("web_url") or issue.get("permalink")
    if url:
        parts.append(f"[Open {short_id} in Sentry]({url})")
    return [
        {
            "type": "github_comment",
            "repository": config["repository"],
            "title": f"[{short_id}] {title}"[:250],
            "body": "\n\n".join(parts),
            "labels": config.get("labels") or [],
        }
    ]


def one_line(text: str) -> str:
    return " ".join(text.split())


def code(text: object) -> str:
    return "`" + one_line(str(text)).replace("`", "'")[:500] + "`"
