"""The sandbox: handlers run here, on plain values, and reach nothing."""

from core.runtime.pool import HandlerPool

__all__ = ["HandlerPool"]
