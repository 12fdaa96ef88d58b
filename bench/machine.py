"""The machine that was measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path


def describe(folder: Path) -> dict[str, str]:
    """Return what a reader needs to judge the figures; `folder` is where the databases are."""
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "cpu": _cpu(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "disk": _disk(folder),
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _disk(folder: Path) -> str:
    """Return device and file system of the mount that `folder` is on."""
    mounts = [line.split()[:3] for line in Path("/proc/mounts").read_text().splitlines()]
    device, _, kind = max(
        (mount for mount in mounts if folder.resolve().is_relative_to(mount[1])), key=lambda mount: len(mount[1])
    )
    name = Path(device).name.rstrip("0123456789")
    rotating = Path("/sys/block") / name / "queue" / "rotational"
    if name.startswith(("vd", "xvd")):  # what a virtual machine says of rotation means nothing
        return f"{kind} on {device} (virtual)"
    known = rotating.is_file()
    return f"{kind} on {device}" + (
        f" ({'rotating' if rotating.read_text().strip() == '1' else 'SSD'})" if known else ""
    )
