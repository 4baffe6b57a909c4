"""The problems of a run, as its record shows them: code, detail, cause, remedy, and how often each occurred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.storage.run_shapes import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coursebridge.errors import UpstreamError

MOST_IN_A_RECORD = 50
"""Further problems are dropped, so that a run's item always stays small."""


def problem_of(error: UpstreamError, where: str = "") -> Problem:
    """Return a LinkedIn error as a problem; ``where`` names the page or asset."""
    detail = f"{error.detail} ({where})" if where else error.detail
    return Problem(code=error.reason, detail=detail, cause=error.cause, remedy=error.remedy, count=1)


def gathered(problems: Iterable[Problem]) -> list[Problem]:
    """Merge problems with the same code and detail, adding up their counts; return the most frequent first."""
    found: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        known = found.setdefault((problem["code"], problem["detail"]), {**problem, "count": 0})
        known["count"] += problem["count"]
    return sorted(found.values(), key=lambda problem: -problem["count"])[:MOST_IN_A_RECORD]


def task_died(detail: str) -> Problem:
    """Return the problem of a task that ended without reporting anything."""
    return Problem(
        code="task_failed",
        detail=detail,
        cause="The task ran out of time or memory, or was stopped.",
        remedy="Redrive the run; if it happens again, the function's log says why.",
        count=1,
    )


def switched_off() -> Problem:
    """Return the problem of a run whose integration is not active."""
    return Problem(
        code="integration_inactive",
        detail="the integration is not active",
        cause="It was deactivated while the run was under way, or before the run began.",
        remedy="Activate the integration; the next sync reads what this one has not.",
        count=1,
    )


def reports_switched_off() -> Problem:
    """Return the problem of a run of the activity sync whose integration reads no activity reports."""
    return Problem(
        code="activity_disabled",
        detail="activity reports are switched off",
        cause="The setting activity.enabled was set to false while the run was under way, or before the run began.",
        remedy="Set activity.enabled to true; the next sync reads what this one has not.",
        count=1,
    )
