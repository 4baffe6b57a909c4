"""What a run archives when it finishes: what it has read as retired or no longer wanted, and what is gone.

Gone is an active course of a partition that was read completely and cleanly, and that no page of the run held. Where
those are few, LinkedIn is asked for each by itself: one that it still gives is kept until the next full run misses
it too, because lists have gaps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coursebridge.catalog.filters import speaks
from coursebridge.catalog.mapper import course_of
from coursebridge.clock import rfc3339
from coursebridge.linkedin import assets
from coursebridge.linkedin.errors import NoSuchEntity
from coursebridge.storage.table import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from coursebridge.catalog.sync.context import Context
    from coursebridge.catalog.sync.outcomes import Tally
    from coursebridge.linkedin.assets import Listing
    from coursebridge.storage.course_shapes import Reason
    from coursebridge.storage.courses import Head
    from coursebridge.storage.run_shapes import Run

ASKED_ONE_BY_ONE = 100
BATCH = 100


@dataclass
class Candidates:
    """What a run wants to archive.

    Attributes:
        reasons: why, by URN, of active courses.
        active: how many courses are active before.
        unlisted: those that are gone from the lists and yet known to LinkedIn.
        archived_missing: how many this run has archived as missing already (a repeated task finds them so).
    """

    reasons: dict[str, Reason] = field(default_factory=dict)
    active: int = 0
    unlisted: list[str] = field(default_factory=list)
    archived_missing: int = 0

    def exceed(self, percent: int) -> bool:
        """Whether these are more than a share of the active courses."""
        return len(self.reasons) * 100 > percent * self.active


def candidates(
    context: Context, run: Run, told: Mapping[str, Reason], complete: Iterable[Listing], tally: Tally
) -> Candidates:
    """Return what a run wants to archive.

    Args:
        context: the integration.
        run: the run.
        told: what the ranges say, by URN.
        complete: the listings that were read completely and cleanly; none in an incremental run.
        tally: what the run has read.
    """
    found = Candidates()
    listings = list(complete)
    if not told and not listings:
        return found
    # Where there was no course before, none can be missing, and reading them all would find out nothing.
    was_empty = run.get("was_empty", False)
    for stored in context.courses.heads_of(told) if was_empty else context.courses.heads():
        found.archived_missing += _was_missing_in(stored, run["id"])
        if stored.is_active:
            found.active += 1
            reason = told.get(stored.urn) or _gone(stored, listings, tally)
            if reason:
                found.reasons[stored.urn] = reason
    if was_empty:
        found.active = tally.counts()["created"]
    return found


def verify(context: Context, found: Candidates, unlisted_before: Iterable[str]) -> None:
    """Ask LinkedIn about what is missing, one by one, if it is little; keep what it still gives for the first time.

    Raises:
        LinkedInError: LinkedIn does not say.
    """
    missing = [urn for urn, reason in found.reasons.items() if reason == "missing"]
    known = set(unlisted_before)
    if not missing or len(missing) > ASKED_ONE_BY_ONE:
        return
    client = context.linkedin()
    for urn in missing:
        try:
            element = assets.asset(client, urn)
        except NoSuchEntity:
            continue
        if course_of({"type": "", **element, "urn": urn})["retired"]:
            found.reasons[urn] = "retired"
        elif urn not in known:
            found.unlisted.append(urn)
            del found.reasons[urn]


def archive(context: Context, run_id: str, reasons: Mapping[str, Reason]) -> None:
    """Archive courses, those that still are active."""
    now = rfc3339(context.now())
    for chunk in chunks(reasons, BATCH):
        urns = chunk
        while urns:
            standing = context.courses.get_many(urns).values()
            urns = context.courses.restate(
                stored.with_status("archived", reasons[stored.urn], "archived", run_id, now)
                for stored in standing
                if stored.is_active
            )


def _gone(stored: Head, complete: list[Listing], tally: Tally) -> Reason | None:
    if not complete or stored.urn in tally:
        return None
    return "missing" if any(_covers(listing, stored.type, stored.locale) for listing in complete) else None


def _covers(listing: Listing, asset_type: str, locale: str | None) -> bool:
    """Whether a listing would hold an asset of this type and locale."""
    return listing.asset_type == asset_type and (not listing.locale or speaks(locale, listing.locale))


def _was_missing_in(stored: Head, run_id: str) -> bool:
    return stored.run_id == run_id and stored.archived_reason == "missing"
