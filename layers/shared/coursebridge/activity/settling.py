"""The step between reading and recording: matches people to learners and divides the rows among recording tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.activity.linking import Linker, Rules
from coursebridge.activity.roster import Roster
from coursebridge.activity.staging import groups_of
from coursebridge.activity.working import CONTENTS, is_window
from coursebridge.clock import rfc3339
from coursebridge.observability import logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coursebridge.activity.context import Context
    from coursebridge.activity.mapper import Person
    from coursebridge.integrations.models import Integration
    from coursebridge.storage.run_shapes import Progress, Range, Run


def settle(context: Context, run_id: str) -> list[int]:
    """Write the ranges that record what was read and return their numbers; none once everything read is recorded.

    Raises:
        coursebridge.errors.Unavailable: the table is busy; repeat the task.
    """
    known = list(context.runs.ranges(run_id))
    still_open = [range_["number"] for range_ in known if not is_window(range_) and not range_["settled"]]
    taken = {number for range_ in known if not is_window(range_) for number in range_["of"]}
    read = [range_ for range_ in known if is_window(range_) and range_["status"] == "done" and range_["rows"]]
    news = [range_ for range_ in read if range_["number"] not in taken]
    if still_open or not news:
        return still_open
    return _dealt(context, context.runs.get(run_id), news, len(known))


def _dealt(context: Context, run: Run, news: Sequence[Range], first_number: int) -> list[int]:
    numbers = [range_["number"] for range_ in news]
    roster_name = f"found-{first_number:06d}"
    integration = context.integration()
    with Roster.opened() as roster:
        for person in _people(context, run["id"], numbers):
            roster.tell(person, integration.learner_identification)
        counts = _linker(context, run, integration).find(roster)
        with roster.saved() as file:
            context.staging(run["id"]).put_file(roster_name, file)
    ranges: list[Range] = [
        {
            "number": first_number + place,
            "kind": CONTENTS,
            "partition": f"contents {first} to {last}",
            "of": numbers,
            "found": roster_name,
            # A copy: people were just matched by these settings, which may change while the run is under way.
            "identification": integration.learner_identification,
            "statistics_since": rfc3339(integration.statistics_since),
            "first": first,
            "last": last,
            "settled": False,
            "status": "open",
        }
        for place, (first, last) in enumerate(groups_of(range_["offsets"] for range_ in news))
    ]
    people = {name: run.get("people", {}).get(name, 0) + number for name, number in counts.items()}
    progress: Progress = {**run["progress"], "total": run["progress"]["total"] + len(ranges)}
    context.runs.add_ranges(run["id"], ranges, context.now())
    context.runs.change(run["id"], people=people, progress=progress, dealt_at=rfc3339(context.now()))
    logger.info("people of a run found", run=run["id"], people=dict(counts))
    return [range_["number"] for range_ in ranges]


def _linker(context: Context, run: Run, integration: Integration) -> Linker:
    # Learners added since the run started, or since people were last matched, were added by a failed attempt.
    rules = Rules(integration.learner_matching, run.get("dealt_at") or run["started_at"])
    return Linker(context.table, context.integration_id, rules, context.pseudonym_key, context.now())


def _people(context: Context, run_id: str, numbers: Sequence[int]) -> Iterator[Person]:
    for number in numbers:
        yield from context.staging(run_id).people(number)
