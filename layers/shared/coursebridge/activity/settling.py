"""Between reading and recording: find out who everybody is, and deal the rows out to the tasks that record them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.activity.directory import UNKNOWN_SHOWN, Directory, Rules
from coursebridge.activity.people import gathered
from coursebridge.activity.staging import groups_of
from coursebridge.activity.working import CONTENTS, is_window
from coursebridge.clock import rfc3339
from coursebridge.observability import logger

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coursebridge.activity.context import Context
    from coursebridge.activity.directory import Found
    from coursebridge.activity.mapper import Person
    from coursebridge.storage.table import Item


def settle(context: Context, run_id: str) -> list[int]:
    """Write the ranges that record what was read and return their numbers; none when everything read is recorded.

    Raises:
        coursebridge.errors.Unavailable: the table is busy; the task is to be repeated.
    """
    known = list(context.runs.ranges(run_id))
    still_open = [one["number"] for one in known if not is_window(one) and not one["settled"]]
    taken = {number for one in known if not is_window(one) for number in one["of"]}
    news = [one for one in known if is_window(one) and one["status"] == "done" and one["number"] not in taken]
    if still_open or not any(one["rows"] for one in news):
        return still_open
    return _dealt(context, context.runs.get(run_id), news, len(known))


def _dealt(context: Context, run: Item, news: Sequence[Item], first_number: int) -> list[int]:
    numbers = [one["number"] for one in news]
    found_name = f"found-{first_number:06d}"
    found = _everybody(context, run, numbers)
    context.staging(run["id"]).put_json(found_name, found.to_json())
    ranges: list[dict[str, Any]] = [
        {
            "number": first_number + place,
            "kind": CONTENTS,
            "partition": f"contents {first} to {last}",
            "of": numbers,
            "found": found_name,
            "first": first,
            "last": last,
            "settled": False,
            "status": "open",
        }
        for place, (first, last) in enumerate(groups_of(one["offsets"] for one in news))
    ]
    people = {name: run.get("people", {}).get(name, 0) + number for name, number in found.counts.items()}
    unknown = [{"type": one.kind, "value": one.value} for one in found.unknown]
    unknown = [*run.get("unknown_learners", []), *unknown][:UNKNOWN_SHOWN]
    progress = {**run["progress"], "total": run["progress"]["total"] + len(ranges)}
    context.runs.add_ranges(run["id"], ranges, context.now())
    context.runs.change(run["id"], people=people, unknown_learners=unknown, progress=progress, dealt_at=_now(context))
    logger.info("people of a run found", run=run["id"], people=dict(found.counts))
    return [one["number"] for one in ranges]


def _everybody(context: Context, run: Item, numbers: Sequence[int]) -> Found:
    integration = context.integration()
    # Whoever was added since the run, or its redrive, began reading was added by a task that was repeated.
    since = run.get("dealt_at") or run["started_at"]
    rules = Rules(integration.learner_matching, since)
    directory = Directory(context.table, context.integration_id, rules, context.pseudonym_key, context.now())
    return directory.find(gathered(_people(context, run["id"], numbers), integration.learner_identification))


def _people(context: Context, run_id: str, numbers: Sequence[int]) -> Iterator[Person]:
    for number in numbers:
        yield from context.staging(run_id).people(number)


def _now(context: Context) -> str:
    return rfc3339(context.now())
