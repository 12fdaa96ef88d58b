"""Metrics rolled up by minute, written in the transactions that make what they count."""

from __future__ import annotations

from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from storage.events import table


class MinuteMetric(SQLModel, table=True):
    """What one process counted in one minute; the sum over `node` is the metric."""

    __tablename__: ClassVar[str] = "metrics"
    __table_args__ = (sa.Index("ix_metrics_minute", "minute"),)

    integration_id: str = Field(primary_key=True)
    minute: int = Field(primary_key=True)
    """The minute's first second, in seconds since the epoch."""
    name: str = Field(primary_key=True)
    bucket: int = Field(primary_key=True)
    """Of a histogram (`core.histogram`); 0 for a plain counter."""
    node: str = Field(primary_key=True)
    """The process that counted, so that nodes on one PostgreSQL never wait for each other's rows."""
    value: float


METRICS = table(MinuteMetric)
