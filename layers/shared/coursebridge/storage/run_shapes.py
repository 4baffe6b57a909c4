"""The shapes of runs: what their items hold, for whoever reads or changes a field to be held to its name and type.

Items are dictionaries of the table throughout, so these are typed dictionaries. Times are RFC 3339, durations seconds.
What a member's comment calls the catalogue's or activity's has a run, a range or a memory of that kind alone.
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
RangeKind = Literal["listing", "topics", "urns", "classifications", "window", "contents"]


class Problem(TypedDict):
    """One kind of problem of a run, as its record shows it.

    Attributes:
        code: what kind.
        detail: what it was, and where.
        cause: why that happens.
        remedy: what an admin can do.
        count: how often it was met.
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
    """A run's record, or the fields of it that change.

    Those up to ``execution`` are there from the beginning; the others come as the run gets to them.

    Attributes:
        trigger: what started it.
        counts: assets by what became of them (``integrations.runs.COUNTS``); they add up to ``read``.
        clean: whether everything was read without a doubt; ``None`` while it goes on.
        throttled: how often LinkedIn asked to wait.
        pending_archive: how many courses wait for an admin's word to be archived.
        execution: the ARN of the execution that works it off; empty between two of them.
        touched_at: when one of its ranges was settled last.
        planned: whether its ranges are written.
        resumed: how often it was taken up again.
        reopens: whether the ranges that failed are to be opened again.
        stopped: why no further range of it is read.
        last_problem: what planning met last.
        confirmed: whether an admin lets it archive what it wants to.
        ranges: how many ranges were written (the catalogue's).
        filters: the digest of the filters it was planned by (the catalogue's).
        settings_version: the version of the integration it was planned by (the catalogue's).
        was_empty: whether there was no course when it was planned (the catalogue's).
        rounds: how often further ranges were written (the catalogue's).
        checked: the partitions that have had a second opinion (the catalogue's).
        planned_at: when it was planned (activity's).
        dealt_at: when its people were found last (activity's).
        settings: the digest of the settings it was planned by (activity's).
        people: how many people were known, added, linked and so on (activity's).
        windows: how many windows it has read (activity's).
        repairs: what reports have filled in, by what it is (activity's).
        not_repaired: what reports tell and could not be recorded, by reason (activity's).
        reengaged: how many courses somebody has begun once more (activity's).
        drift_percent: how many records in a hundred differed from the reports (activity's); written as a decimal.
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
    """A piece of a run that one task works off, or the fields of it that change. All have those up to ``status``.

    Attributes:
        number: its place in the run.
        kind: what it reads, or records; which of the other members it has follows from this.
        partition: what an admin sees it named by.
        settled: whether it was worked off, well or not.
        throttled: how often LinkedIn asked to wait.
        listing: the fields of a ``linkedin.assets.Listing`` (``listing``, ``topics``).
        start: the offset of the first page (``listing``); the start of the window (``window``).
        pages: how many pages at the most (``listing``).
        ended: whether the end of the list was reached (``listing``).
        shifted: whether the list moved by more than a page meanwhile (``listing``).
        total: how many LinkedIn says there are (``listing``).
        position: the offset to read on from (``listing``).
        opinion: ``second`` where it reads once more what LinkedIn may have cut short (``listing``).
        topicless_only: whether only assets without a topic are kept (``listing``).
        seam: whether it reads over where two others meet (``listing``).
        topics: whose assets are read (``topics``).
        urns: what is asked for one by one (``urns``).
        locales: in which the graph is read (``classifications``).
        outcomes: what became of what was read (``catalog.sync.outcomes``).
        archive: why assets are to be archived (``catalog.sync.outcomes``).
        broken: how many elements were no assets.
        asset_type: what the reports are of (``window``).
        days: how long the window is (``window``).
        offsets: where each group of contents begins in what was laid down (``window``).
        rows: how many rows were laid down (``window``).
        unusable: how many rows name no content, or nobody (``window``).
        of: the numbers of the windows whose rows are recorded (``contents``).
        found: the name of the object that says who is who (``contents``).
        identification: how statements name learners (``contents``).
        statistics_since: when the integration's statistics were configured (``contents``).
        first: the first group of contents (``contents``).
        last: the last one (``contents``).
        tally: how many things came to each end (``contents``).
        waiting: the name of the object with what had no place; empty where all had (``contents``).
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
    locales: list[str]
    outcomes: bytes
    archive: bytes
    broken: int
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
        last_status: how.
        last_finished_at: when.
        last_throttled: how often LinkedIn asked it to wait.
        last_success_at: when one last succeeded and was clean.
        limited_until: when LinkedIn's limit of the day resets, if it was met.
        watermark: the start of the last clean run (the catalogue's).
        filters: the digest of the filters of the last clean full run (the catalogue's).
        unlisted: the courses it found in no list, and LinkedIn gave all the same (the catalogue's).
        labels: what the index holds that settings add to courses; empty while courses are not as they say.
        index_form: the form of the published index, or ``storage.runs.STALE`` (the catalogue's).
        generation: grows with every change of courses that the index has to follow (the catalogue's).
        covered_since: from when on every window of reports has been read (activity's).
        covered_until: when the last of these runs started (activity's).
        settings: the digest of the settings under which they did (activity's).
        waiting_run: the run that has laid down which courses had no place (activity's).
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
