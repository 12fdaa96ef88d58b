"""The action `http_request`: one HTTP request to a host that the manifest lists."""

from __future__ import annotations

import base64
import re
from http import HTTPStatus
from typing import Literal, Self

import orjson
from multidict import CIMultiDict
from pydantic import Field, JsonValue, field_validator, model_validator

from core import retry_after
from core.context import Context
from core.effects import ACTIONS, Action, ActionParams, Call, Outcome
from core.errors import Invalid, Upstream
from core.grants import Grants, host_of, require
from core.outbound import Answer, parse_url
from core.texts import T, Text

KEPT = 500
"""Characters of an answer that the ledger keeps; an error shows the first `SHOWN`."""
SHOWN = 200

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110 §5.5
_ENGINES = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",  # another one than the URL's would reach where the manifest does not lead
        "idempotency-key",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class BasicAuth(ActionParams):
    """Credentials for the Basic scheme (RFC 7617)."""

    username: str
    password: str

    @field_validator("username")
    @classmethod
    def _no_colon(cls, value: str) -> str:
        if ":" in value:
            raise ValueError("must not contain a colon (RFC 7617)")
        return value


class HttpRequestParams(ActionParams):
    """What is sent, and where. Secrets may stand in headers, json, body and basic_auth."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str = Field(max_length=8000, description="http:// or https://, without user name and password.")
    headers: dict[str, str] = Field(default_factory=dict)
    json_: JsonValue = Field(None, alias="json", description="Sent as JSON. Null is the same as left out.")
    body: str | None = Field(None, description="Sent as it is, in place of json.")
    basic_auth: BasicAuth | None = None
    timeout_seconds: float = Field(10, gt=0, le=30)

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            parse_url(value)
        except Invalid as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("headers")
    @classmethod
    def _well_formed(cls, value: dict[str, str]) -> dict[str, str]:
        for name, content in value.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name[:60]!r} is not a header's name")
            if name.lower() in _ENGINES or name.lower().startswith("proxy-"):
                raise ValueError(f"{name} is set by the engine")
            if _CONTROL.search(content):
                raise ValueError(f"the value of {name} contains a line break or another control character")
        if len({name.lower() for name in value}) < len(value):
            raise ValueError("a header stands there twice, in upper and lower case")
        return value

    @model_validator(mode="after")
    def _exclusive(self) -> Self:
        if self.body is not None and self.json_ is not None:
            raise ValueError("json and body exclude each other")
        if self.basic_auth is not None and any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("basic_auth and the header Authorization exclude each other")
        return self


class HttpRequest(Action[HttpRequestParams]):
    """Sends through the guard of `core.outbound`; every status but 2xx is tried again by the event's policy."""

    name = "http_request"
    summary = T("Send an HTTP request.")
    repeats = T(
        "Sent again with the same Idempotency-Key header: a receiver that honours it does it once, "
        "another may do it twice."
    )
    params = HttpRequestParams
    secret_fields = frozenset({"headers", "json", "body", "basic_auth"})

    def permit(self, params: HttpRequestParams, grants: Grants) -> None:
        """The URL's host must be granted."""
        require(host_of(params.url), grants.hosts, noun="hosts")

    def target(self, params: HttpRequestParams) -> str:
        """Return the host."""
        return host_of(params.url)

    def secret_host(self, params: HttpRequestParams) -> str:
        """Return the host: a secret must be bound to it."""
        return host_of(params.url)

    async def run(self, ctx: Context, call: Call[HttpRequestParams]) -> Outcome:
        """Send it. Raises `Upstream` for every answer but 2xx, `Denied` for an address that is not public."""
        params = call.params
        headers, body = prepared(params, key=call.key)
        answer = await ctx.http.request(
            params.method, params.url, headers=headers, body=body, timeout=params.timeout_seconds
        )
        text = call.redact(answer.text)  # before it is cut: half a secret would not be found
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _failure(answer, text, host=self.target(params), now=ctx.clock.now())
        return Outcome(str(answer.status), {"status": answer.status, "text": text[:KEPT]})


def prepared(params: HttpRequestParams, *, key: str) -> tuple[CIMultiDict[str], bytes | None]:
    """Return the headers and the body to send; `key` is the effect's idempotency key."""
    headers = CIMultiDict(params.headers)
    # https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
    headers["Idempotency-Key"] = key
    if params.basic_auth is not None:
        pair = f"{params.basic_auth.username}:{params.basic_auth.password}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    if params.json_ is not None:
        headers.setdefault("Content-Type", "application/json")
        return headers, orjson.dumps(params.json_)
    if params.body is not None:
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        return headers, params.body.encode()
    return headers, None


def _failure(answer: Answer, text: str, *, host: str, now: float) -> Upstream:
    wait = None
    if answer.status in _LATER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait = retry_after.seconds(answer.headers.get("Retry-After"), now=now)
    return Upstream(_told(host, answer.status, text[:SHOWN].strip()), retry_after=wait, status=answer.status)


def _told(host: str, status: int, text: str) -> Text:
    if text:
        return T("{host} answered {status}: {text}", host=host, status=status, text=text)
    return T("{host} answered {status}.", host=host, status=status)


ACTIONS.add("http_request", HttpRequest())
