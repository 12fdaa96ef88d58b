"""Jobs: work on many events, done piece by piece, with progress, stopped on request, and outliving every restart."""

from core.jobs.kind import KINDS, JobKind
from core.jobs.pieces import advance, forget, waiting
from core.jobs.service import asked, cancel, find, page, start

__all__ = ["KINDS", "JobKind", "advance", "asked", "cancel", "find", "forget", "page", "start", "waiting"]
