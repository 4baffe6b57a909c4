"""Why a task stops early: it is to be retried, or the whole run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.linkedin.errors import CredentialsRefused, DayLimit, KeyMissing

if TYPE_CHECKING:
    from coursebridge.integrations.models import Integration

STOPPING = (CredentialsRefused, DayLimit, KeyMissing)
"""Errors after which further calls in the same run are pointless."""


class RetryLater(Exception):
    """A task could not finish its work now; what it did is stored, and the state machine retries it."""


class SwitchedOff(Exception):
    """The integration is no longer active, so the work in progress stops."""


def check_active(integration: Integration) -> None:
    """Check that an integration is active.

    Raises:
        SwitchedOff: the integration is not active.
    """
    if integration.status != "active":
        raise SwitchedOff
