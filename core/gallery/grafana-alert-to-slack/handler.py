"""Puts Grafana's alerts into a Slack channel: one message for each group that Grafana sends."""

ALERTS_SHOWN = 10
STATES = {"firing": ":red_circle: Firing", "resolved": ":large_green_circle: Resolved"}


def handle(event: dict, config: dict) -> list[dict]:
    group = event["payload"]
    alerts = sorted(group.get("alerts") or [], key=lambda alert: alert.get("status") == "resolved")
    firing = [alert for alert in alerts if alert.get("status") != "resolved"]
    if not alerts or (not firing and config.get("resolved") is False):
        return []

    hidden = len(alerts[ALERTS_SHOWN:]) + (group.get("truncatedAlerts") or 0)
    blocks = [section(alert_text(alert)) for alert in alerts[:ALERTS_SHOWN]]
    footer = [f"{hidden} more in this group"] if hidden else []
    footer.append(link(group.get("externalURL"), "Open Grafana"))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": " · ".join(footer)}]})
    return [
        {
            "type": "slack_message",
            "channel": config["channel"],
            "text": f"{counted(len(firing), len(alerts) - len(firing))}: {esc(names(alerts))}",
            "blocks": blocks,
        }
    ]


def counted(firing: int, resolved: int) -> str:
    parts = [f"{firing} firing"] if firing else []
    if resolved:
        parts.append(f"{resolved} resolved")
    return "Grafana, " + " and ".join(parts)


def names(alerts: list[dict]) -> str:
    different: list[str] = []
    for alert in alerts:
        if name(alert) not in different:
            different.append(name(alert))
    return cut(", ".join(different), 200)


def name(alert: dict) -> str:
    """Name the alert by its rule: for missing data and errors `alertname` is only DatasourceNoData or the like."""
    labels = alert.get("labels") or {}
    return str(labels.get("rulename") or labels.get("alertname") or "an alert without a name")


def alert_text(alert: dict) -> str:
    labels = alert.get("labels") or {}
    notes = alert.get("annotations") or {}
    lines = [f"*{STATES.get(alert.get('status') or 'firing', 'Unknown')}: {esc(cut(name(alert), 150))}*"]
    summary = notes.get("summary") or notes.get("description")
    if summary:
        lines.append(esc(cut(str(summary), 300)))
    values = alert.get("values") or {}
    if values:
        lines.append(cut(esc(", ".join(f"{key} = {short(value)}" for key, value in sorted(values.items()))), 200))
    others = [f"{key}={labels[key]}" for key in sorted(labels) if key not in ("alertname", "rulename")]
    if others:
        lines.append(f"`{esc(cut(', '.join(others), 200)).replace('`', '')}`")
    links = [
        link(alert.get("generatorURL"), "Rule"),
        link(alert.get("panelURL") or alert.get("dashboardURL"), "Dashboard"),
        link(notes.get("runbook_url"), "Runbook"),
        link(alert.get("silenceURL") if alert.get("status") != "resolved" else None, "Silence"),
    ]
    lines.append(" · ".join(found for found in links if found.startswith("<")))
    return "\n".join(line for line in lines if line)


def short(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.3g}"


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def esc(text: object) -> str:
    """Make foreign text safe in Slack's mrkdwn: https://docs.slack.dev/messaging/formatting-message-text"""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def link(url: object, label: str) -> str:
    """Link `label` if `url` is an address that can stand in Slack's <url|label>. Grafana often has no TLS inside."""
    if not isinstance(url, str) or not url.startswith(("https://", "http://")) or any(c in url for c in "|<> \n"):
        return label
    return f"<{url.replace('&', '&amp;')}|{label}>"


def section(text: str) -> dict:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}
