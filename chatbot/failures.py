"""What Slack's error codes mean, in words for people. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError

from core import retry_after
from core.errors import Upstream
from core.texts import T, Text

INTEGRATION_TOKEN = "slack_token"  # noqa: S105 - the name of the setting, not its value
"""The key of an integration's configuration that holds its own token."""

_RATE_LIMIT_WAIT = 30.0
"""Seconds to wait at a rate limit that names none; Slack always does (https://docs.slack.dev/apis/web-api/rate-limits)."""
_BAD_TOKEN = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
)
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_SLACK_BROKEN = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
_BAD_CONTENT = frozenset(
    {
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
    }
)
"""What only another message can mend: posting the same one again cannot help."""


def failure(error: SlackApiError, *, credential: str, channel: str = "", now: float) -> Upstream:
    """Return the `Upstream` for Slack's refusal.

    `credential`: the setting that the token came from. `channel`: as the caller wrote it. `now`: seconds since the
    epoch, for Retry-After. `details` hold Slack's own code as `slack_error`.
    """
    answer = data(error)
    code, status, headers = str(answer.get("error", "")), _status(error), _headers(error)
    wait = retry_after.seconds(headers.get("Retry-After"), now=now)
    if status == 429 or code in _RATE_LIMITED:
        wait = _RATE_LIMIT_WAIT if wait is None else wait
        reason = T("Slack asks us to slow down. It takes messages again in {seconds} s.", seconds=round(wait))
        return Upstream(reason, retry_after=wait, slack_error=code or "ratelimited")
    if not code or status >= 500 or code in _SLACK_BROKEN:
        reason = T("Slack has trouble itself ({code}). Try again later.", code=code or status)
        return Upstream(reason, retry_after=wait, slack_error=code or str(status))
    return Upstream(
        _reason(code, answer, credential=credential, channel=channel), permanent=code in _BAD_CONTENT, slack_error=code
    )


def data(error: SlackApiError) -> Mapping[str, Any]:
    """Return the JSON that Slack answered, {} where it was none."""
    # Where the body cannot be read, slack_sdk hands over aiohttp's answer in place of its own.
    found = getattr(error.response, "data", None)
    return found if isinstance(found, dict) else {}


def _status(error: SlackApiError) -> int:
    return int(getattr(error.response, "status_code", 0) or getattr(error.response, "status", 0))


def _headers(error: SlackApiError) -> Mapping[str, str]:
    headers: Mapping[str, str] = getattr(error.response, "headers", {})
    return headers


def _reason(code: str, answer: Mapping[str, Any], *, credential: str, channel: str) -> Text:
    if code in _BAD_TOKEN:
        return _bad_token(code, credential)
    if code == "missing_scope":
        return T(
            "{credential} lacks the scope {needed} (it has {provided}). Add it to the Slack app (OAuth & Permissions → "
            "Scopes), then install the app again (Install App).",
            credential=credential,
            needed=answer.get("needed", "?"),
            provided=answer.get("provided", "?"),
        )
    if code in _BAD_CONTENT:
        return T("Slack refuses the message: {code}. {details}", code=code, details=_details(answer))
    about_channel = _about_channel(code, channel)
    return about_channel or T("Slack answers {code}. {details}", code=code, details=_details(answer))


def _bad_token(code: str, credential: str) -> Text:
    if credential == INTEGRATION_TOKEN:
        return T(
            "Slack refuses the integration's own {setting} ({code}). Put a new one into its configuration.",
            setting=credential,
            code=code,
        )
    return T("Slack refuses the token ({code}): {setting} is wrong. → ccb init slack", code=code, setting=credential)


def _about_channel(code: str, channel: str) -> Text | None:
    match code:
        case "not_in_channel":
            return T("I can't post to {channel}: I'm not in that channel. Type /invite @ccb there.", channel=channel)
        case "channel_not_found":
            return T(
                "I can't find {channel}. Check the name; if the channel is private, type /invite @ccb there.",
                channel=channel,
            )
        case "is_archived":
            return T("I can't post to {channel}: it is archived. Unarchive it or name another.", channel=channel)
        case "restricted_action" | "restricted_action_read_only_channel":
            return T("I can't post to {channel}: the workspace's settings forbid it.", channel=channel)
        case _:
            return None


def _details(answer: Mapping[str, Any]) -> str:
    """Return what Slack adds about a place in the message (`response_metadata.messages`, `errors`)."""
    messages = answer.get("errors") or (answer.get("response_metadata") or {}).get("messages") or []
    return json.dumps(messages, ensure_ascii=False)[:500] if messages else ""
