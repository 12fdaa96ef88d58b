"""The engine with the group commit taken away: the same accept function, one transaction for each delivery."""

from __future__ import annotations

import dataclasses
import json

import uvloop

from core import bootstrap
from core.bootstrap import Report
from core.config import Settings
from storage import group_commit


def ready(report: Report) -> None:
    """Say where it is, as `ccb serve --json` does."""
    print(json.dumps(dataclasses.asdict(report)), flush=True)


if __name__ == "__main__":
    group_commit.GROUP_LIMIT = 1
    uvloop.run(bootstrap.serve(Settings(), on_ready=ready))
