"""The engine: everything that Claude Code Bot does, behind whatever door the wish came in by."""

from importlib.metadata import version

VERSION = version("claude-code-bot")
