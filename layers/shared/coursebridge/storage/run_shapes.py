"""The shapes of runs, their ranges and what syncs remember, so that type checkers know each field's name and type.

They are typed dictionaries because the code uses the table's items as they are. Times are RFC 3339, durations are in
seconds. Members marked "catalogue" or "activity" exist only for that kind of sync.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from decimal import Decimal

    from coursebridge.records.identifiers import Identification

Kind = Literal["catalog", "activity"]
KINDS: tuple[Kind, ...] = ("catalog", "activity")
Mode = Literal["incremental", "full"]
Trigger = Literal["schedule", "admin"]
RunStatus = Literal["running", "succeeded", "failed", "needs_confirmation"]
RangeStatus = Literal["open", "done", "partial", "failed"]
RangeKind = Literal["listing", "topics", "urns", "awaited", "classifications", "window", "contents"]


class Problem(TypedDict):
    """One kind of problem in a run, as its record shows it.

    Attributes:
        code: the kind of problem.
        detail: what happened, and where.
        cause: why it happens.
        remedy: what an admin can do about it.
        count: how often it occurred.
    """

    code: str
    detail: str
    cause: str
    remedy: str
    count: int


class Progress(TypedDict):
    """How many of a run's ranges are settled, and how many there are so far."""

    done: int
    total: int


class Run(TypedDict, total=False):
    """A run's record, or some of its fields to be changed.

    The members up to ``execution`` are present from the start; the others are added in the course of the run.

    Attributes:
        trigger: what started the run.
        touched_at: when the run was started or resumed, or last settled a range.
        counts: the number of assets by outcome (``integrations.runs.COUNTS``); the outcomes add up to ``read``.
        clean: whether everything was read without a doubt; ``None`` while the run is under way.
        throttled: how often LinkedIn asked to slow down.
        pending_archive: how many courses will be archived if an admin confirms it.
        execution: the ARN of the execution that processes the run; empty between two executions.
        planned: whether its ranges have been written.
        resumed: how often the run was resumed.
        reopens: whether the ranges that failed are to be reopened.
        stopped: why no further ranges are read.
        last_problem: the latest problem for which a task other than a range's was to be repeated (catalogue).
        confirmed: whether an admin has confirmed the archiving.
        ranges: how many ranges were written (catalogue).
        filters: the digest of the filters that it was planned with (catalogue).
        settings_version: the version of the integration that it was planned with (catalogue).
        was_empty: whether there were no courses when it was planned (catalogue).
        rounds: how often further ranges were added (catalogue).
        checked: the partitions that have had a second opinion (catalogue).
        planned_at: when it was planned (activity).
        dealt_at: when the people in its reports were last matched to learners (activity).
        settings: the digest of the settings that it was planned with (activity).
        people: how many people were known, added, linked and so on (activity).
        windows: how many windows it covers (activity).
        repairs: how much was filled in from reports, by kind (activity).
        not_repaired: how much of the reports could not be recorded, by reason (activity).
        reengaged: how many times a learner completed a course again (activity).
        drift_percent: the percentage of records that differed from the reports (activity); written as a decimal.
    """

    id: str
    integration_id: str
    kind: Kind
    mode: Mode
    trigger: Trigger
    status: RunStatus
    started_at: str
    finished_at: str | None
    touched_at: str
    counts: dict[str, int]
    progress: Progress
    errors: list[Problem]
    clean: bool | None
    throttled: int
    pending_archive: int
    execution: str
    planned: bool
    resumed: int
    reopens: bool
    stopped: Problem | None
    last_problem: Problem | None
    confirmed: bool
    ranges: int
    filters: str
    settings_version: int
    was_empty: bool
    rounds: int
    checked: list[str]
    planned_at: str
    dealt_at: str
    settings: str
    people: dict[str, int]
    windows: int
    repairs: dict[str, int]
    not_repaired: dict[str, int]
    reengaged: int
    drift_percent: Decimal | float


