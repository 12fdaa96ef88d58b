"""What can be wrong with an integration, each a pure function of a snapshot: what, since when, how much, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from core.status.snapshot import DAY, Snapshot, commonest
from core.status.words import span
from core.texts import TN, T, Text

LATE = 300.0
"""Seconds that an event may wait for a worker."""
SILENT = 600.0
"""Seconds after its activation in which nothing has to arrive."""
ROTATION_SOON = 3 * 3600.0
"""Seconds before the end of a rotation at which it is mentioned."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `message`: what, since when, how much, why. `fix`: the operation or command for it."""

    code: str
    severity: Severity
    message: Text
    fix: Text


Found = Iterator[Problem]


def problems(snapshot: Snapshot) -> Sequence[Problem]:
    """Return what is wrong, the worst first."""
    found = [problem for look in LOOKS for problem in look(snapshot)]
    return sorted(found, key=lambda problem: problem.severity)  # "error" comes before "warning", the rest as it was


def summary(snapshot: Snapshot, found: Sequence[Problem]) -> Text:
    """Return in a sentence or two how it is."""
    if not found:
        if snapshot.last_activity is None and snapshot.events_kept is not None:
            kept = span(snapshot.events_kept)
            return T("It is active, and nothing is wrong. Nothing has arrived in the last {span}.", span=kept)
        if snapshot.last_activity is None:
            return T("It is active, and nothing is wrong. Nothing has arrived yet.")
        ago = span(snapshot.now - snapshot.last_activity)
        return T("It works: nothing is wrong. The last event came {span} ago.", span=ago)
    worst, others = found[0], len(found) - 1
    first = worst.message
    if others:
        more = TN("There is {count} more problem.", "There are {count} more problems.", others)
        first = T("{first} {more}", first=first, more=more)
    if worst.severity == "warning":
        return T("It works, but look at this: {problem}", problem=first)
    return T("It does not work as it should: {problem}", problem=first)


def not_active(s: Snapshot) -> Found:
    """Say why deliveries are refused."""
    activate = T("POST /v1/integrations/{slug}/activate, or: ccb activate {slug}", slug=s.slug)
    if s.status == "paused":
        message = T("It is paused: deliveries are refused with 403, and what was accepted waits.")
        yield Problem("paused", "error", message, activate)
    elif s.status == "inactive" and s.missing:
        names = ", ".join(s.missing)
        message = T("It is not active, and its configuration lacks {names}. Deliveries are refused.", names=names)
        fix = T(
            "Set them with PATCH /v1/integrations/{slug}/config (webhook_secret: PATCH …/webhook-secret), or: "
            "ccb config {slug} {key}=…. Then activate it.",
            slug=s.slug, key=s.missing[0],
        )  # fmt: skip
        yield Problem("configuration_incomplete", "error", message, fix)
    elif s.status == "inactive":
        message = T("It is not active: deliveries are refused with 403. Nothing is missing to activate it.")
        yield Problem("inactive", "error", message, activate)
    elif s.status == "failed":
        message = T("Making it failed: {error}.", error=s.error or "-")
        fix = T("error_details say what is missing. Mend it, then POST /v1/issues/<its issue>/reprocess.")
        yield Problem("failed", "error", message, fix)
    elif s.status != "active":
        message = T("It is being made (status {status}).", status=s.status)
        yield Problem("unfinished", "warning", message, T("Wait for it; its logs say how far it is."))


def no_scheduler(s: Snapshot) -> Found:
    """Say that retries wait for ever."""
    if s.scheduler is not None:
        message = T("No scheduler runs: retries that fall due and events of a lost worker are not taken up.")
        fix = T("Start a node with the role scheduler (CCB_ROLES). GET /health shows when one holds the duty.")
        yield Problem("no_scheduler", "error", message, fix)


def waiting(s: Snapshot) -> Found:
    """Say which setting events wait for."""
    known = {service.name: service for service in s.needs}
    for group in s.waiting:
        service = known.get(group.service)
        message = TN(
            "For {span}, {count} event has waited for {service}, which is not configured.",
            "For {span}, {count} events have waited for {service}, which is not configured.",
            group.count, span=span(s.now - group.since), service=service.title if service else group.service,
        )  # fmt: skip
        fix = (
            _set_up(s, service.settings, service.own)
            if service
            else T("It is configured by now: they are taken up when the engine starts again, or by ccb config.")
        )
        yield Problem("waiting_for_service", "error", message, fix)


