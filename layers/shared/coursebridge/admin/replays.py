"""Statements sent round again by admins: one, all that are held for a reason, all that another rule may settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.apply.judge import HELD_REASONS
from coursebridge.apply.release import held, release
from coursebridge.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.statement_outcomes import HeldReason
    from coursebridge.storage.table import Table

WHO_REASONS = tuple(reason for reason in HELD_REASONS if reason != "course_unknown")


def release_held(table: Table, integration_id: str, reason: HeldReason, time_is_up: Callable[[], bool]) -> int:
    """Send round again what is held for a reason, as long as there is time; return how many.

    Of what waits for the same thing, the oldest goes first.
    """
    waiting = (item["statement_id"] for item in held(table, integration_id, reason))
    return release(table, integration_id, waiting, utc_now(), time_is_up=time_is_up)


def release_after_change(table: Table, integration_id: str, time_is_up: Callable[[], bool]) -> int:
    """Send round again what was held because of who its learner is: learners are found by another rule now."""
    return sum(release_held(table, integration_id, reason, time_is_up) for reason in WHO_REASONS)
