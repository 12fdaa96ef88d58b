from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from core import references
from core.actions.http_request import HttpRequestParams, prepared
from core.context import Context
from core.effects import ACTIONS, Call, Outcome, Planned, fill, plan
from core.errors import CcbError, Denied, Invalid, Upstream
from core.grants import Grants, host_of
from core.outbound import Outbound
from core.redaction import REDACTED, Redactor

NOW = 1_700_000_000.0
MADE = references.make(["token"])
OWN = {reference: name for name, reference in MADE.items()}
TOKEN = "s3cr3t-0123456789"
URL = "https://api.example.com/x"
GRANTS = Grants(
    actions=frozenset({"http_request", "log"}),
    hosts=frozenset({"api.example.com", "other.example"}),
    secrets={"token": frozenset({"api.example.com"})},
)


@dataclass
class Receiver:
    """Keeps what it got, and answers what it is told to."""

    status: int = 200
    text: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((request.method, headers, await request.read()))
        return web.Response(status=self.status, text=self.text, headers=self.headers)


@dataclass(frozen=True)
class Still:
    """A clock that stands."""

    def now(self) -> float:
        return NOW


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def send(receiver: Receiver) -> AsyncIterator[Callable[..., Any]]:
    application = web.Application()
    application.router.add_route("*", "/", receiver.answer)
    server = TestServer(application)
    await server.start_server()
    async with Outbound([f"127.0.0.1:{server.port}"]) as http:
        nothing = cast(Any, None)
        ctx = Context(
            settings=nothing, db=nothing, clock=Still(), secrets=nothing, http=http, sandbox=nothing, github=nothing
        )

        async def run(redact: Callable[[str], str] = str, **params: Any) -> Outcome:
            action = ACTIONS.get("http_request")
            call: Call[Any] = Call(
                params=action.params.model_validate({"url": str(server.make_url("/")), **params}),
                grants=GRANTS,
                integration_id="int_1",
                integration_name="x",
                event_id="evt_1",
                key="evt_1:1:0",
                redact=redact,
            )
            return await action.run(ctx, call)

        yield run
    await server.close()


Send = Callable[..., Any]


async def test_json_is_sent_with_the_idempotency_key(send: Send, receiver: Receiver) -> None:
    receiver.status, receiver.text = 201, "made"
    outcome = await send(json={"a": "б"}, headers={"X-A": "1"})
    assert outcome == Outcome("201", {"status": 201, "text": "made"})
    method, headers, body = receiver.got[0]
    assert (method, body) == ("POST", '{"a":"б"}'.encode())
    assert headers["idempotency-key"] == "evt_1:1:0"
    assert headers["content-type"] == "application/json"
    assert headers["x-a"] == "1"


async def test_other_bodies_and_credentials(send: Send, receiver: Receiver) -> None:
    await send(method="PUT", body="тело", basic_auth={"username": "me", "password": "a:b"})
    await send(body="<a/>", headers={"content-type": "application/xml"})
    await send(method="DELETE")
    (_, first, body), (_, second, _), (method, third, none) = receiver.got
    assert body == "тело".encode()
    assert first["authorization"] == "Basic " + base64.b64encode(b"me:a:b").decode()
    assert first["content-type"] == "text/plain; charset=utf-8"
    assert second["content-type"] == "application/xml"
    assert (method, none) == ("DELETE", b"")
    assert "content-type" not in third


@pytest.mark.parametrize(
    ("status", "wait"),
    [(408, 7.0), (425, 7.0), (429, 7.0), (500, 7.0), (503, 7.0), (400, None), (404, None), (304, None), (300, None)],
)
async def test_every_other_status_is_tried_again(
    send: Send, receiver: Receiver, status: int, wait: float | None
) -> None:
    receiver.status, receiver.text, receiver.headers = status, "x" * 300, {"Retry-After": "7"}
    with pytest.raises(Upstream) as raised:
        await send(json={})
    assert raised.value.retry_after == wait
    assert not raised.value.permanent
    assert raised.value.details == {"status": status}
    shown = "." if status == 304 else ": " + "x" * 200
    assert str(raised.value) == f"127.0.0.1:{_port(raised.value)} answered {status}{shown}"


