"""What went wrong in a run, as its record shows it: code, detail, cause, remedy, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.errors import UpstreamError

MOST_IN_A_RECORD = 50
"""The rest is cut, so that a run's item stays small whatever happens."""


class Problem(TypedDict):
    """One kind of problem of a run."""

    code: str
    detail: str
    cause: str
    remedy: str
    count: int


def problem_of(error: UpstreamError, where: str = "") -> Problem:
    """Return an error of LinkedIn's as a problem; ``where`` says at which page or asset."""
    detail = f"{error.detail} ({where})" if where else error.detail
    return Problem(code=error.reason, detail=detail, cause=error.cause, remedy=error.remedy, count=1)


def gathered(problems: Iterable[Mapping[str, object]]) -> list[Problem]:
    """Return problems without repetition, the most frequent first."""
    found: dict[tuple[object, object], Problem] = {}
    for one in problems:
        known = found.setdefault((one["code"], one["detail"]), Problem(**{**one, "count": 0}))  # type: ignore[typeddict-item]
        known["count"] += int(str(one["count"]))
    return sorted(found.values(), key=lambda one: -one["count"])[:MOST_IN_A_RECORD]


def task_died(detail: str) -> Problem:
    """Return the problem of a task that ended without a word."""
    return Problem(
        code="task_failed",
        detail=detail,
        cause="The task ran out of time or memory, or was stopped.",
        remedy="Redrive the run; if it happens again, the function's log tells why.",
        count=1,
    )


def switched_off() -> Problem:
    """Return the problem of a run whose integration is not active."""
    return Problem(
        code="integration_inactive",
        detail="the integration is switched off",
        cause="It was deactivated while the run was under way, or before the run began.",
        remedy="Activate the integration; the next sync reads what this one has not.",
        count=1,
    )


def unusable_elements(number: int) -> Problem:
    """Return the problem of elements that are no assets."""
    return Problem(
        code="unusable_element",
        detail="elements without a URN and a type, or too large to keep",
        cause="LinkedIn sent something that is not an asset.",
        remedy="If it stays, report it to LinkedIn's support.",
        count=number,
    )


def catalogue_shifted() -> Problem:
    """Return the problem of a list that moved by more than a page while it was read."""
    return Problem(
        code="catalogue_shifted",
        detail="the catalogue changed so much while it was read that assets may have been passed over",
        cause="Many assets were added or removed during the run.",
        remedy="Nothing was archived as missing. Start another full run.",
        count=1,
    )


def total_suspect(partition: str, total: int) -> Problem:
    """Return the problem of a listing that LinkedIn may have cut short."""
    return Problem(
        code="total_suspect",
        detail=f"LinkedIn says there are exactly {total} ({partition}) and may have cut the list short",
        cause="LinkedIn caps some answers at 500 or 1000.",
        remedy="Nothing was archived as missing. Name languages in the filters, so that each list becomes shorter.",
        count=1,
    )


def listing_unfinished(partition: str) -> Problem:
    """Return the problem of a listing whose end was not reached."""
    return Problem(
        code="listing_unfinished",
        detail=f"the end of a list was not reached ({partition})",
        cause="LinkedIn links to further pages for ever, or the list is longer than a run reads.",
        remedy="Nothing was archived as missing. Name languages in the filters, so that each list becomes shorter.",
        count=1,
    )


def ranges_lost(number: int) -> Problem:
    """Return the problem of ranges that are not in the table any more."""
    return Problem(
        code="ranges_lost",
        detail="part of what the run has read is not kept any more",
        cause="The run was taken up again long after it began.",
        remedy="Nothing was archived as missing. Start another full run.",
        count=number,
    )


def still_available(number: int) -> Problem:
    """Return the note that courses are not listed any more, yet LinkedIn still knows them."""
    return Problem(
        code="unlisted_but_available",
        detail="courses are not listed any more, but LinkedIn still gives them when asked for one by one",
        cause="They left the licensed library, or LinkedIn's list had gaps.",
        remedy="Nothing to do: they are archived if the next full run does not find them listed either.",
        count=number,
    )
