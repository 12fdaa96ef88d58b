"""Sends the notes of a published GitHub release by e-mail."""

NOTES_LIMIT = 20_000


def handle(event: dict, config: dict) -> list[dict]:
    payload = event["payload"]
    release = payload.get("release") or {}
    if payload.get("action") != "published" or (release.get("prerelease") and not config.get("prereleases")):
        return []

    repository = (payload.get("repository") or {}).get("full_name") or "A repository"
    tag = release.get("tag_name") or "a new version"
    name = one_line(release.get("name") or "")
    kind = "pre-release" if release.get("prerelease") else "release"
    subject = one_line(f"{repository}: {kind} {tag}")
    if name and name != tag:
        subject += f", {name}"

    author = (release.get("author") or {}).get("login")
    by = f" by {author}" if author else ""
    when = f" on {release['published_at'][:10]}" if release.get("published_at") else ""
    notes = (release.get("body") or "").replace("\r\n", "\n").strip() or "This release has no notes."
    if len(notes) > NOTES_LIMIT:
        notes = notes[:NOTES_LIMIT] + "\n… (cut; the whole notes are at the link below)"
    parts = [f"{repository} {tag} was published{by}{when}.", notes, release.get("html_url") or ""]
    return [
        {
            "type": "email",
            "to": config["recipients"],
            "subject": subject[:200],
            "text": "\n\n".join(part for part in parts if part) + "\n",
        }
    ]


def one_line(text: str) -> str:
    """Make it fit a mail header: one line, and nothing that cannot be printed."""
    return "".join(character for character in " ".join(text.split()) if character.isprintable())
