"""Gaps: events that should have arrived and did not. How each kind is noticed is one file here."""

from core.gaps.service import METHODS, Method, Overview, check, forget, known, message, overview

__all__ = ["METHODS", "Method", "Overview", "check", "forget", "known", "message", "overview"]
