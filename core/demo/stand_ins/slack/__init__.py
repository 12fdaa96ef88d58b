"""A strict stand-in for Slack: its Web API, Socket Mode, Block Kit, and people who use it.

Reading methods take query or form arguments only, writing ones JSON too; refusals come with 200 and `ok: false`, rate
limits with 429. What the real service refuses, this one refuses with the same code.
"""

from core.demo.stand_ins.slack.reading import words
from core.demo.stand_ins.slack.sending import Outcome
from core.demo.stand_ins.slack.stand_in import SlackStandIn
from core.demo.stand_ins.slack.values import Impossible
from core.demo.stand_ins.slack.workspace import (
    ANNA,
    APP_TOKEN,
    BORIS,
    BOT,
    BOT_TOKEN,
    CAROL,
    SCOPES,
    WEBHOOK,
    Channel,
    User,
    UserGroup,
)

__all__ = [
    "ANNA",
    "APP_TOKEN",
    "BORIS",
    "BOT",
    "BOT_TOKEN",
    "CAROL",
    "SCOPES",
    "WEBHOOK",
    "Channel",
    "Impossible",
    "Outcome",
    "SlackStandIn",
    "User",
    "UserGroup",
    "words",
]
