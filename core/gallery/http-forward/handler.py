"""Sends an event on to an HTTP endpoint. The token is a reference here; the engine puts the secret in its place."""


def handle(event: dict, config: dict) -> list[dict]:
    if not wanted(event["type"], config.get("types") or []):
        return []
    headers = {"X-Event-Id": event["id"], "X-Event-Type": event["type"]}
    if config.get("token"):
        headers["Authorization"] = "Bearer " + config["token"]
    return [
        {
            "type": "http_request",
            "method": "POST",
            "url": config["target_url"],
            "headers": headers,
            "json": event["payload"],
        }
    ]


def wanted(event_type: str, patterns: list[str]) -> bool:
    return not patterns or any(
        event_type.startswith(pattern[:-1]) if pattern.endswith("*") else event_type == pattern for pattern in patterns
    )
