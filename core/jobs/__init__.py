"""Jobs: work on many events, done piece by piece, with progress, stopped on request, and outliving every restart."""

from core.jobs.kind import KINDS, JobKind
from core.jobs.pieces import advance, forget, waiting
from core.jobs.service import Progress, asked, cancel, find, page, progress, start, tell, tell_no_more, told

__all__ = [
    "KINDS",
    "JobKind",
    "Progress",
    "advance",
    "asked",
    "cancel",
    "find",
    "forget",
    "page",
    "progress",
    "start",
    "tell",
    "tell_no_more",
    "told",
    "waiting",
]
