"""Settings: environment variables, or a `.env` file in the working directory. One class, every name in the README."""

from __future__ import annotations

import base64
import binascii
import math
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from core import durations
from core.errors import Invalid
from core.texts import T

Role = Literal["http", "worker", "scheduler", "slack"]
ROLES: tuple[Role, ...] = ("http", "worker", "scheduler", "slack")
MAX_BODY = 25 * 1024 * 1024
"""The largest webhook body in bytes: GitHub's own limit (https://docs.github.com/en/webhooks)."""


_ORIGIN = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
"""As browsers send it: in lower case, without a slash at the end (https://html.spec.whatwg.org, origin)."""


def _setting(name: str, default: Any, description: str, **more: Any) -> Any:
    return Field(default, validation_alias=AliasChoices(name), description=description, **more)


class Settings(BaseSettings):
    """Every setting. An empty value counts as not set."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    data_dir: Path = _setting("CCB_DATA_DIR", Path("data"), "Folder for the database, the key and the socket.")
    host: str = _setting("CCB_HOST", "127.0.0.1", "Address to listen on.")
    port: int = _setting("CCB_PORT", 8080, "Port to listen on; 0 takes a free one.", ge=0, le=65535)
    public_url: str | None = _setting("CCB_PUBLIC_URL", None, "Where services reach this engine, for webhook URLs.")
    database_url: SecretStr | None = _setting(
        "CCB_DATABASE_URL", None, "postgresql://… for many nodes; else SQLite in the data folder."
    )
    roles: Annotated[tuple[Role, ...], NoDecode] = _setting(
        "CCB_ROLES", ROLES, "What this process does: http, worker, scheduler, slack (comma-separated)."
    )
    log_level: Literal["debug", "info", "warning", "error"] = _setting(
        "CCB_LOG_LEVEL", "info", "debug, info, warning or error."
    )
    language: Literal["en", "ru"] = _setting("CCB_LANGUAGE", "en", "Language of the terminal: en or ru.")

    secret_key: SecretStr | None = _setting(
        "CCB_SECRET_KEY",
        None,
        "Key that encrypts stored secrets; several, comma-separated, to rotate (the first encrypts). "
        "Without it one is made in the data folder.",
    )
    admin_key: SecretStr | None = _setting(
        "CCB_ADMIN_KEY", None, "A first admin API key of your own: ccb_ and at least 32 characters."
    )

    slack_bot_token: SecretStr | None = _setting("SLACK_BOT_TOKEN", None, "Slack bot token, xoxb-….")
    slack_app_token: SecretStr | None = _setting("SLACK_APP_TOKEN", None, "Slack app token, xapp-….")
    slack_api_url: str = _setting("SLACK_API_URL", "https://slack.com/api/", "Address of Slack's API.")
    slack_admins: Annotated[tuple[str, ...], NoDecode] = _setting(
        "CCB_SLACK_ADMINS", (), "Slack user ids and user group ids (S…) that are admins (comma-separated)."
    )
    slack_operators: Annotated[tuple[str, ...], NoDecode] = _setting(
        "CCB_SLACK_OPERATORS", (), "Those that are operators, likewise; * is everybody."
    )
    slack_viewers: Annotated[tuple[str, ...], NoDecode] = _setting(
        "CCB_SLACK_VIEWERS", ("*",), "Those that may look, likewise; * is everybody."
    )

    github_token: SecretStr | None = _setting("GITHUB_TOKEN", None, "GitHub personal access token.")
    github_app_id: str | None = _setting("GITHUB_APP_ID", None, "GitHub App id, in place of a token.")
    github_app_private_key: SecretStr | None = _setting(
        "GITHUB_APP_PRIVATE_KEY", None, "The GitHub App's private key (PEM)."
    )
    github_repository: str | None = _setting("GITHUB_REPOSITORY", None, "owner/repo that holds the integrations.")
    github_webhook_secret: SecretStr | None = _setting(
        "GITHUB_WEBHOOK_SECRET", None, "Secret of the bot's own GitHub webhook."
    )
    github_api_url: str = _setting("GITHUB_API_URL", "https://api.github.com", "Address of GitHub's API.")

    anthropic_api_key: SecretStr | None = _setting("ANTHROPIC_API_KEY", None, "Key of the Claude API.")
    anthropic_base_url: str = _setting("ANTHROPIC_BASE_URL", "https://api.anthropic.com", "Address of the Claude API.")
    claude_model: str = _setting("CCB_CLAUDE_MODEL", "claude-sonnet-5-5", "The model that writes integrations.")
    claude_effort: Literal["low", "medium", "high", "xhigh", "max"] = _setting(
        "CCB_CLAUDE_EFFORT", "medium", "How hard the model tries: low, medium, high, xhigh or max."
    )
    claude_max_tokens: int = _setting(
        "CCB_CLAUDE_MAX_TOKENS", 32_000, "The longest answer, in tokens.", ge=1_000, le=128_000
    )
    claude_rounds: int = _setting(
        "CCB_CLAUDE_ROUNDS", 4, "How often a package is handed back to be mended before it is given up.", ge=1, le=20
    )
    claude_prices: Annotated[tuple[float, ...], NoDecode] = _setting(
        "CCB_CLAUDE_PRICES",
        (2.0, 10.0, 2.5, 0.2),
        "USD for a million tokens: input, output, written to the cache, read from it (comma-separated).",
    )
    draft_pull_requests: bool = _setting(
        "CCB_DRAFT_PULL_REQUESTS", False, "Whether pull requests of generated integrations are opened as drafts."
    )
    activate_merged: bool = _setting(
        "CCB_ACTIVATE_MERGED", False, "Whether a merged integration is switched on when nothing is missing."
    )
    budget_request: float = _setting("CCB_BUDGET_REQUEST", 2.0, "USD that one request may cost.", gt=0)
    budget_person: float = _setting("CCB_BUDGET_PERSON", 20.0, "USD that one person may spend in a month.", gt=0)
    budget_month: float = _setting("CCB_BUDGET_MONTH", 100.0, "USD that all may spend in a month.", gt=0)

    smtp_url: SecretStr | None = _setting(
        "CCB_SMTP_URL", None, "smtp://user:password@host:587 (STARTTLS where offered) or smtps://…:465."
    )
    mail_from: str = _setting("CCB_MAIL_FROM", "Claude Code Bot <ccb@localhost>", "Sender of e-mail.")
    alert_slack_channel: str | None = _setting(
        "CCB_ALERT_SLACK_CHANNEL", None, "Where the alert channel `slack` without an address goes."
    )
    alert_email: str | None = _setting(
        "CCB_ALERT_EMAIL", None, "Where the alert channel `email` without an address goes."
    )
    outbound_allow: Annotated[tuple[str, ...], NoDecode] = _setting(
        "CCB_OUTBOUND_ALLOW",
        (),
        "Networks or host:port that handlers' requests may reach though private (comma-separated).",
    )

    rate_limit: int = _setting(
        "CCB_RATE_LIMIT",
        600,
        "Requests a minute that each API key may send; 0: as many as it likes.",
        ge=0,
        le=1_000_000,
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = _setting(
        "CCB_CORS_ORIGINS",
        (),
        "Origins whose pages may call the API from a browser, such as https://tools.example.com (comma-separated).",
    )

    metrics_open: bool = _setting(
        "CCB_METRICS_OPEN", False, "Whether /metrics answers without a key: only where nobody else reaches it."
    )
    otlp_endpoint: str | None = _setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        None,
        "Where a trace of each event is sent (OTLP over HTTP), such as http://127.0.0.1:4318.",
    )
    otlp_headers: SecretStr | None = _setting(
        "OTEL_EXPORTER_OTLP_HEADERS", None, "Headers that go with the traces: name=value, comma-separated."
    )

    worker_slots: int = _setting("CCB_WORKER_SLOTS", 32, "Events that one worker holds at a time.", ge=1, le=1000)
    sandbox_processes: int = _setting("CCB_SANDBOX_PROCESSES", 2, "Sandbox processes kept ready.", ge=1, le=64)
    lease_seconds: float = _setting(
        "CCB_LEASE_SECONDS",
        30.0,
        "How long a worker may be silent before its events and requests go to another.",
        ge=1,
        le=3600,
    )
    retry_base_seconds: float = _setting(
        "CCB_RETRY_BASE_SECONDS", 2.0, "The first retry's longest delay; the later ones grow from it.", gt=0, le=3600
    )

    backups: Literal["engine", "elsewhere", "off"] = _setting(
        "CCB_BACKUPS",
        "engine",
        "Who makes backups: engine; elsewhere (they are reported to the engine, which watches their age); off.",
    )
    backup_every: str = _setting(
        "CCB_BACKUP_EVERY", "1d", "How often: 1h to 30d, counted from 03:00 UTC. What is older by two hours is late."
    )
    backup_dir: Path | None = _setting("CCB_BACKUP_DIR", None, "Where they go; else backups in the data folder.")
    backup_keep: int = _setting(
        "CCB_BACKUP_KEEP", 7, "How many are kept, and of how many days the last one of each.", ge=1, le=1000
    )

    gap_seconds: float = _setting(
        "CCB_GAP_SECONDS", 300.0, "How often to look for events that never arrived, where gap_healing is on.", ge=1
    )

    @field_validator(
        "roles", "slack_admins", "slack_operators", "slack_viewers", "outbound_allow", "cors_origins", mode="before"
    )
    @classmethod
    def _comma_separated(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("claude_prices", mode="before")
    @classmethod
    def _four_prices(cls, value: Any) -> Any:
        prices = value.split(",") if isinstance(value, str) else value
        try:
            read = tuple(float(price) for price in prices)
        except ValueError:
            read = ()
        if len(read) != 4 or not all(0 <= price < math.inf for price in read):
            raise ValueError(T("must be four numbers, comma-separated: input, output, cache write, cache read"))
        return read

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    T("{origin} is no origin: write scheme, host and port alone, such as https://tools.example.com",
                      origin=repr(origin))
                )  # fmt: skip
        return value

    @field_validator("backup_every")
    @classmethod
    def _an_interval(cls, value: str) -> str:
        try:
            seconds = durations.parse(value)
        except Invalid as error:
            raise ValueError(error.message) from None
        if not 3600 <= seconds <= 30 * 86_400:
            raise ValueError(T("must be between 1h and 30d"))
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^\s/]", value):
            raise ValueError(T("must begin with http:// or https://, such as http://127.0.0.1:4318"))
        return value

    @field_validator("otlp_headers")
    @classmethod
    def _named_values(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all("=" in part for part in value.get_secret_value().split(",") if part.strip()):
            raise ValueError(T("must be name=value, comma-separated"))
        return value

    @field_validator("admin_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key = value.get_secret_value()
            if not key.startswith("ccb_") or len(key) < len("ccb_") + 32:
                raise ValueError(T("must be ccb_ followed by at least 32 characters"))
        return value

    @field_validator("secret_key")
    @classmethod
    def _fernet_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            for key in value.get_secret_value().split(","):
                try:
                    size = len(base64.urlsafe_b64decode(key.strip()))
                except (binascii.Error, ValueError):
                    size = 0
                if size != 32:
                    raise ValueError(
                        T(
                            "must be 32 random bytes in URL-safe base64; make one with: "
                            "python3 -c 'import base64,os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
                        )
                    )
        return value

    @model_validator(mode="after")
    def _nodes_share_one_key(self) -> Self:
        if self.database_url is not None and self.secret_key is None:
            raise ValueError(T("CCB_SECRET_KEY must be set with CCB_DATABASE_URL: all nodes need the same key"))
        return self

    def present(self) -> frozenset[str]:
        """Return the environment names of the settings that have a value other than None."""
        return frozenset(
            name
            for name, field in zip(setting_names(), type(self).model_fields, strict=True)
            if getattr(self, field) is not None
        )

    @property
    def backup_seconds(self) -> float:
        """How often a backup is made, in seconds."""
        return durations.parse(self.backup_every)

    @property
    def backup_folder(self) -> Path:
        """Where this node's backups are."""
        return self.backup_dir or self.data_dir / "backups"

    @property
    def base_url(self) -> str:
        """Where this engine is reached from outside, without a slash at the end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def setting_names() -> dict[str, str]:
    """Return each setting's environment variable and its description, in the order of the class."""
    names: dict[str, str] = {}
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        assert isinstance(alias, AliasChoices)
        names[str(alias.choices[0])] = field.description or ""
    return names


class GivenSettings(Settings):
    """Settings from the caller alone: no environment, no `.env` file, so that no real account can get in."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the caller gives, and nothing else."""
        return (init_settings,)
