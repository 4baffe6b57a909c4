"""Archives, when a run finishes, the courses it has read as retired or filtered out, and those that are missing.

An active course is missing if its partition was read completely and cleanly and no page of the run held it. If only a
few are missing, each is requested from LinkedIn by itself. Because lists have gaps, a course that LinkedIn does not
deny having is kept until the next full run misses it, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coursebridge.catalog.filters import speaks
from coursebridge.catalog.mapper import course_of
from coursebridge.clock import rfc3339
from coursebridge.linkedin import assets
from coursebridge.linkedin.errors import KeyMissing, NoSuchEntity, RequestRefused
from coursebridge.storage.table import chunks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from coursebridge.catalog.sync.context import Context
    from coursebridge.catalog.sync.outcomes import Tally
    from coursebridge.linkedin.assets import Listing
    from coursebridge.storage.course_shapes import Reason
    from coursebridge.storage.courses import Head
    from coursebridge.storage.run_shapes import Run

ASKED_ONE_BY_ONE = 100
BATCH = 100
UNDECIDED = (RequestRefused, KeyMissing)
"""LinkedIn neither gives an asset nor denies having it; this is about that asset, because the run could read others."""


@dataclass
class Candidates:
    """The courses a run wants to archive.

    Attributes:
        reasons: the active courses to archive: reasons by URN.
        active: how many courses are active before archiving.
        unlisted: URNs of missing courses that LinkedIn does not deny having.
        archived_before: how many courses that the run has not read it had already archived when its last task was
            repeated.
    """

    reasons: dict[str, Reason] = field(default_factory=dict)
    active: int = 0
    unlisted: list[str] = field(default_factory=list)
    archived_before: int = 0

    def exceed(self, percent: int) -> bool:
        """Whether these are more than ``percent`` of the active courses."""
        return len(self.reasons) * 100 > percent * self.active


def candidates(
    context: Context, run: Run, told: Mapping[str, Reason], complete: Iterable[Listing], tally: Tally
) -> Candidates:
    """Return the courses a run wants to archive.

    Args:
        context: the integration.
        run: the run.
        told: the reasons found by the ranges, by URN.
        complete: the listings that were read completely and cleanly; none in an incremental run.
        tally: the assets that the run has read.
    """
    found = Candidates()
    listings = list(complete)
    if not told and not listings:
        return found
    # If there were no courses before the run, none can be missing, and there is no need to read them all.
    was_empty = run.get("was_empty", False)
    for stored in context.courses.heads_of(told) if was_empty else context.courses.heads():
        found.archived_before += _was_archived_unread(stored, run["id"], tally)
        if stored.is_active:
            found.active += 1
            reason = told.get(stored.urn) or _gone(stored, listings, tally)
            if reason:
                found.reasons[stored.urn] = reason
    if was_empty:
        found.active = tally.counts()["created"]
    return found


def possibly_unread(context: Context, found: Candidates, cut_short: Sequence[Listing]) -> frozenset[str]:
    """Return the missing videos that may be beyond the end of a list of curated videos that LinkedIn cuts short.

    The second opinion of such a list reads topic by topic, and so finds no video without a topic.

    Args:
        context: the integration.
        found: the candidates.
        cut_short: the lists of curated videos that are cut short.
    """
    if not cut_short:
        return frozenset()
    standing = context.courses.get_many(urn for urn, reason in found.reasons.items() if reason == "missing")
    courses = (stored.course for stored in standing.values())
    return frozenset(
        course["urn"]
        for course in courses
        if any(_covers(listing, course["type"], course["locale"]) for listing in cut_short)
        and not any(classification["type"] == "TOPIC" for classification in course["classifications"])
    )


def verify(context: Context, found: Candidates, unlisted_before: Iterable[str], unread: Collection[str]) -> None:
    """Request missing courses from LinkedIn one by one, if they are few.

    One that LinkedIn does not deny having is kept, unless that was so in the last clean full run, too.

    Args:
        context: the integration.
        found: the candidates; changed in place.
        unlisted_before: the URNs kept in that way by the last clean full run.
        unread: the URNs that no list of this run could hold; these are archived only if LinkedIn says they are gone.

    Raises:
        LinkedInError: a call failed.
    """
    missing = [urn for urn, reason in found.reasons.items() if reason == "missing"]
    if len(missing) > ASKED_ONE_BY_ONE:
        for urn in unread:
            del found.reasons[urn]
        return
    known = set(unlisted_before)
    for urn, is_retired in _not_denied(context, missing):
        if is_retired:
            found.reasons[urn] = "retired"
        elif urn in unread:
            del found.reasons[urn]
        elif urn not in known:
            found.unlisted.append(urn)
            del found.reasons[urn]


def _not_denied(context: Context, urns: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield the URNs of those of these courses that LinkedIn does not deny having, and whether each is retired."""
    if not urns:
        return
    client = context.linkedin()
    for urn in urns:
        try:
            element = assets.asset(client, urn)
        except NoSuchEntity:
            continue
        except UNDECIDED:
            yield urn, False
        else:
            yield urn, course_of({"type": "", **element, "urn": urn})["retired"]


def archive(context: Context, run_id: str, reasons: Mapping[str, Reason]) -> None:
    """Archive those of these courses that are still active."""
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
    """Whether a listing includes assets of this type and locale."""
    return listing.asset_type == asset_type and (not listing.locale or speaks(locale, listing.locale))


def _was_archived_unread(stored: Head, run_id: str, tally: Tally) -> bool:
    # What the run has read and stored as archived, such as an awaited course, is in the tally already.
    return stored.run_id == run_id and not stored.is_active and stored.urn not in tally
