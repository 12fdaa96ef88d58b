"""What GitHub's refusals mean, in words for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gidgethub import HTTPException, InvalidField, RedirectionException, ValidationError

from core import retry_after
from core.errors import Upstream
from core.texts import T, Text

SECONDARY_LIMIT_WAIT = 60.0
"""Seconds to wait at a secondary limit that names none, GitHub's own advice
(https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api)."""
INTEGRATION_TOKEN = "github_token"  # noqa: S105 - the name of the setting, not its value
"""The key of an integration's configuration that holds its own token."""
_APP = "GITHUB_APP_ID"
"""The setting that is named for a GitHub App."""
_LIMIT = re.compile(r"rate limit|abuse detection", re.IGNORECASE)


def failure(error: HTTPException, *, what: str, credential: str, now: float) -> Upstream:
    """Return the `Upstream` for GitHub's answer `error`.

    `what`: the request, such as `POST /repos/a/b/issues`. `credential`: the setting that the token came from. `now`:
    seconds since the epoch, for the limits' times.
    """
    status = int(error.status_code)
    wait = _limit_wait(error, now=now)
    if wait is not None:
        return Upstream(
            T("GitHub's rate limit is used up. It takes requests again in {seconds} s.", seconds=round(wait)),
            retry_after=wait,
            status=status,
        )
    permanent = isinstance(error, InvalidField | ValidationError)
    return Upstream(
        _reason(error, status, what=what, credential=credential),
        retry_after=retry_after.seconds(error.headers.get("retry-after"), now=now),
        permanent=permanent,
        status=status,
        **_missing_rights(error.headers, status),
    )


def _missing_rights(headers: Mapping[str, str], status: int) -> dict[str, list[str]]:
    """Return the scopes (any of which would do) or the permissions that are surely missing.

    Of what is not there GitHub names the scope `repo` too, also to a token that needs none for a public repository.
    """
    if status not in (403, 404):
        return {}
    accepted, granted = _accepted_and_granted(headers)
    if accepted and not accepted & granted and not (status == 404 and "public_repo" in granted):
        return {"missing_scopes": sorted(accepted)}
    permissions = headers.get("x-accepted-github-permissions") if status == 403 else None
    return {"missing_permissions": [permissions]} if permissions else {}


def scopes(header: str | None) -> frozenset[str]:
    """Return the scopes in `X-OAuth-Scopes` or `X-Accepted-OAuth-Scopes`."""
    return frozenset(scope.strip() for scope in (header or "").split(",") if scope.strip())


def _limit_wait(error: HTTPException, *, now: float) -> float | None:
    """Return the seconds to wait at a primary or secondary limit, None when this is something else.

    Both come as 403 or 429; the secondary ones say so in the message alone, and not always with a Retry-After.
    """
    status, headers = int(error.status_code), error.headers
    if status not in (403, 429):
        return None
    asked = retry_after.seconds(headers.get("retry-after"), now=now)
    if asked is not None:
        return asked
    if headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - now) if reset.isdecimal() else SECONDARY_LIMIT_WAIT
    return SECONDARY_LIMIT_WAIT if status == 429 or _LIMIT.search(str(error)) else None


def _reason(error: HTTPException, status: int, *, what: str, credential: str) -> Text:
    if isinstance(error, RedirectionException):
        return T("GitHub redirects {what}: the repository was renamed or moved. Use its new name.", what=what)
    if status == 401 and credential == _APP:
        return T(
            "GitHub refuses the app: {credential} and GITHUB_APP_PRIVATE_KEY do not belong together, the key was "
            "deleted, or this machine's clock is wrong. Enter both again: ccb init github.",
            credential=credential,
        )
    if status == 401:
        return T(
            "GitHub refuses the token: {credential} is wrong, expired or revoked. {remedy}",
            credential=credential,
            remedy=T("Put a new one into the integration's configuration.")
            if credential == INTEGRATION_TOKEN
            else T("Make a new one: ccb init github."),
        )
    if status in (403, 404) and (lacking := _lacking(error.headers, what=what, credential=credential)):
        return lacking
    if status == 403:
        return _forbidden(error.headers, str(error), what=what, credential=credential)
    if status == 404:
        return T(
            "GitHub knows nothing at {what}: the name is wrong, or it is private and {credential} may not see it.",
            what=what,
            credential=credential,
        )
    if status == 422:
        return T("GitHub refuses the content of {what}: {reason}.", what=what, reason=str(error).rstrip("."))
    if status >= 500:
        return T("GitHub has trouble itself ({status}) with {what}. Try again later.", status=status, what=what)
    return T("GitHub answers {what} with {status}: {reason}.", what=what, status=status, reason=str(error).rstrip("."))


def _lacking(headers: Mapping[str, str], *, what: str, credential: str) -> Text | None:
    """Return that a scope is missing, where it is; what is private, GitHub hides by 404 instead of 403."""
    accepted, granted = _accepted_and_granted(headers)
    if not accepted or accepted & granted:
        return None
    return T(
        "{credential} lacks the scope for {what}: it needs {needed} and has {granted}. Add it to the token.",
        credential=credential,
        what=what,
        needed=" / ".join(sorted(accepted)),
        granted=", ".join(sorted(granted)) or "-",
    )


def _accepted_and_granted(headers: Mapping[str, str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the scopes that would do and those that a token has; none where it has permissions in their place."""
    if "x-oauth-scopes" not in headers:
        return frozenset(), frozenset()
    return scopes(headers.get("x-accepted-oauth-scopes")), scopes(headers.get("x-oauth-scopes"))


def _forbidden(headers: Mapping[str, str], message: str, *, what: str, credential: str) -> Text:
    # A fine-grained token or an app has no scopes; GitHub names the permission that would do.
    permissions = headers.get("x-accepted-github-permissions")
    if permissions:
        return T(
            "{credential} lacks the permission for {what}: it needs {needed}. Add it to the token or the app.",
            credential=credential,
            what=what,
            needed=permissions,
        )
    return T("GitHub forbids {what} to {credential}: {reason}.", what=what, credential=credential, reason=message)
