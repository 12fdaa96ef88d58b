"""Integrations: list, install, configure, switch on and off."""

from __future__ import annotations

import base64
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from core import gallery, integrations, listing, try_out
from core.context import Context
from core.errors import Conflict, NotFound
from core.generation.template import LONGEST
from core.http.routes import Request, moment, route
from core.integrations import Installed, Wish
from core.listing import Listed
from core.requests import service as requests
from core.requests import words
from core.requests.model import Asked
from core.texts import T

Status = Literal["requested", "generating", "inactive", "active", "paused", "failed"]


_NOTHING_ELSE: dict[str, Any] = {
    "config": {"type": "object", "maxProperties": 0},
    "webhook_secret": {"type": "null"},
    "activate": {"const": False},
    "slug": {"type": "null"},
    "name": {"type": "null"},
}
_KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "package": ("object", {}),
    "gallery": ("string", {}),
    "request": ("object", _NOTHING_ELSE),
}
_ONE_OF_THEM: dict[str, Any] = {
    "oneOf": [
        {
            "required": [name],
            "properties": {
                name: {"type": kind},
                **{other: {"type": "null"} for other in _KINDS if other != name},
                **more,
            },
        }
        for name, (kind, more) in _KINDS.items()
    ]
}


_NOT_BOTH: dict[str, Any] = {
    "not": {
        "required": ["sample", "payload"],
        "properties": {"sample": {"type": "string"}, "payload": {"not": {"type": "null"}}},
    }
}


class IntegrationOut(BaseModel):
    """One integration. Secrets in `config` are masked."""

    id: str
    slug: str
    name: str
    status: Status
    version: str | None = Field(
        description="The commit, or the package's digest, cut to 12 characters; null: not written yet."
    )
    source: str | None = Field(description="The kind of source; null: not written yet.")
    webhook_url: str
    config: dict[str, Any]
    missing: list[str] = Field(description="What must be set before it can be activated.")
    last_activity: str | None
    error_details: dict[str, Any] | None
    pull_request: dict[str, Any] | None
    issue: dict[str, Any] | None
    provenance: dict[str, Any]
    capabilities: dict[str, Any]
    created_at: str
    updated_at: str


class ListedOut(IntegrationOut):
    """An integration, or those of its fields that were asked for."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.pop("required"))


class InstalledOut(IntegrationOut):
    """A new integration, with the webhook secret if one was made for it."""

    webhook_secret: str | None = Field(None, description="Shown this once.")


class PackageIn(BaseModel):
    """The four kinds of file of a package, by their paths."""

    model_config = ConfigDict(extra="forbid")

    files: dict[str, str]


Said = Annotated[str, StringConstraints(max_length=LONGEST)]


class RequestIn(BaseModel):
    """What Claude is to write an integration for: the fields of an issue's template."""

    model_config = ConfigDict(extra="forbid")

    service_name: Said = Field("", examples=["Sentry"])
    integration_type: Said = Field("", examples=["Webhook"])
    target_service: Said = Field("", examples=["Slack, channel #errors"])
    api_endpoints: Said = Field("", description="May be left out where the target is Slack, GitHub or e-mail.")
    description: Said = Field("", examples=["Post each new error of the project web to the channel, with its link."])
    events: Said = Field("", examples=["issue.created, issue.resolved"])
    dependencies: Said = Field("", examples=["python>=3.11"])


