"""The stand-in Slack in a browser: what somebody in it sees, and what they type and press."""

from core.demo.page.server import SlackPage

__all__ = ["SlackPage"]
