"""The registry of routes: one decorator says all that the server, the permission check and the OpenAPI document need.

One file per resource; every module of `core.http` is imported, so that a new file is a new resource.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeVar, cast

import orjson
from aiohttp import web
from pydantic import BaseModel

import core.http
from core.auth import Actor, Permission
from core.clock import moment
from core.context import Context
from core.errors import CcbError
from core.http.node import NODE
from core.http.paging import Page, paged
from core.texts import Text
from core.times import kept_for, time_of

__all__ = [
    "ANY_KEY", "ROUTES", "Page", "Request", "Route", "Routes", "json_response", "kept_for", "moment", "paged", "route",
    "time_of",
]  # fmt: skip

_PLACE = re.compile(r"\{(\w+)[^}]*\}")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Model = TypeVar("Model")
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])

ANY_KEY: Literal["any key"] = "any key"
"""In place of a permission: whoever shows a valid key."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler is given: parsed, and allowed to be here."""

    id: str
    actor: Actor
    path: Mapping[str, str]
    query: Any
    body: Any
    language: str
    raw: web.Request

    def query_as(self, kind: type[Model]) -> Model:
        """Return the query, which the route declares to be of `kind`."""
        assert isinstance(self.query, kind)
        return self.query

    def body_as(self, kind: type[Model]) -> Model:
        """Return the body, which the route declares to be of `kind`."""
        assert isinstance(self.body, kind)
        return self.body

    @property
    def local_base(self) -> str:
        """This engine's own address, without a slash at the end."""
        return self.raw.app[NODE].address


@dataclass(frozen=True)
class Route:
    """One method on one path. `permission` is None only where `open`."""

    method: Method
    path: str
    handler: Callable[[Context, Any], Awaitable[Any]]
    permission: Permission | Literal["any key"] | None
    summary: Text
    tag: str
    request: Any
    response: Any
    status: int
    errors: tuple[type[CcbError], ...]
    query: type[BaseModel] | None
    open: bool
    raw: bool
    produces: str
    listed: bool
    also: Mapping[int, Any]
    headers: tuple[str, ...]
    cached: bool

    @property
    def places(self) -> list[str]:
        """The names of the parameters in its path."""
        return _PLACE.findall(self.path)

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether the header Idempotency-Key has a meaning here."""
        return self.method == "POST" and self.permission is not None and not self.raw

    @property
    def operation_id(self) -> str:
        """Its name in the OpenAPI document: the resource's and the function's."""
        return f"{self.handler.__module__.rpartition('.')[2]}_{self.handler.__name__}"


class Routes:
    """Routes by their paths, whatever the order in which their modules were imported."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], Route] = {}

    def __iter__(self) -> Iterator[Route]:
        return iter(sorted(self._routes.values(), key=lambda route: (route.path, route.method)))

    def route(
        self,
        method: Method,
        path: str,
        *,
        permission: Permission | Literal["any key"] | None,
        summary: Text,
        tag: str,
        request: Any = None,
        response: Any = None,
        status: int = 200,
        errors: Iterable[type[CcbError]] = (),
        query: type[BaseModel] | None = None,
        open: bool = False,
        raw: bool = False,
        produces: str = "application/json",
        listed: bool = False,
        also: Mapping[int, Any] = MappingProxyType({}),
        headers: Iterable[str] = (),
        cached: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare `async def handler(ctx, request)`.

        `request`, `response`: pydantic models or other types that pydantic knows; `query`: a model of the query.
        `open`: nobody has to say who they are. `errors`: those beside the ones that follow from the rest. `raw`: the
        handler gets aiohttp's request and returns its response; nothing is parsed or checked, only errors are shown.
        `listed`: it answers with a list's headers (`paging`).
        `also`: other statuses that are no errors, each with its response's type. `headers`: further ones of a success.
        `cached`: it answers with an ETag, and 304 to who has what it stands for.
        """
        if (permission is None) != open:
            raise ValueError(f"{method} {path} needs either a permission or open=True")

        def declare(handler: Handler) -> Handler:
            if (method, path) in self._routes:
                raise ValueError(f"{method} {path} is declared twice")
            self._routes[method, path] = Route(
                method, path, handler, permission, summary, tag, request, response, status, tuple(errors), query, open,
                raw, produces, listed, also, tuple(headers), cached,
            )  # fmt: skip
            return handler

        return declare


def template(path: str) -> str:
    """Return a route's path as people write it: `{path}` for `{path:[a-z]+}`."""
    return _PLACE.sub(r"{\1}", path)


ROUTES = Routes()
route = ROUTES.route


def load() -> Routes:
    """Import every resource; return the whole registry."""
    for module in pkgutil.iter_modules(core.http.__path__, core.http.__name__ + "."):
        importlib.import_module(module.name)
    return ROUTES


def json_response(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return `value` (plain data, pydantic models, or both) as JSON."""
    return web.Response(
        body=dump(value), status=status, content_type="application/json", charset="utf-8", headers=headers
    )


def dump(value: Any) -> bytes:
    """Return `value` as JSON."""
    # Texts are dataclasses, and are shown as what they say.
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, (frozenset, set)):
        return sorted(cast(Iterable[Any], value))
    raise TypeError(f"{type(value).__name__} is not JSON")