class InstallIn(BaseModel):
    """What to install: a package, or one of the gallery; or the request for one that is to be written.

    With a request nothing else is given: the integration is configured when it is there.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_ONE_OF_THEM)

    package: PackageIn | None = Field(None, description="A package of one's own: its files by their paths.")
    gallery: str | None = Field(None, description="In its place, the name of a ready-made one: `GET /v1/gallery`.")
    request: RequestIn | None = Field(
        None, description="In its place, what an integration is to do: Claude writes it, as a pull request."
    )
    config: dict[str, Any] = Field(default_factory=dict, description="Keys of its manifest, and of the engine's own.")
    webhook_secret: str | None = Field(
        None, min_length=8, max_length=500,
        description="What the sender signs with; absent: one is made and answered, this once.",
    )  # fmt: skip
    activate: bool = Field(False, strict=True, description="Switch it on at once; needs integrations.activate.")
    slug: str | None = Field(
        None, pattern="^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60, description="In place of the manifest's; must be free."
    )
    name: str | None = Field(None, min_length=1, max_length=80, description="In place of the manifest's.")

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if [self.package, self.gallery, self.request].count(None) != 2:
            raise ValueError(T("give one of package, gallery and request"))
        if self.request is not None and self.model_dump(exclude={"request"}, exclude_defaults=True):
            raise ValueError(T("with request nothing else is given"))
        return self


class SignIn(BaseModel):
    """What to sign: a sample of the integration's package, or any payload."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_NOT_BOTH)
    takes_nul: ClassVar[bool] = True  # a payload may hold anything; it is sent, not stored

    sample: str | None = None
    payload: Any = None
    type: str | None = None
    delivery_id: str | None = Field(None, min_length=1, max_length=255)


class SignedOut(BaseModel):
    """A request that the source's own service could have sent."""

    url: str = Field(description="Where the service would send it.")
    local_url: str = Field(description="The same on this engine's own address.")
    headers: dict[str, str]
    body: str = Field(description="Base64.")


@route(
    "POST", "/v1/integrations", permission="integrations.write", tag="integrations", request=InstallIn, status=201,
    response=InstalledOut, errors=[Conflict, NotFound],
    summary=T("Install an integration from a package or the gallery, or ask for one to be written"),
)  # fmt: skip
async def install(ctx: Context, request: Request) -> InstalledOut:
    """Verify a package and install it; of a request Claude makes a pull request under the id that is answered."""
    wish = request.body_as(InstallIn)
    if wish.request is not None:
        fields = wish.request.model_dump()
        asked = await requests.open_request(ctx, fields, actor=request.actor, origin="rest")
        return InstalledOut(**shown(ctx, asked, request.language).model_dump(), webhook_secret=None)
    if wish.activate:
        request.actor.require("integrations.activate")
    if wish.gallery is not None:
        files, provenance = gallery.load(wish.gallery), {"kind": "gallery", "name": wish.gallery}
    else:
        assert wish.package is not None
        files, provenance = wish.package.files, {"kind": "post"}
    installed, secret = await integrations.install(
        ctx,
        Wish(
            files=files,
            provenance=provenance,
            config=wish.config,
            webhook_secret=wish.webhook_secret,
            slug=wish.slug,
            name=wish.name,
            activate=wish.activate,
        ),
        actor=request.actor,
    )
    return InstalledOut(**(await _out(ctx, installed, request.language)).model_dump(), webhook_secret=secret)


@route(
    "GET", "/v1/integrations/{id}", permission="integrations.read", tag="integrations", response=IntegrationOut,
    errors=[NotFound], summary=T("Get an integration"),
)  # fmt: skip
async def get(ctx: Context, request: Request) -> IntegrationOut:
    """Get one integration, or the request of which it is to come."""
    found = await listing.find(ctx, request.path["id"])
    if isinstance(found, Asked):
        return shown(ctx, found, request.language)
    return await _out(ctx, found, request.language)


@route(
    "GET", "/v1/integrations/{id}/config", permission="integrations.read", tag="integrations",
    response=dict[str, Any], errors=[NotFound], summary=T("Get an integration's configuration, secrets masked"),
)  # fmt: skip
async def config(ctx: Context, request: Request) -> dict[str, Any]:
    """Show the configuration."""
    return integrations.shown_config(await integrations.find(ctx, request.path["id"]))


@route(
    "PATCH", "/v1/integrations/{id}/config", permission="integrations.write", tag="integrations",
    request=dict[str, Any], response=dict[str, Any],
    errors=[Conflict, NotFound], summary=T("Set keys of the configuration; null takes a key away"),
)  # fmt: skip
async def configure(ctx: Context, request: Request) -> dict[str, Any]:
    """Change the configuration."""
    changes: dict[str, Any] = request.body_as(dict)
    changed = await integrations.configure(ctx, request.path["id"], changes, actor=request.actor)
    await requests.tell_again(ctx, changed.id)
    return integrations.shown_config(changed)


