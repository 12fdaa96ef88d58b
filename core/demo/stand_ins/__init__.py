"""Strict stand-ins for Slack, GitHub and Claude: what the real service refuses, they refuse."""
