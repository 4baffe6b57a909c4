"""Integrations, webhooks and secrets as answers and the audit show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.admin.setup import USER_TYPES, steps
from coursebridge.admin.situation import situations
from coursebridge.integrations.store import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coursebridge.admin.situation import Situation
    from coursebridge.auth.clients import Client
    from coursebridge.integrations.models import Integration
    from coursebridge.storage.table import Table

INTERNAL = frozenset({"version", "webhook_client_id"})


def integrations(table: Table, found: Sequence[Integration]) -> list[dict[str, Any]]:
    """Return integrations as answers show them."""
    return [one(integration, how) for integration, how in zip(found, situations(table, found), strict=True)]


def one(integration: Integration, situation: Situation) -> dict[str, Any]:
    """Return an integration as answers show it."""
    dumped = {name: value for name, value in plain(integration.model_dump()).items() if name not in INTERNAL}
    return {**dumped, "setup": list(steps(integration, situation)), "etag": etag(integration)}


def etag(integration: Integration) -> str:
    """Return the entity tag of this version of an integration."""
    return str(integration.version)


def webhook(integration: Integration, client: Client, base_url: str, mismatched: int) -> dict[str, Any]:
    """Return the values to paste into LinkedIn.

    Args:
        integration: the integration.
        client: the client LinkedIn uses.
        base_url: the URL of this API, without a slash at the end.
        mismatched: how many statements are held as ``actor_mismatch``.
    """
    user_type = USER_TYPES[integration.learner_identification]
    return {
        "oauth_server_url": f"{base_url}/oauth2/token",
        "tenant_server_url": f"{base_url}/xapi/statements",
        "client_id": client.client_id,
        "user_type": user_type,
        "secrets": secrets(client),
        "warning": _warning(user_type) if mismatched else None,
    }


def secrets(client: Client) -> list[dict[str, Any]]:
    """Return a client's live secrets without their text."""
    return [
        {"n": secret.n, "created_at": secret.created_at or None, "last_used_at": secret.last_used_at}
        for secret in client.secrets
    ]


def audited_secrets(client: Client) -> dict[str, Any]:
    """Return the numbers of a client's live secrets, as the audit records them."""
    return {"live": [secret.n for secret in client.secrets]}


def _warning(user_type: str) -> str:
    return (
        f"statements arrive whose actor is not of User Type {user_type}; they are held as actor_mismatch. Set User "
        f"Type to {user_type} in LinkedIn (Me > Integrate > Configure reporting integrations > Configure xAPI), or "
        "change learner_identification"
    )
