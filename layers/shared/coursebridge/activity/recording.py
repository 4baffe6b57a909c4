"""Adds reported activity to records: reads each record once and writes it only if the reports add something new.

Each write also stores its outcome on the record, so that a repeated task counts what it did the first time.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, TypeVar

from coursebridge.activity import reconcile
from coursebridge.activity.matching import identifiers_of
from coursebridge.clock import rfc3339
from coursebridge.errors import TooLarge, Unavailable
from coursebridge.records.evidence import Evidence
from coursebridge.storage import keys
from coursebridge.storage.learners import Learner
from coursebridge.storage.records import Record
from coursebridge.storage.statement_outcomes import turns
from coursebridge.storage.table import TransactionRefused, chunks, pauses, unchanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from coursebridge.activity.mapper import ReportedActivity
    from coursebridge.activity.matching import Match, Who
    from coursebridge.activity.roster import Roster
    from coursebridge.records.identifiers import Identification
    from coursebridge.storage.table import Item, Table
    from coursebridge.storage.unplaced_people import Reason

T = TypeVar("T")
KEPT: Mapping[Who, Reason] = {
    "unknown": "learner_unknown",
    "ambiguous": "learner_ambiguous",
    "inactive": "learner_inactive",
}
"""Why people who may have records later have none yet. People who were erased never appear here."""
BATCH = 50
"""Records in a transaction; each may add a check of its learner."""
MOST_WAITING = 2000


@dataclass
class Tally:
    """The outcomes of recording reported activities.

    Attributes:
        counts: ``read``, which is the sum of ``created``, ``updated``, ``unchanged`` and ``ignored``; the reasons for
            ignoring; the repairs (``completions`` and ``progress``, and as ``history`` how many of both date from
            before the push was configured); how many records were ``compared``, and how many of those had
            ``drifted``; and as ``reengaged`` how many courses were completed once more.
        courses: the URNs of courses that are not in the catalogue, each with the oldest window that mentions it.
        unplaced: people who cannot have records yet: for each reason, their number in the roster and the oldest
            window that mentions them.
    """

    counts: Counter[str] = field(default_factory=Counter)
    courses: dict[str, str] = field(default_factory=dict)
    unplaced: defaultdict[Reason, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))


def wait(waiting: dict[T, str], what: T, window: str) -> None:
    """Note that something could not be placed, unless too many things are waiting already."""
    if what in waiting or len(waiting) < MOST_WAITING:
        waiting[what] = min(window, waiting.get(what, window))


@dataclass(frozen=True)
class RunFacts:
    """What the recorder needs to know about its run.

    Attributes:
        run_id: the run's id.
        identification: how the integration identifies learners.
        statistics_since: when the integration's push was configured.
    """

    run_id: str
    identification: Identification
    statistics_since: str


@dataclass(frozen=True)
class _Said:
    """What the reports say of one person and one course: the person's number, whom it matches, and the activity."""

    number: int
    match: Match
    activity: ReportedActivity

    @property
    def learner_id(self) -> str:
        return self.match.learner_id

    @property
    def urn(self) -> str:
        return self.activity.content_urn


@dataclass(frozen=True)
class _Case:
    """One learner and one course: the record before, what was reported, and the record after.

    If the learner was merged from several people, each may have been reported. What is said of each is recorded as
    their own, so that it goes with them if they are parted again.
    """

    said: Sequence[_Said]
    learner_version: int
    before: Record
    after: Record
    stamp: dict[str, Any]

    @property
    def activity(self) -> ReportedActivity:
        return reduce(or_, (claim.activity for claim in self.said))

    @property
    def changes(self) -> bool:
        return self.after is not self.before

    @property
    def turns(self) -> bool:
        """Whether a completion from a statement now counts for another attempt."""
        return self.after.counted != self.before.counted


