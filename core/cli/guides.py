"""Where to find each setting that `ccb init` asks for."""

from __future__ import annotations

from core.texts import T, Text

SERVICES: dict[str, Text] = {
    "slack": T(
        "Open https://api.slack.com/apps → Create New App → From a manifest → your workspace, and paste manifest.yml "
        "from this folder."
    ),
    "github": T("The bot writes pull requests and issues in one repository, which may be private."),
    "claude": T("Claude writes integrations that are not ready-made. Ready-made ones need no key."),
    "email": T("Any SMTP server that takes mail from this machine."),
}
"""What to do or to know first."""

SETTINGS: dict[str, Text] = {
    "SLACK_BOT_TOKEN": T("In the app: Install App → Install to Workspace → Bot User OAuth Token (xoxb-…)."),
    "SLACK_APP_TOKEN": T(
        "In the app: Basic Information → App-Level Tokens → Generate Token and Scopes, with connections:write (xapp-…)."
    ),
    "GITHUB_TOKEN": T(
        "Open https://github.com/settings/personal-access-tokens/new → the repository → Contents, Issues, Pull "
        "requests and Webhooks: read and write. Or a classic token with repo and admin:repo_hook: "
        "https://github.com/settings/tokens"
    ),
    "GITHUB_APP_ID": T("Open https://github.com/settings/apps → your app → About → App ID."),
    "GITHUB_APP_PRIVATE_KEY": T(
        "In the app: Private keys → Generate a private key. Give the path of the .pem file that is downloaded."
    ),
    "GITHUB_REPOSITORY": T("Where the integrations are to be kept, as owner/repo."),
    "GITHUB_WEBHOOK_SECRET": T(
        "What GitHub signs the bot's own webhook with: make up a long one, and give it to GitHub as well "
        "(the repository → Settings → Webhooks). Enter leaves it out."
    ),
    "ANTHROPIC_API_KEY": T("Open https://platform.claude.com/settings/keys → Create Key (sk-ant-…)."),
    "CCB_SMTP_URL": T(
        "smtp://user:password@host:587 (STARTTLS) or smtps://user:password@host:465; user and password %-encoded."
    ),
    "CCB_MAIL_FROM": T("The sender, such as: Claude Code Bot <ccb@example.com>"),
}
"""The page and the menus where a value is found."""
