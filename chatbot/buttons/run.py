"""The buttons that run a command (`dispatch.run_button`)."""

from __future__ import annotations

from chatbot.button import Button, register
from chatbot.dispatch import again

register(Button("run", again, None))  # the command itself says what it needs