def not_configured(s: Snapshot) -> Found:
    """Say that events are going to wait for a service, before any does."""
    waited_for = {group.service for group in s.waiting}
    for service in s.needs:
        if service.name not in waited_for:
            message = T("Its actions need {service}, which is not configured: its events will wait.",
                        service=service.title)  # fmt: skip
            yield Problem("service_not_configured", "warning", message, _set_up(s, service.settings, service.own))


def _set_up(s: Snapshot, settings: Sequence[str], own: str | None) -> Text:
    names = ", ".join(settings)
    if own is None:
        return T("Set {settings} and start the engine again; what waits is taken up.", settings=names)
    return T(
        "Set {settings} and start the engine again, or give it a token of its own: ccb config {slug} {own}=…. "
        "What waits is taken up.",
        settings=names, slug=s.slug, own=own,
    )  # fmt: skip


def dead(s: Snapshot) -> Found:
    """Say how many events were given up, and mostly why."""
    if not s.dead.count:
        return
    message = TN(
        "{count} event is dead: every attempt failed, or its failure cannot pass by itself.",
        "{count} events are dead: every attempt failed, or their failure cannot pass by itself.",
        s.dead.count,
    )
    since = s.dead.since
    if since is not None:
        message = T("{message} The first died {span} ago.", message=message, span=span(s.now - since))
    recent = commonest(s.dead, since=s.now - DAY)
    if recent is not None:
        message = T("{message} {cause}", message=message, cause=_cause(recent))
    fix = T(
        "Mend the cause, then try them again: POST /v1/integrations/{slug}/events/retry "
        "(…/events/discard sets them aside). GET …/events?status=dead lists them.",
        slug=s.slug,
    )
    yield Problem("dead_events", "error" if recent is not None else "warning", message, fix)


def failing(s: Snapshot) -> Found:
    """Say what fails now and will be tried again."""
    if not s.failing.count:
        return
    message = TN(
        "{count} event fails at this time and will be tried again.",
        "{count} events fail at this time and will be tried again.",
        s.failing.count,
    )
    recent = commonest(s.failing, since=s.now - DAY)
    if recent is not None:
        message = T("{message} {cause}", message=message, cause=_cause(recent))
    fix = T(
        "Mend the cause before the attempts are used up. GET /v1/integrations/{slug}/events?status=failed lists them.",
        slug=s.slug,
    )
    yield Problem("failing", "warning", message, fix)


def _cause(recent: tuple[Text, int, int]) -> Text:
    reason, count, total = recent
    share = round(100 * count / total)
    return T("In the last 24 hours mostly ({share} %): {reason}", share=share, reason=reason)


def late(s: Snapshot) -> Found:
    """Say that accepted events are not worked on."""
    since = s.queue.late_since
    if since is None or s.now - since <= LATE or s.status != "active":
        return
    message = TN(
        "{count} event waits in the queue; the first has been ready to run for {span}.",
        "{count} events wait in the queue; the first has been ready to run for {span}.",
        s.queue.depth, span=span(s.now - since),
    )  # fmt: skip
    fix = T(
        "Look whether a node with the role worker runs (CCB_ROLES) and whether its log has errors; more nodes or "
        "CCB_WORKER_SLOTS work off more."
    )
    yield Problem("queue_late", "error", message, fix)


def refused(s: Snapshot) -> Found:
    """Say which deliveries were turned away, by reason."""
    for reason, count in sorted(s.refused.items(), key=lambda item: -item[1]):
        severity, why, fix = _refusal(s, reason)
        message = TN(
            "In the last hour {count} delivery was refused: {why}.",
            "In the last hour {count} deliveries were refused: {why}.",
            count, why=why,
        )  # fmt: skip
        yield Problem(f"refused_{reason}", severity, message, fix)


