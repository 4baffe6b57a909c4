"""The first task of a run: decides which windows to read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from coursebridge.activity.matching import Someone, matched
from coursebridge.activity.windows import LONGEST_LOOKBACK_DAYS, Coverage, Window, due, windows
from coursebridge.clock import parse_rfc3339, rfc3339
from coursebridge.storage import keys
from coursebridge.storage.identities import IdentityItem
from coursebridge.storage.learners import read_learners
from coursebridge.storage.unplaced_people import UnplacedPeopleStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from coursebridge.activity.context import Context
    from coursebridge.integrations.models import Integration
    from coursebridge.storage.run_shapes import Mode, Range, Run

WAITING = "waiting"
"""The name of the object with the courses that were not in the catalogue, and the windows that mention them."""
WINDOW: Final = "window"


@dataclass(frozen=True)
class WindowRange:
    """A range that reads one window of one asset type (its item is a ``storage.run_shapes.Range``)."""

    number: int
    asset_type: str
    window: Window

    def to_item(self) -> Range:
        """Return the table item."""
        return {
            "number": self.number,
            "kind": WINDOW,
            "partition": f"{self.asset_type} {self.window.key}",
            "asset_type": self.asset_type,
            "start": self.window.key,
            "days": self.window.days,
            "settled": False,
            "status": "open",
        }

    @classmethod
    def from_item(cls, item: Range) -> WindowRange:
        """Read the table item."""
        return cls(item["number"], item["asset_type"], Window(parse_rfc3339(item["start"]), item["days"]))


def settings_digest(integration: Integration) -> str:
    """Return a digest of the settings that decide what a run reads and to which learners it belongs."""
    deciding = [
        sorted(integration.filters.asset_types),
        integration.learner_identification,
        integration.learner_matching,
    ]
    return blake2b(json.dumps(deciding).encode(), digest_size=8).hexdigest()


def serves(context: Context, asked: Mode, run: Run) -> bool:
    """Whether a run that was stopped will, once finished, have done what a new one would do."""
    same = run.get("settings") == settings_digest(context.integration())
    return same and (run["mode"] == "full" or asked == "incremental")


def lay_out(context: Context, run: Run, now: datetime) -> list[int]:
    """Write the ranges of a run, one for each asset type and window, and return their numbers."""
    integration = context.integration()
    covered = _coverage(context, integration, now) if run["mode"] == "incremental" else None
    found = due(now, integration.activity.lookback_days, covered)
    types = dict.fromkeys(integration.filters.asset_types)
    planned = [
        WindowRange(number, asset_type, window)
        for number, (window, asset_type) in enumerate((window, kind) for window in found for kind in types)
    ]
    context.runs.add_ranges(run["id"], [range_.to_item() for range_ in planned], now)
    context.runs.drop_ranges(run["id"], len(planned))
    fields: Run = {
        "planned": True,
        "planned_at": rfc3339(now),
        "mode": "incremental" if covered else "full",
        "settings": settings_digest(integration),
        "progress": {"done": 0, "total": len(planned)},
    }
    context.runs.change(run["id"], **fields)
    return [range_.number for range_ in planned]


def _coverage(context: Context, integration: Integration, now: datetime) -> Coverage | None:
    """Return what earlier runs have read under the same settings, and which windows to read again."""
    state = context.runs.state()
    if not state.get("covered_since") or state.get("settings") != settings_digest(integration):
        return None
    since, until = parse_rfc3339(state["covered_since"]), parse_rfc3339(state["covered_until"])
    return Coverage(since, until, _come(context, waiting(context, state), now))


def waiting(context: Context, state: Mapping[str, Any]) -> dict[str, str]:
    """Return the URNs of courses that earlier runs did not find in the catalogue, each with its oldest window."""
    try:
        return context.staging(state["waiting_run"]).get_json(WAITING)
    except context.s3.exceptions.NoSuchKey:
        # The object is kept for a month; after that it takes a full run to read those windows again.
        return {}


def _come(context: Context, entries: Mapping[str, str], now: datetime) -> frozenset[datetime]:
    """Return the starts of the windows to read again: all since the first to mention a course or person known now."""
    courses = {keys.course(context.integration_id, urn): urn for urn in entries}
    times = [parse_rfc3339(entries[courses[key]]) for key in context.table.get_many(courses, consistent=False)]
    times += [parse_rfc3339(since) for since in _known_since(context)]
    reach = windows(now, LONGEST_LOOKBACK_DAYS) if times else []
    return frozenset(window.start for window in reach if window.end > min(times))


def _known_since(context: Context) -> Iterator[str]:
    """Yield, for each unplaced person who now matches one active learner, the oldest window that mentions them."""
    i = context.integration_id
    people = UnplacedPeopleStore(context.table, i).get().people
    places = [keys.identity(i, *identifier) for person in people for identifier in person.identifiers]
    held = map(IdentityItem.from_item, context.table.get_many(places, consistent=False).values())
    identities = {identity.identifier: identity for identity in held}
    meant = {learner_id for identity in identities.values() for learner_id in identity.meant_now}
    learners = read_learners(context.table, i, meant, consistent=False)
    for person in people:
        match = matched(Someone(dict.fromkeys(person.identifiers)), identities, learners)
        learner = learners.get(match.learner_id) if match and match.who == "learner" else None
        if learner and learner.is_active:
            yield person.since
