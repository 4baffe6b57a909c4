"""LinkedIn's daily limit of calls: once it is reached, syncs wait until it resets, and stopped ones then continue.

LinkedIn counts an application's calls to each resource from midnight to midnight UTC and refuses more with a 429 whose
message mentions the DAY (Microsoft Learn, "LinkedIn API rate limiting"). So each kind of sync remembers its own limit.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.linkedin.errors import DAY_LIMIT, DayLimit

if TYPE_CHECKING:
    from datetime import datetime

    from coursebridge.linkedin.errors import LinkedInError
    from coursebridge.storage.run_shapes import Remembered, Run
    from coursebridge.storage.runs import RunStore


def note(runs: RunStore, error: LinkedInError, now: datetime) -> None:
    """Remember that the limit is reached, if an error says so."""
    if isinstance(error, DayLimit):
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        runs.remember(limited_until=rfc3339(midnight + timedelta(days=1)))


def lift(runs: RunStore) -> None:
    """Forget that the limit is reached, so that LinkedIn is asked again at once."""
    if runs.state().get("limited_until"):
        runs.remember(limited_until=None)


def in_force_until(state: Remembered, now: datetime) -> datetime | None:
    """Return when the limit remembered for a kind of sync resets, or ``None`` if LinkedIn may be asked."""
    until = state.get("limited_until")
    moment = parse_rfc3339(until) if until else None
    return moment if moment and moment > now else None


def has_stopped(run: Run) -> bool:
    """Return whether a run failed because of the limit."""
    return run["status"] == "failed" and any(problem["code"] == DAY_LIMIT for problem in run["errors"])
