"""A strict stand-in for GitHub's REST API; `hub` puts its parts together."""
