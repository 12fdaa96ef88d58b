"""Tells a Slack channel that a GitLab pipeline failed, and which of its jobs."""

JOBS_SHOWN = 10


def handle(event: dict, config: dict) -> list[dict]:
    payload = event["payload"]
    pipeline = payload.get("object_attributes") or {}
    ref = pipeline.get("ref") or "an unknown branch"
    if pipeline.get("status") != "failed" or not wanted(ref, config.get("branches") or []):
        return []

    project = payload.get("project") or {}
    web_url = project.get("web_url") or ""
    path = project.get("path_with_namespace") or project.get("name") or "a project"
    number = f"#{pipeline.get('id', '?')}"
    pipeline_url = pipeline.get("url") or f"{web_url}/-/pipelines/{pipeline.get('id')}"
    failed = [
        job for job in payload.get("builds") or [] if job.get("status") == "failed" and not job.get("allow_failure")
    ]
    jobs = ", ".join(cut(job.get("name") or "a job", 60) for job in failed[:JOBS_SHOWN])
    text = f"Pipeline {number} failed on {esc(cut(ref, 100))} in {esc(path)}" + (f": {esc(jobs)}" if jobs else "")
    head = f"*Pipeline {link(pipeline_url, number)} failed* on `{esc(cut(ref, 100))}` in {link(web_url, esc(path))}"
    lines = [job_line(job, web_url) for job in failed[:JOBS_SHOWN]]
    if len(failed) > JOBS_SHOWN:
        lines.append(f"… and {len(failed) - JOBS_SHOWN} more")
    blocks = [section("\n".join([head, *lines]))]
    footer = about(payload)
    if footer:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": footer[:3000]}]})
    return [{"type": "slack_message", "channel": config["channel"], "text": text[:3000], "blocks": blocks}]


def wanted(ref: str, patterns: list[str]) -> bool:
    return not patterns or any(
        ref.startswith(pattern[:-1]) if pattern.endswith("*") else ref == pattern for pattern in patterns
    )


def job_line(job: dict, web_url: str) -> str:
    name = link(f"{web_url}/-/jobs/{job.get('id')}", esc(cut(job.get("name") or "a job", 60)))
    stage = f" in stage {esc(cut(job['stage'], 40))}" if job.get("stage") else ""
    why = f": {esc(job['failure_reason'].replace('_', ' '))}" if job.get("failure_reason") else ""
    return f"• {name}{stage}{why}"


def about(payload: dict) -> str:
    """Say whose commit it was, and which merge request."""
    commit = payload.get("commit") or {}
    title = commit.get("title") or ((commit.get("message") or "").strip().splitlines() or [""])[0]
    parts = []
    if title:
        parts.append(link(commit.get("url"), esc(cut(title, 100))))
    who = (commit.get("author") or {}).get("name") or (payload.get("user") or {}).get("name")
    if who:
        parts.append(f"by {esc(who)}")
    merge_request = payload.get("merge_request") or {}
    if merge_request.get("iid"):
        parts.append("merge request " + link(merge_request.get("url"), f"!{merge_request['iid']}"))
    seconds = (payload.get("object_attributes") or {}).get("duration")
    if isinstance(seconds, int) and seconds > 0:
        parts.append(f"after {seconds // 60} min {seconds % 60} s")
    return " · ".join(parts)


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def esc(text: object) -> str:
    """Make foreign text safe in Slack's mrkdwn: https://docs.slack.dev/messaging/formatting-message-text"""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(url: object, label: str) -> str:
    """Link `label`, which is escaped already, if `url` is an address that can stand in Slack's <url|label>."""
    if not isinstance(url, str) or not url.startswith(("https://", "http://")) or any(c in url for c in "|<> \n"):
        return label
    return f"<{url.replace('&', '&amp;')}|{label}>"


def section(text: str) -> dict:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}