def _refusal(s: Snapshot, reason: str) -> tuple[Severity, Text, Text]:
    same_secret = T(
        "Give both sides the same secret: PATCH /v1/integrations/{slug}/webhook-secret here, and the same one in the "
        "sender's settings.",
        slug=s.slug,
    )
    shows = T("GET /v1/integrations/{slug}/webhook-logs shows each with its reason.", slug=s.slug)
    if s.recent and reason in ("mismatch", "missing"):
        # Whoever knows the address can send such: it says nothing about the sender whose deliveries are accepted.
        why = T("they were signed wrongly or not at all, while others were accepted; somebody else may have sent them")
        return "warning", why, shows
    match reason:
        case "mismatch" | "no_secret" | "signature":
            return "error", T("the signature is wrong, so the sender's secret is not this one"), same_secret
        case "missing":
            return "error", T("they were not signed"), same_secret
        case "forbidden":
            return "error", T("their API key may not deliver"), T("Give the sender a key with webhooks.receive.")
        case "expired":
            return "error", T("their time differs too much from ours"), T("Set the clocks of both sides by NTP.")
        case "inactive":
            later = T("Activate it; the sender's own list of deliveries can send them again.")
            return "warning", T("it was not active"), later
        case "too_large":
            return "error", T("they were larger than 25 MB"), T("Let the sender send less, such as a link to the data.")
        case _:
            return "warning", T("{reason}", reason=reason), shows


def nothing_came(s: Snapshot) -> Found:
    """Say that the sender does not seem to know the address."""
    at = s.activated_at
    if at is None or s.now - at <= SILENT or s.refused:
        return
    if s.last_activity is not None and s.last_activity >= at:
        return
    if s.events_kept is not None and s.now - at > s.events_kept:  # what had arrived may be deleted by now
        return
    message = T("No delivery has been accepted since it was activated {span} ago.", span=span(s.now - at))
    fix = T("Check the webhook's address in the sender's settings: it must be {url}. Try it: ccb send {slug}",
            url=s.url, slug=s.slug)  # fmt: skip
    yield Problem("never_received", "warning", message, fix)


def rotation(s: Snapshot) -> Found:
    """Say that the former secret ends soon."""
    ends = s.rotation_ends
    if ends is not None and ends - s.now <= ROTATION_SOON:
        message = T("The former webhook secret is valid for {span} more; what is signed with it is then refused.",
                    span=span(ends - s.now))  # fmt: skip
        fix = T("Put the new secret into the sender's settings before that.")
        yield Problem("rotation_ends", "warning", message, fix)


def illegible(s: Snapshot) -> Found:
    """Say that an address of the configuration is none, so that it cannot be activated with it."""
    if s.illegible is not None:
        fix = T("Mend it: PATCH /v1/integrations/{slug}/config, or: ccb config {slug}", slug=s.slug)
        yield Problem("configuration_illegible", "error", s.illegible, fix)


def lagging(s: Snapshot) -> Found:
    """Say that a configuration names what nobody has allowed."""
    if s.lagging:
        message = T(
            "Its configuration names what it may not reach yet: {values}. Actions towards these are refused.",
            values=", ".join(s.lagging),
        )
        fix = T("Somebody with integrations.activate activates it again: POST /v1/integrations/{slug}/activate.",
                slug=s.slug)  # fmt: skip
        yield Problem("grants_lag", "warning", message, fix)


def held(s: Snapshot) -> Found:
    """Say that a newer version does not run before somebody lets it."""
    if s.held is not None:
        message = T(
            "Its version {newer} waits for an admin, for it may do more than was approved: {wider}. {version} runs on.",
            newer=s.held.version, wider=", ".join(s.held.wider), version=s.version,
        )  # fmt: skip
        fix = T(
            "Look at what it may do, then let it run: POST /v1/integrations/{slug}/activate, or: ccb activate {slug}",
            slug=s.slug,
        )
        yield Problem("version_waits", "warning", message, fix)


LOOKS: tuple[Callable[[Snapshot], Found], ...] = (
    not_active, illegible, no_scheduler, waiting, dead, late, refused, failing, lagging, held, not_configured,
    nothing_came, rotation,
)  # fmt: skip
"""In the order in which a cause comes before what follows from it."""