@route(
    "POST", "/v1/integrations/{id}/activate", permission="integrations.activate", tag="integrations",
    response=IntegrationOut, errors=[Conflict, NotFound], summary=T("Activate an integration"),
)  # fmt: skip
async def activate(ctx: Context, request: Request) -> IntegrationOut:
    """Switch on."""
    changed = await integrations.activate(ctx, request.path["id"], actor=request.actor)
    await requests.tell_again(ctx, changed.id)
    return await _out(ctx, changed, request.language)


@route(
    "POST", "/v1/integrations/{id}/pause", permission="integrations.activate", tag="integrations",
    response=IntegrationOut, errors=[Conflict, NotFound],
    summary=T("Pause an integration: deliveries are refused, what was accepted waits"),
)  # fmt: skip
async def pause(ctx: Context, request: Request) -> IntegrationOut:
    """Switch off for a while."""
    changed = await integrations.pause(ctx, request.path["id"], actor=request.actor)
    await requests.tell_again(ctx, changed.id)
    return await _out(ctx, changed, request.language)


@route(
    "POST", "/v1/integrations/{id}/sign", permission="admin", tag="integrations", request=SignIn,
    response=SignedOut, errors=[Conflict, NotFound], summary=T("Sign a test delivery as the source's service would"),
)  # fmt: skip
async def sign(ctx: Context, request: Request) -> SignedOut:
    """Make a signed request; sending it is up to the caller."""
    wish = request.body_as(SignIn)
    installed = await integrations.find(ctx, request.path["id"])
    signed = await try_out.sign(
        ctx,
        installed,
        sample=wish.sample,
        payload=wish.payload,
        event_type=wish.type,
        delivery_id=wish.delivery_id,
        actor=request.actor,
    )
    return SignedOut(
        url=integrations.webhook_url(ctx, installed.id),
        local_url=f"{request.local_base}/webhooks/{installed.id}",
        headers=signed.headers,
        body=base64.b64encode(signed.body).decode(),
    )


async def _out(ctx: Context, installed: Installed, language: str) -> IntegrationOut:
    return shown(ctx, await listing.beside(ctx, installed), language)


def shown(ctx: Context, one: Listed | Asked, language: str) -> IntegrationOut:
    """Return an integration as it is shown, or the request of which it is to come."""
    if isinstance(one, Asked):
        return _asked(ctx, one, language)
    installed = one.installed
    return IntegrationOut(
        id=installed.id,
        slug=installed.slug,
        name=installed.name,
        status=installed.status,
        version=installed.version,
        source=installed.source.kind,
        webhook_url=integrations.webhook_url(ctx, installed.id),
        config=integrations.shown_config(installed),
        missing=integrations.missing(installed),
        last_activity=moment(one.last) if one.last is not None else None,
        error_details=dict(installed.error_details) if installed.error_details else None,
        pull_request=words.pull_request(one.asked),
        issue=words.issue(one.asked),
        provenance=dict(installed.provenance),
        capabilities=installed.manifest.capabilities.model_dump(mode="json", by_alias=True),
        created_at=moment(installed.created_at),
        updated_at=moment(installed.updated_at),
    )


def _asked(ctx: Context, asked: Asked, language: str) -> IntegrationOut:
    row = asked.row
    return IntegrationOut(
        id=row.id,
        slug=row.slug,
        name=row.title,
        status=words.status(asked),
        version=None,
        source=None,
        webhook_url=integrations.webhook_url(ctx, row.id),
        config={},
        missing=[],
        last_activity=None,
        error_details=words.told(asked, language),
        pull_request=words.pull_request(asked),
        issue=words.issue(asked),
        provenance={"kind": "request", "origin": row.origin},
        capabilities={},
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
    )