class Recorder:
    """Records reported activity for one integration and run.

    Args:
        table: the application's table.
        integration_id: the integration's id.
        run: the run.
        roster: the people of the run and the learners they match.
        now: the time of the writes.
    """

    def __init__(self, table: Table, integration_id: str, run: RunFacts, roster: Roster, now: datetime) -> None:
        self._table = table
        self._integration_id = integration_id
        self._run = run
        self._roster = roster
        self._now = rfc3339(now)
        self._durations: dict[str, int | None] = {}
        self._absent: set[str] = set()
        self.tally = Tally()

    def record(self, activities: Iterable[ReportedActivity]) -> Tally:
        """Record activities, after joining those of the same person and content in memory.

        Raises:
            coursebridge.errors.Unavailable: the table is busy; it is safe to record the same activities again.
        """
        joined: defaultdict[tuple[str, str], dict[str, _Said]] = defaultdict(dict)
        for activity in activities:
            number, match = self._roster.who(identifiers_of(activity.person, self._run.identification)[0])
            people = joined[match.learner_id or str(number), activity.content_urn]
            before = people.get(match.origin)
            people[match.origin] = _Said(number, match, before.activity | activity if before else activity)
        for batch in chunks((tuple(people.values()) for people in joined.values()), BATCH):
            self.tally.counts["read"] += len(batch)
            self._record([said for said in batch if self._has_place(said[0])])
        return self.tally

    def _has_place(self, claim: _Said) -> bool:
        """Whether an activity belongs to a learner; if not, note why."""
        if claim.match.who == "learner":
            return True
        self.tally.counts.update(("ignored", f"learner_{claim.match.who}"))
        reason = KEPT.get(claim.match.who)
        if reason:
            wait(self.tally.unplaced[reason], claim.number, _oldest(claim.activity))
        return False

    def _record(self, cases_said: Sequence[Sequence[_Said]]) -> None:
        self._learn_courses({said[0].urn for said in cases_said})
        known = [said for said in cases_said if said[0].urn not in self._absent]
        for said in cases_said:
            if said[0].urn in self._absent:
                self.tally.counts.update(("ignored", "course_unknown"))
                wait(self.tally.courses, said[0].urn, min(_oldest(claim.activity) for claim in said))
        cases = self._cases(known)
        changing = [case for case in cases if case.changes]
        written = self._written(changing) if changing else []
        for case in [*(case for case in cases if not case.changes), *written]:
            self._count(case)
            self._note_return(case)

    def _learn_courses(self, urns: set[str]) -> None:
        news = urns - self._durations.keys() - self._absent
        found = self._table.get_many(keys.course(self._integration_id, urn) for urn in news)
        self._durations.update((key.sk, item.get("duration_seconds")) for key, item in found.items())
        self._absent |= news - self._durations.keys()

    def _cases(self, cases_said: Sequence[Sequence[_Said]]) -> list[_Case]:
        i = self._integration_id
        places = [
            (keys.record(i, said[0].learner_id, said[0].urn), keys.learner(i, said[0].learner_id))
            for said in cases_said
        ]
        found = self._table.get_many(key for place in places for key in place)
        cases = []
        for said, (record, learner) in zip(cases_said, places, strict=True):
            if all(_is_current(claim.match, found.get(learner)) for claim in said):
                cases.append(self._case(said, found.get(record), found[learner]["version"]))
            else:
                self._leave_to_the_next_run(said)
        return cases

    def _leave_to_the_next_run(self, said: Sequence[_Said]) -> None:
        self.tally.counts.update(("ignored", "learner_gone"))
        for claim in said:
            wait(self.tally.unplaced["learner_gone"], claim.number, _oldest(claim.activity))

    def _case(self, said: Sequence[_Said], item: Item | None, learner_version: int) -> _Case:
        learner_id, urn = said[0].learner_id, said[0].urn
        before = Record.of(item, self._integration_id, learner_id, urn)
        parts = dict(before.parts)
        for claim in said:
            origin = claim.match.origin
            parts[origin] = parts.get(origin, Evidence()) | Evidence(report=claim.activity.report)
        if item and parts == before.parts:
            mine = item.get("repair") or {}
            stamp = mine if mine.get("run_id") == self._run.run_id else {}
            return _Case(said, learner_version, before, before, stamp)
        after = before.with_parts(parts, self._durations[urn])
        repair = reconcile.repair_of(before, after)
        case = _Case(said, learner_version, before, after, {})
        stamp = {
            "run_id": self._run.run_id,
            "outcome": "updated" if item else "created",
            "repair": repair,
            "history": reconcile.is_history(case.activity, repair, self._run.statistics_since),
        }
        return replace(case, stamp=stamp)

    def _written(self, cases: Sequence[_Case]) -> list[_Case]:
        """Write records together, except the few that turn statements, which are written one by one."""
        turning = [case for case in cases if case.turns]
        together = [case for case in cases if not case.turns]
        written = self._together(together) if together else []
        return written + [settled for case in turning for settled in self._alone(case)]

    def _together(self, cases: Sequence[_Case]) -> list[_Case]:
        try:
            self._table.transact(self._actions(cases))
        except (TransactionRefused, TooLarge):
            pass  # because of one of the records, or all of them together
        else:
            return list(cases)
        return [written for case in cases for written in self._alone(case)]

    def _alone(self, case: _Case) -> list[_Case]:
        """Write one record that others may be changing at the same time, unless it is full or its learner is gone."""
        for pause in pauses():
            cases = self._cases([case.said])
            try:
                if cases and cases[0].changes:
                    turned = turns(self._table, cases[0].before, cases[0].after, self._now)
                    self._table.transact([*self._actions(cases), *turned])
            except TransactionRefused:
                time.sleep(pause)
            except TooLarge:
                self.tally.counts.update(("ignored", "record_full"))
                return []
            else:
                return cases
        raise Unavailable("other writers kept changing the same record, try again")

    def _actions(self, cases: Sequence[_Case]) -> list[dict[str, Any]]:
        """Return the writes, conditional on the records and the learners being unchanged."""
        puts = [
            self._table.put_action(
                case.after.to_item(self._now) | {"repair": case.stamp}, **unchanged(case.before.version)
            )
            for case in cases
        ]
        learners = {keys.learner(self._integration_id, case.before.learner_id): case.learner_version for case in cases}
        return puts + [self._table.check_action(key, **unchanged(version)) for key, version in learners.items()]

    def _count(self, case: _Case) -> None:
        stamp, counts = case.stamp, self.tally.counts
        counts[stamp.get("outcome", "unchanged")] += 1
        repair = stamp.get("repair")
        if repair:
            counts["progress" if repair == "progress" else "completions"] += 1
        if stamp.get("history") if repair else self._is_history(case):
            counts["history"] += bool(repair)
        else:
            counts["compared"] += 1
            # LinkedIn sends a statement only for the first completion, so a retake does not mean that one was missed.
            counts["drifted"] += repair in ("completion", "progress")

    def _is_history(self, case: _Case) -> bool:
        return reconcile.is_history(case.activity, None, self._run.statistics_since)

    def _note_return(self, case: _Case) -> None:
        """Store that a course was completed once more; the stream turns each such completion into one event."""
        at = reconcile.completed_again_at(case.after, case.activity)
        if at is None:
            return
        learner_id, urn = case.before.learner_id, case.before.course_urn
        key = keys.reengagement(self._integration_id, learner_id, urn)
        known = self._table.get(key) or {}
        if known.get("completed_at", "") >= at:
            self.tally.counts["reengaged"] += known["run_id"] == self._run.run_id
            return
        item = {
            **key.item(),
            "entity": "reengagement",
            "integration_id": self._integration_id,
            "learner_id": learner_id,
            "course_urn": urn,
            "completed_at": at,
            "run_id": self._run.run_id,
            "noted_at": self._now,
        }
        self._table.put(item)
        self.tally.counts["reengaged"] += 1


def _is_current(match: Match, item: Item | None) -> bool:
    """Whether a learner still exists as they were when people were matched.

    If not, they were merged, parted or erased since, or an identifier became somebody else's: the next run decides.
    """
    return item is not None and Learner.from_item(item).is_listed and item["version"] == match.version


def _oldest(activity: ReportedActivity) -> str:
    """Return the key of the oldest window that mentions an activity, or a time within that window."""
    report: Mapping[str, int] = {
        **activity.report.seconds,
        **activity.report.views,
        **activity.report.completions,
    }
    return min(report, default="") or (activity.report.first_engaged_at or "")
