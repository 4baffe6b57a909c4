"""When a task does not go on: it is tried again, or the run comes to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.linkedin.errors import CredentialsRefused, DayLimit, KeyMissing

if TYPE_CHECKING:
    from coursebridge.integrations.models import Integration

STOPPING = (CredentialsRefused, DayLimit, KeyMissing)
"""What makes asking on behalf of the same run pointless."""


class RetryLater(Exception):
    """A task could not do its work now; the state machine tries it again. What it had done is noted."""


class SwitchedOff(Exception):
    """The integration is not active any more: what is under way stops."""


def check_active(integration: Integration) -> None:
    """Check that an integration is active.

    Raises:
        SwitchedOff: it is not.
    """
    if integration.status != "active":
        raise SwitchedOff