class Range(TypedDict, total=False):
    """A part of a run that one task processes, or some of its fields to be changed.

    Every range has the members up to ``settled``; which of the others it has depends on its kind.

    Attributes:
        number: its place in the run.
        kind: what it reads or records.
        partition: its name for admins.
        settled: whether it was processed, successfully or not.
        status: how it was settled; an open range of the catalogue has none.
        throttled: how often LinkedIn asked to slow down.
        listing: the fields of a ``linkedin.assets.Listing`` (``listing``, ``topics``).
        start: the offset of the first page (``listing``); the start of the window (``window``).
        pages: the maximum number of pages (``listing``).
        ended: whether the end of the list was reached (``listing``).
        shifted: whether the list moved by more than a page while it was read, or left one empty (``listing``).
        total: the number of assets according to LinkedIn, when the range was planned and then when it was read
            (``listing``).
        position: the offset at which to continue (``listing``).
        opinion: ``second`` if it rereads a list that LinkedIn may have cut short (``listing``).
        topicless_only: whether only assets without a topic are kept (``listing``).
        seam: whether it rereads the seam between two other ranges (``listing``).
        topics: the topics whose assets are read (``topics``).
        urns: the assets that are requested one by one (``urns``, ``awaited``).
        in_vain: those of them that LinkedIn did not give (``awaited``).
        locales: the locales in which the graph is read (``classifications``).
        outcomes: the outcome of each asset that was read (``catalog.sync.outcomes``).
        archive: the reasons for archiving assets (``catalog.sync.outcomes``).
        changes: the courses that were created, updated or restored by an incremental run (``catalog.sync.outcomes``).
        broken: how many elements were not assets.
        filters: the digest of the filters by which its assets were judged (catalogue).
        asset_type: the type of the assets that the reports are about (``window``).
        days: the length of the window (``window``).
        offsets: where each bucket of rows starts in the staged object (``window``).
        rows: how many rows were staged (``window``).
        unusable: how many rows name no content or no person (``window``).
        of: the numbers of the windows whose rows are recorded (``contents``).
        found: the name of the staged object that matches people to learners (``contents``).
        identification: how statements identify learners (``contents``).
        statistics_since: when the integration's statistics were configured (``contents``).
        first: the first bucket of rows (``contents``).
        last: the last bucket of rows (``contents``).
        tally: the number of reported activities and repairs, by result (``contents``).
        waiting: the name of the staged object with courses and people that could not be matched; empty if there are
            none (``contents``).
    """

    number: int
    kind: RangeKind
    partition: str
    settled: bool
    status: RangeStatus
    problems: list[Problem]
    throttled: int
    listing: dict[str, Any]
    start: Any
    pages: int
    ended: bool
    shifted: bool
    total: int
    position: int
    opinion: Literal["second"]
    topicless_only: bool
    seam: bool
    topics: list[str]
    urns: list[str]
    in_vain: list[str]
    locales: list[str]
    outcomes: bytes
    archive: bytes
    changes: bytes
    broken: int
    filters: str
    asset_type: str
    days: int
    offsets: Any
    rows: int
    unusable: int
    of: list[int]
    found: str
    identification: Identification
    statistics_since: str
    first: int
    last: int
    tally: dict[str, int]
    waiting: str


class Remembered(TypedDict, total=False):
    """What a kind of sync remembers between runs; nothing before the first.

    Attributes:
        last_run_id: the run that ended last.
        last_status: how that run ended.
        last_finished_at: when that run ended.
        last_throttled: how often LinkedIn asked that run to slow down.
        last_success_at: when a clean run last succeeded.
        limited_until: when LinkedIn's daily limit resets, if it was reached.
        watermark: the start of the last clean run (catalogue).
        filters: the digest of the filters of the last clean full run (catalogue).
        unlisted: the courses that the last clean full run found in no list but could still request (catalogue).
        labels: the labels from the settings in the published index; empty while courses do not match the settings
            (catalogue).
        index_form: the format of the published index, or ``storage.runs.STALE`` (catalogue).
        generation: grows with every change of courses that the index must reflect (catalogue).
        covered_since: the time from which on every window of reports has been read (activity).
        covered_until: when the last run that contributed to this coverage started (activity).
        settings: the digest of the settings of those runs (activity).
        waiting_run: the run whose staged objects list the courses that were not in the catalogue (activity).
    """

    last_run_id: str
    last_status: RunStatus
    last_finished_at: str
    last_throttled: int
    last_success_at: str
    limited_until: str | None
    watermark: str
    filters: str
    unlisted: list[str]
    labels: dict[str, Any]
    index_form: int
    generation: int
    covered_since: str
    covered_until: str
    settings: str
    waiting_run: str