def _port(error: CcbError) -> str:
    return str(dict(error.message.values)["host"]).rpartition(":")[2]


async def test_retry_after_as_a_date(send: Send, receiver: Receiver) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": "Tue, 14 Nov 2023 22:14:20 GMT"}
    with pytest.raises(Upstream) as raised:
        await send()
    assert raised.value.retry_after == 60.0


async def test_the_answer_is_kept_short_and_redacted_before_it_is_cut(send: Send, receiver: Receiver) -> None:
    receiver.text = "x" * 490 + TOKEN + "y" * 490
    outcome = await send(redact=Redactor([TOKEN]).text)
    assert outcome.answer["text"] == "x" * 490 + REDACTED + "y" * 7
    receiver.status, receiver.text = 400, "x" * 195 + TOKEN
    with pytest.raises(Upstream) as raised:
        await send(redact=Redactor([TOKEN]).text)
    assert str(raised.value).endswith("x" * 195 + REDACTED)


async def test_an_address_that_is_not_public(send: Send) -> None:
    with pytest.raises(Denied, match="CCB_OUTBOUND_ALLOW"):
        await send(url="http://127.0.0.1:1/")


def _plan(**params: Any) -> list[Planned]:
    return plan([{"type": "http_request", **params}], GRANTS, OWN)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({}, "url"),
        ({"url": "ftp://api.example.com"}, "url: This is not an address"),
        ({"url": "https://u:p@api.example.com"}, "user name or password"),
        ({"url": URL, "json": 1, "body": "x"}, "exclude each other"),
        ({"url": URL, "headers": {"Host": "evil.example"}}, "Host is set by the engine"),
        ({"url": URL, "headers": {"proxy-authorization": "x"}}, "set by the engine"),
        ({"url": URL, "headers": {"Idempotency-Key": "x"}}, "set by the engine"),
        ({"url": URL, "headers": {"X-A": "a\r\nX-B: c"}}, "line break"),
        ({"url": URL, "headers": {"X A": "a"}}, "not a header's name"),
        ({"url": URL, "headers": {"X-A": "a", "x-a": "b"}}, "twice"),
        ({"url": URL, "headers": {"X-A": 1}}, "headers.X-A"),
        ({"url": URL, "basic_auth": {"username": "a:b", "password": "x"}}, "colon"),
        (
            {"url": URL, "basic_auth": {"username": "a", "password": "x"}, "headers": {"authorization": "x"}},
            "Authorization exclude",
        ),
        ({"url": URL, "timeout_seconds": 31}, "timeout_seconds"),
        ({"url": URL, "timeout_seconds": 0}, "timeout_seconds"),
        ({"url": URL, "method": "TRACE"}, "method"),
        ({"url": URL, "json": {"a": {1}}}, "not JSON"),
        ({"url": URL, "json": {"a": [float("nan")]}}, "a.0: Input should be a finite number"),
        ({"url": URL, "json": 2**70}, "not JSON"),
        ({"url": URL, "json": "\ud800"}, "not JSON"),
        ({"url": URL, "more": 1}, "more"),
    ],
)
def test_wrong_parameters_are_named(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid) as raised:
        _plan(**wrong)
    assert "Action 1 (http_request)" in str(raised.value)
    assert says in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://api.example.com:8443/",
        "https://api.example.com.evil.example/",
        "https://evil.example/#https://api.example.com/",
        "https://evil.example?api.example.com",
        "https://evil.example/@api.example.com",
    ],
)
def test_only_listed_hosts(url: str) -> None:
    with pytest.raises(Denied, match=r"capabilities\.hosts"):
        _plan(url=url)
    assert _plan(url="HTTPS://API.Example.com.:443/x")


