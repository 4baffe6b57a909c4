"""The task of one range: reads a window of reports, or records the rows that were read for some of the content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coursebridge.activity.mapper import UnusableRow, reported_activity
from coursebridge.activity.planning import WINDOW, WindowRange
from coursebridge.activity.recording import Recorder, RunFacts
from coursebridge.activity.roster import Roster
from coursebridge.integrations import day_limit
from coursebridge.integrations.runs import COUNTS
from coursebridge.linkedin import reports
from coursebridge.linkedin.errors import LinkedInError, Retryable
from coursebridge.observability import logger
from coursebridge.storage.unplaced_people import UnplacedPerson
from coursebridge.syncs.problems import problem_of, switched_off, task_died
from coursebridge.syncs.stopping import STOPPING, RetryLater, SwitchedOff, check_active

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.activity.context import Context
    from coursebridge.activity.mapper import ReportedActivity
    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.storage.run_shapes import Problem, Range

CONTENTS: Final = "contents"
"""The kind of a range that records the rows of some of the content, from windows that were read."""


def work(context: Context, run_id: str, number: int) -> str:
    """Process a range, unless it is settled already or the run was told to stop; return the range's status.

    Raises:
        RetryLater: LinkedIn has a temporary problem; repeat the task.
        coursebridge.errors.Unavailable: the table is busy; repeat the task.
    """
    item = context.runs.range(run_id, number)
    if item["settled"]:
        return str(item["status"])
    if item["kind"] == CONTENTS:
        return _record(context, run_id, item)
    stopped = context.runs.get(run_id).get("stopped")
    if stopped:
        return _settle(context, run_id, item | {"status": "failed", "problems": [stopped]})
    return _read(context, run_id, item)


def range_failed(context: Context, run_id: str, number: int) -> str:
    """Settle a range whose task failed at every attempt; return the range's status."""
    item = context.runs.range(run_id, number)
    if item["settled"]:
        return str(item["status"])
    noted = item.get("problems") or [task_died(item["partition"])]
    return _settle(context, run_id, item | {"status": "failed", "problems": noted})


class _Rows:
    """Reads the rows of a window and counts the unusable ones."""

    def __init__(self, context: Context, client: LinkedInClient, range_: WindowRange) -> None:
        self._context = context
        self._client = client
        self._range = range_
        self.unusable = 0

    def __iter__(self) -> Iterator[ReportedActivity]:
        window = self._range.window
        for page in reports.pages(self._client, reports.Report(self._range.asset_type, window.start, window.days)):
            check_active(self._context.integration())
            for row in page:
                try:
                    found = reported_activity(row, self._range.asset_type, window)
                except UnusableRow:
                    self.unusable += 1
                    continue
                if found:
                    yield found


def _read(context: Context, run_id: str, item: Range) -> str:
    try:
        check_active(context.integration())
        client = context.linkedin()
        rows = _Rows(context, client, WindowRange.from_item(item))
        staged = context.staging(run_id).write_range(item["number"], rows)
    except SwitchedOff:
        return _stop(context, run_id, item, switched_off())
    except LinkedInError as error:
        # An error that stops the whole run is one problem, however many ranges meet it.
        problem = problem_of(error, "" if isinstance(error, STOPPING) else item["partition"])
        if isinstance(error, Retryable):
            context.runs.change_range(run_id, item["number"], problems=[problem])
            raise RetryLater(error.reason) from error
        day_limit.note(context.runs, error, context.now())
        if isinstance(error, STOPPING):
            return _stop(context, run_id, item, problem)
        return _settle(context, run_id, item | {"status": "failed", "problems": [problem]})
    found: Range = {
        "offsets": staged.offsets,
        "rows": staged.rows,
        "unusable": rows.unusable,
        "throttled": client.throttled,
    }
    return _settle(context, run_id, item | found | {"status": "done", "problems": _told(rows.unusable)})


def _stop(context: Context, run_id: str, item: Range, problem: Problem) -> str:
    """Stop the run from reading any more windows."""
    context.runs.change(run_id, stopped=problem)
    return _settle(context, run_id, item | {"status": "failed", "problems": [problem]})


def _told(unusable: int) -> list[Problem]:
    problem: Problem = {
        "code": "unusable_row",
        "detail": "rows of a report that name no content, or nobody",
        "cause": "LinkedIn sent something that cannot be matched.",
        "remedy": "If it persists, report it to LinkedIn's support.",
        "count": unusable,
    }
    return [problem] if unusable else []


def _record(context: Context, run_id: str, item: Range) -> str:
    staging = context.staging(run_id)
    run = RunFacts(run_id, item["identification"], item["statistics_since"])
    with Roster.opened(staging.get_file(item["found"])) as roster:
        recorder = Recorder(context.table, context.integration_id, run, roster, context.now())
        tally = recorder.record(_activities(context, run_id, item))
        people = [
            UnplacedPerson(frozenset(roster.identifiers(number)), since, reason)
            for reason, told in tally.unplaced.items()
            for number, since in told.items()
        ]
    waiting = f"waiting-{item['number']:06d}"
    if tally.courses or people:
        staging.put_json(waiting, {"courses": tally.courses, "people": [person.to_json() for person in people]})
    found: Range = {"tally": dict(tally.counts), "waiting": waiting if tally.courses or people else ""}
    counts = {name: tally.counts[name] for name in COUNTS}
    return _settle(context, run_id, item | found | {"status": "done", "problems": []}, counts)


def _activities(context: Context, run_id: str, item: Range) -> Iterator[ReportedActivity]:
    """Yield the rows that a range records, from each window that was read."""
    offsets = {
        range_["number"]: range_["offsets"] for range_ in context.runs.ranges(run_id) if range_["number"] in item["of"]
    }
    for number in item["of"]:
        yield from context.staging(run_id).activities(number, offsets[number], item["first"], item["last"])


def _settle(context: Context, run_id: str, item: Range, counts: dict[str, int] | None = None) -> str:
    if context.runs.settle_range(run_id, item):
        context.runs.count(run_id, counts or {}, context.now())
    logger.info("range settled", run=run_id, number=item["number"], kind=item["kind"], status=item["status"])
    return str(item["status"])


def is_window(item: Range) -> bool:
    """Whether a range reads a window."""
    return bool(item["kind"] == WINDOW)
