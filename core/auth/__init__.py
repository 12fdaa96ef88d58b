"""Who is asking and what they may do: permissions, roles, API keys, Slack's first admin."""

from core.actors import (
    ANONYMOUS,
    LOCAL,
    PERMISSIONS,
    ROLES,
    SYSTEM,
    Actor,
    Permission,
    in_order,
    parse_permissions,
)
from core.auth.claims import claim, claimed_admins, ensure_claim_code
from core.auth.key_form import is_well_formed, new_key
from core.auth.keys import (
    LONGEST_NAME,
    ApiKey,
    authenticate,
    change,
    ensure_first_admin,
    get,
    issue,
    list_keys,
    revoke,
    rotate,
    shown,
)

__all__ = [
    "ANONYMOUS",
    "LOCAL",
    "LONGEST_NAME",
    "PERMISSIONS",
    "ROLES",
    "SYSTEM",
    "Actor",
    "ApiKey",
    "Permission",
    "authenticate",
    "change",
    "claim",
    "claimed_admins",
    "ensure_claim_code",
    "ensure_first_admin",
    "get",
    "in_order",
    "is_well_formed",
    "issue",
    "list_keys",
    "new_key",
    "parse_permissions",
    "revoke",
    "rotate",
    "shown",
]
