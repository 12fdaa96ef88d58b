"""What a kind of job is: one file in `core.jobs.kinds`, found by being there."""

from __future__ import annotations

from abc import ABC, abstractmethod

from core.context import Context
from core.registry import Registry
from storage.jobs import Job, Undo


class JobKind(ABC):
    """A kind of job: how its next piece is done."""

    name: str

    @abstractmethod
    async def step(self, ctx: Context, job: Job) -> None:
        """Do the next piece of an open job and write how it stands (`storage.jobs.save`, on the revision of `job`).

        Called about once a second while the job is open and its `run_at` has come, also once it is `cancelled` and
        something that it took up is under way. It sets `run_at` for the piece after this one, and at the end `status`
        and `finished_at`. Two nodes may do the same piece at once: what `save` refuses must have done no harm.
        Raises `NotFound` when the job can never be done; any other `CcbError` is shown as what it waits for.
        """

    def undo(self) -> Undo | None:
        """Return what puts back, at a cancel, what was taken up and not begun; None where there is nothing such."""
        return None


KINDS: Registry[JobKind] = Registry("job", "core.jobs.kinds")
