"""What a request says: its fields, which of them are needed, and what conflicts with the runtime. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from core.errors import Conflict, Invalid
from core.generation.template import FIELDS, LONGEST, Field, cleaned, parse
from core.manifest import RUNTIME
from core.texts import T, Text

WHY: Mapping[str, Text] = {
    "service_name": T("Whose events come in depends on it, and how they are signed."),
    "integration_type": T("It says how the events come: sent by the service (a webhook), or asked for."),
    "target_service": T("It says where the result goes, and so what the integration may reach."),
    "api_endpoints": T("The target is none that is reached without one, so its address and how to sign in are needed."),
    "description": T("It is what Claude writes the integration from."),
    "events": T("Without them every event of the service is taken."),
    "dependencies": T("The runtime has to give what the integration depends on."),
}
"""Why each field matters."""
PYTHON = Version("3.11")
"""The Python whose subset the sandbox runs."""
_LATIN = re.compile(r"[A-Za-z]")
_CYRILLIC = re.compile(r"[А-Яа-яЁё]")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


def known(fields: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that there are, cleaned; raise `Invalid` for one that is unknown or too long."""
    names = {field.name for field in FIELDS}
    for name, value in fields.items():
        if name not in names:
            raise Invalid(
                T("{key} is unknown here. Known: {known}.", key=name, known=", ".join(f.name for f in FIELDS)),
                path=f"request.{name}",
            )
        if len(value) > LONGEST:
            title = next(field.title for field in FIELDS if field.name == name)
            raise Invalid(
                T("{key} has more than {limit} characters.", key=title, limit=LONGEST), path=f"request.{name}"
            )
    return {name: text for name, value in fields.items() if (text := cleaned(value).strip())}


def insufficient(absent: list[Field]) -> Invalid:
    """Return the guide's error for a request that lacks fields."""
    names: Text = absent[0].title
    for field in absent[1:]:
        names = T("{first}, {second}", first=names, second=field.title)
    return Invalid(
        T("The request lacks {names}. Add them: each is explained in the template, with an example.", names=names),
        error="Insufficient integration requirements",
        missing_fields=[field.name for field in absent],
    )


def conflicts(dependencies: str) -> list[Text]:
    """Return what of the wished dependencies the runtime cannot give, each with the reason.

    The runtime is the sandbox: Python's subset with a part of its standard library, and no packages.
    """
    found: list[Text] = []
    wanted: dict[str, SpecifierSet] = {}
    for line in re.split(r"[,;\n]+", dependencies):
        text = line.strip().strip("-* `")
        if not text or text.lower() in ("none", "no", "нет", "-"):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            found.append(T("{requirement}: not a requirement such as python>=3.11", requirement=text[:80]))
            continue
        name = requirement.name.lower()
        wanted[name] = wanted.get(name, SpecifierSet()) & requirement.specifier
    for name, specifier in wanted.items():
        wish = f"{name}{specifier}"
        if name == "python":
            if PYTHON not in specifier:
                found.append(T("{requirement}: the sandbox runs Python {version}", requirement=wish, version=PYTHON))
        elif name == "runtime":
            if Version(str(RUNTIME)) not in specifier:
                found.append(
                    T("{requirement}: this engine runs version {version} of the handler contract",
                      requirement=wish, version=RUNTIME)
                )  # fmt: skip
        else:
            found.append(
                T("{requirement}: the sandbox has no packages, only a part of the standard library", requirement=wish)
            )
    return found


def conflicting(found: list[Text]) -> Conflict:
    """Return the guide's error for a request whose dependencies cannot be met; its `conflicts` are in English."""
    return Conflict(
        T("The runtime cannot give what the request depends on: {conflicts}.", conflicts=listed(found)),
        error="Dependency conflict detected",
        conflicts=[str(one) for one in found],
    )


def listed(found: list[Text]) -> Text:
    """Return several reasons as one."""
    whole = found[0]
    for one in found[1:]:
        whole = T("{first}; {second}", first=whole, second=one)
    return whole


def language_of(fields: Mapping[str, str], body: str = "") -> str:
    """Return the language that a request is written in, `ru` or `en`. `body`: of its issue, if it is one.

    It is `ru` where the template is the Russian one, whatever names stand in it, or where most letters are Cyrillic: of
    what the fields say, or of the whole body where it is no template.
    """
    if body and parse(body).russian:
        return "ru"
    said = [text for name in ("description", "target_service", "integration_type") if (text := fields.get(name))]
    text = " ".join(said or [cleaned(body)])
    return "ru" if len(_CYRILLIC.findall(text)) > len(_LATIN.findall(text)) else "en"


def title_of(fields: Mapping[str, str]) -> str:
    """Return a title for a request: `Sentry → Slack`."""
    parts = [fields.get(name, "").splitlines() for name in ("service_name", "target_service")]
    names = [lines[0].strip()[:36] for lines in parts if lines and lines[0].strip()]
    return " → ".join(names) or "Integration"


def slug_of(fields: Mapping[str, str], suffix: str) -> str:
    """Return a slug for a request: Latin words of its title, or `integration`, and `suffix` to tell it from others."""
    words = _NOT_A_WORD.sub("-", title_of(fields).lower()).strip("-")[:40].strip("-")
    return f"{words or 'integration'}-{suffix}"
