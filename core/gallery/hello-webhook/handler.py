"""Writes one line to the log for every webhook: its type, its message if it has one, and its top-level keys."""


def handle(event: dict, config: dict) -> list[dict]:
    if event["type"] in (config.get("ignore") or []):
        return []
    greeting = config.get("greeting") or "Hello"
    line = f"{greeting}! {event['type']} has arrived"
    payload = event["payload"]
    fields = {"event": event["id"]}
    if isinstance(payload, dict):
        fields["keys"] = sorted(payload)[:20]
        if payload.get("message"):
            line += f": {payload['message']}"
    return [{"type": "log", "message": line[:1000], "fields": fields}]