@pytest.mark.parametrize(
    ("granted", "url"),
    [
        ("https://пример.рф:8443/x", "https://xn--e1afmkfd.xn--p1ai:8443/y"),
        ("xn--e1afmkfd.xn--p1ai", "http://ПРИМЕР.РФ/"),
        ("[::1]:9000", "http://[0:0::1]:9000/"),
        ("API.example.com.", "https://api.example.com:443/"),
    ],
)
def test_a_host_is_the_same_however_it_is_written(granted: str, url: str) -> None:
    grants = Grants(actions=frozenset({"http_request"}), hosts=frozenset({host_of(granted)}))
    assert plan([{"type": "http_request", "url": url}], grants)


@given(st.text(alphabet="ab.:/@?#[]\\ \t%0。", max_size=12))
def test_the_host_that_is_judged_is_the_host_that_is_asked(rest: str) -> None:
    try:
        params = HttpRequestParams.model_validate({"url": f"http://{rest}"})
    except ValueError:
        return
    from core.outbound import parse_url

    asked = parse_url(params.url)
    assert ACTIONS.get("http_request").target(params) == host_of(str(asked.origin()))


def test_secrets_are_filled_in_where_they_may_stand() -> None:
    planned = _plan(
        url=URL,
        headers={"X-Api-Key": MADE["token"], "X-Other": "secret:token"},
        json={"deep": [{"token": f"<{MADE['token']}>"}]},
        basic_auth={"username": MADE["token"], "password": MADE["token"]},
    )
    assert TOKEN not in str(planned)
    params = fill(planned[0], OWN, {"token": TOKEN})
    assert isinstance(params, HttpRequestParams)
    assert params.headers == {"X-Api-Key": TOKEN, "X-Other": "secret:token"}
    assert params.json_ == {"deep": [{"token": f"<{TOKEN}>"}]}
    headers, _ = prepared(params, key="k")
    assert headers["Authorization"] == "Basic " + base64.b64encode(f"{TOKEN}:{TOKEN}".encode()).decode()
    body = fill(_plan(url=URL, body=f"t={MADE['token']}")[0], OWN, {"token": TOKEN})
    assert isinstance(body, HttpRequestParams)
    assert body.body == f"t={TOKEN}"


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({"type": "http_request", "url": f"{URL}?t={MADE['token']}"}, "only in basic_auth, body, headers, json"),
        ({"type": "http_request", "url": URL, "json": {MADE["token"]: 1}}, "in a key"),
        ({"type": "http_request", "url": "https://other.example/", "body": MADE["token"]}, "not to other.example"),
        ({"type": "log", "message": MADE["token"]}, "takes no secrets"),
        ({"type": "log", "message": "x", "fields": {"a": [MADE["token"]]}}, "takes no secrets"),
    ],
)
def test_a_secret_in_another_place_refuses_the_whole_list(action: dict[str, Any], says: str) -> None:
    with pytest.raises(Denied) as raised:
        plan([{"type": "log", "message": "first"}, action], GRANTS, OWN)
    assert f"Action 2 ({action['type']}): The secret token" in str(raised.value)
    assert says in str(raised.value)
    assert "ccbref_" not in str(raised.value)


def test_filling_touches_no_other_field() -> None:
    planned = Planned("http_request", {"url": f"{URL}?t={MADE['token']}"})
    params = fill(planned, OWN, {"token": TOKEN})
    assert isinstance(params, HttpRequestParams)
    assert TOKEN not in params.url


def test_a_secret_that_does_not_fit_is_refused_without_being_shown() -> None:
    planned = _plan(url=URL, headers={"X-A": MADE["token"]})[0]
    with pytest.raises(Invalid) as raised:
        fill(planned, OWN, {"token": f"{TOKEN}\nX-B: c"})
    assert "X-A" in str(raised.value)
    assert TOKEN not in str(raised.value)
    with pytest.raises(Invalid, match="The secret token has no value"):
        fill(planned, OWN, {})
