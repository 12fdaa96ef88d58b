"""The `ccb` command: the engine's door in a terminal."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line of this process."""
    from core.cli.app import run  # here, so that `import core.cli.…` of one part does not build the whole command

    sys.exit(run(sys.argv[1:]))
