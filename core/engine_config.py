"""The configuration keys that every integration takes, besides those of its manifest (contract.md)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core import durations
from core.errors import Invalid
from core.texts import T

SECRET_KEYS = frozenset({"slack_token", "github_token"})


class EngineConfig(BaseModel):
    """How the engine treats an integration's deliveries and retries, and tokens of its own."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    idempotency_enabled: bool = Field(True, strict=True, description="Recognise the sender's delivery ids.")
    idempotency_window: str = Field("24h", description="How long a delivery is remembered, such as 1h.")
    deduplication_enabled: bool = Field(True, strict=True, description="Recognise the key in the payload.")
    deduplication_key: str | None = Field(
        None, description="Path of the key in the payload; else the manifest's.", min_length=1, max_length=200
    )
    retry_attempts: int = Field(5, strict=True, ge=1, le=20, description="Tries in all, the first included.")
    retry_backoff: Literal["exponential", "linear", "fixed"] = "exponential"
    slack_token: str | None = Field(None, min_length=1, repr=False, description="A Slack token in place of the bot's.")
    github_token: str | None = Field(
        None, min_length=1, repr=False, description="A GitHub token in place of the bot's."
    )

    @field_validator("idempotency_window")
    @classmethod
    def _window(cls, value: str) -> str:
        try:
            seconds = durations.parse(value)
        except Invalid as error:
            raise ValueError(error.message) from None
        if not 1 <= seconds <= 90 * 86400:
            raise ValueError(T("must be between 1s and 90d"))
        return value

    @property
    def window_seconds(self) -> float:
        """The idempotency window in seconds."""
        return durations.parse(self.idempotency_window)

    @property
    def tokens(self) -> dict[str, str]:
        """The integration's own tokens that are set."""
        return {name: value for name in SECRET_KEYS if (value := getattr(self, name)) is not None}


class Asked(EngineConfig):
    """What may be set from now on; what is stored is read as it is, or a stricter rule would make it unreadable."""

    @field_validator("deduplication_key")
    @classmethod
    def _path(cls, value: str | None) -> str | None:
        if value is not None and not all(value.split(".")):
            raise ValueError(
                T("is no path into a payload: write names, and numbers of a list, with dots between, such as data.id")
            )
        return value

    @field_validator("slack_token", "github_token")
    @classmethod
    def _sendable(cls, value: str | None) -> str | None:
        if value is not None and not (value.isascii() and value.isprintable() and " " not in value):
            raise ValueError(T("holds a space, a line break or another character that no token has: copy it again"))
        return value


KEYS = frozenset(EngineConfig.model_fields)
