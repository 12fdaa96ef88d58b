"""What a sentence says without saying it in fields: whose events, and where to. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

SERVICES = (
    "Alertmanager", "amoCRM", "Asana", "Bitbucket", "Bitrix24", "Calendly", "CircleCI", "ClickUp", "Datadog", "Figma",
    "GitHub", "GitLab", "Grafana", "Heroku", "HubSpot", "Intercom", "Jenkins", "Jira", "Linear", "Mailchimp",
    "Netlify", "New Relic", "Notion", "Opsgenie", "PagerDuty", "PayPal", "Prometheus", "Rollbar", "Salesforce",
    "Sentry", "Shopify", "Stripe", "TeamCity", "Telegram", "Trello", "Twilio", "Typeform", "Vercel", "WooCommerce",
    "WordPress", "YouTrack", "Zendesk",
)  # fmt: skip
"""Services by the names that people write; more are as good, they only have to be typed."""
WEBHOOK = "Webhook"
_NAMED = re.compile(r"\b(" + "|".join(map(re.escape, SERVICES)) + r")\b", re.IGNORECASE)
_BY_NAME = {name.lower(): name for name in SERVICES}
_POSTS = re.compile(r"\b(slack|channel|post|tell|notify|канал\w*|сообщ\w*|слак\w*|напиш\w*|пиши\w*)", re.IGNORECASE)


def guessed(fields: Mapping[str, str], *, here: str) -> dict[str, str]:
    """Return the fields, and those that were left empty as far as the description gives them away.

    The first service that it names sends the events; a second one takes them. Where there is none, and it is about
    telling, they come `here`: the target in words, such as `Slack, channel #general`.
    """
    found = {name: value for name, value in fields.items() if value.strip()}
    said = found.get("description", "")
    given = " ".join(found.get(name, "").lower() for name in ("service_name", "target_service"))
    names = list(dict.fromkeys(_BY_NAME[name.lower()] for name in _NAMED.findall(said)))
    free = [name for name in names if name.lower() not in given]
    found.setdefault("integration_type", WEBHOOK)
    if "service_name" not in found and free:
        found["service_name"] = free.pop(0)
    if "target_service" not in found:
        if _POSTS.search(said) and here:
            found["target_service"] = here
        elif free:
            found["target_service"] = free[0]
    return found
