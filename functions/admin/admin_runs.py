"""/admin/integrations/{integration}/runs: syncs, started, watched, redriven and confirmed."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import Field

from admin_common import ABSENT, READ, WRITE, new_router
from coursebridge.admin import wiring
from coursebridge.api import base_url, caller
from coursebridge.contract import Answer, Cursor, Integration, Limit, Page, Request, Time, opened, responses, sealed
from coursebridge.records.identifiers import Kind as IdentifierKind
from coursebridge.storage.run_shapes import Kind, Mode, RunStatus
from coursebridge.storage.unplaced_people import Reason

router = new_router()
TAGS = ["Runs"]
NO_RUN = "There is no such integration or run."
OF_REPORTS = "Null for the catalogue, and until a run of activity reports has got that far."
RunId = Annotated[str, Path(description="The run's id.", examples=["0196c1e2a1b3c4d5e6f709"])]


class RunRequest(Request):
    """A run to start."""

    kind: Kind = "catalog"
    mode: Mode = "incremental"


class Counts(Answer):
    """What became of what was read; the others add up to `read`."""

    read: int
    created: int
    updated: int
    archived: int
    restored: int
    ignored: int
    unchanged: int
    failed: int


class Progress(Answer):
    """How far a run has got, in ranges of pages or windows."""

    done: int
    total: int


class RunProblem(Answer):
    """One kind of problem of a run."""

    code: str = Field(examples=["linkedin_report_key_missing"])
    detail: str
    cause: str
    remedy: str
    count: int


class Repairs(Answer):
    """What a run of activity reports added that statements had not brought."""

    completions: int = 0
    progress: int = 0
    history: int = Field(default=0, description="How many of both are from before LinkedIn's push was set up.")
    total: int = Field(default=0, description="Completions and progress.")


class RunAnswer(Answer):
    """One execution of a sync."""

    id: str
    kind: Kind
    mode: Mode
    trigger: str = Field(examples=["schedule"])
    status: RunStatus
    started_at: Time
    finished_at: Time | None
    counts: Counts
    progress: Progress
    errors: list[RunProblem]
    clean: bool | None = Field(description="Whether everything was read without a doubt; null until it ends.")
    throttled: int = Field(description="How often LinkedIn asked to slow down.")
    pending_archive: int = Field(description="How many courses a confirmation would archive.")
    windows: int | None = Field(description=f"How many windows of time were read. {OF_REPORTS}")
    people: dict[str, int] | None = Field(
        description="How many people in the reports were known, added, linked, joined from two learners, unknown, "
        f"ambiguous, inactive or erased; what applies to nobody may be left out. {OF_REPORTS}",
        examples=[{"known": 120, "added": 3, "unknown": 1}],
    )
    repairs: Repairs | None = Field(description=OF_REPORTS)
    not_repaired: dict[str, int] | None = Field(
        description=f"How much reported activity could not be recorded, by reason. {OF_REPORTS}",
        examples=[{"learner_unknown": 2, "course_unknown": 0}],
    )
    reengaged: int | None = Field(description=f"How often a learner completed a course once more. {OF_REPORTS}")
    drift_percent: float | None = Field(
        description=f"The percentage of records that differed from the reports. {OF_REPORTS}"
    )


class Named(Answer):
    """What LinkedIn calls somebody."""

    type: IdentifierKind
    value: str = Field(examples=["ada@example.com"])


class UnknownLearner(Answer):
    """Somebody in reports who does not match exactly one active learner here."""

    identifiers: list[Named]
    since: Time = Field(description="The start of the oldest window that mentions them.")
    reason: Reason = Field(
        description="Nobody has these identifiers; more than one learner has them; the learner is inactive; the "
        "learner was merged into another during the run."
    )


class RunDetail(RunAnswer):
    """One execution of a sync, with the people it could not match to a learner."""

    unknown_learners: list[UnknownLearner] = Field(
        description="For the latest run of activity reports: at most 200 people who could not be matched to a "
        "learner, the longest known first, inactive learners last. Add them, assign their identifiers, or merge "
        "or activate learners, and the next run reads their activity again."
    )


@router.post(
    "/admin/integrations/<integration>/runs",
    middlewares=WRITE,
    summary="Start a run",
    tags=TAGS,
    responses=responses(
        HTTPStatus.ACCEPTED,
        "The new run, or the one of this kind already running, or the one that LinkedIn's daily limit stopped, "
        "until that limit resets.",
        _404=ABSENT,
        _409="The integration is not active, has no key pair, or this kind of sync is switched off.",
    ),
)
def start_run(integration: Integration, run: RunRequest) -> Response[RunAnswer]:
    """Starts a sync. Only one run of each kind is active at a time: a second request returns the running one.

    While LinkedIn's daily limit is in force (`status` says until when), nothing is started. The response is then the
    run that the limit stopped, which the first scheduled sync after midnight UTC continues. A redrive asks LinkedIn at
    once.
    """
    body = RunAnswer.model_validate(wiring.runs(caller(router)).start(integration, run.kind, run.mode))
    headers = {"Location": f"{base_url(router)}/admin/integrations/{integration}/runs/{body.id}"}
    return Response(HTTPStatus.ACCEPTED, "application/json", body, headers)


@router.get(
    "/admin/integrations/<integration>/runs",
    middlewares=READ,
    summary="List runs",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "A page of runs, newest first.", _404=ABSENT),
)
def list_runs(integration: Integration, limit: Limit = 50, cursor: Cursor = None) -> Page[RunAnswer]:
    """Lists the runs of both kinds with their counts and errors."""
    context = ("runs", integration)
    found, last_key = wiring.runs(caller(router)).list(integration, limit, opened(cursor, *context))
    return Page(items=[RunAnswer.model_validate(run) for run in found], next=sealed(last_key, *context))


@router.get(
    "/admin/integrations/<integration>/runs/<run_id>",
    middlewares=READ,
    summary="Read a run",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The current state of the run.", _404=NO_RUN),
)
def read_run(integration: Integration, run_id: RunId) -> RunDetail:
    """Returns a run with live progress."""
    return RunDetail.model_validate(wiring.runs(caller(router)).get(integration, run_id))


@router.post(
    "/admin/integrations/<integration>/runs/<run_id>/redrive",
    middlewares=WRITE,
    summary="Redrive a run",
    tags=TAGS,
    responses=responses(
        HTTPStatus.ACCEPTED,
        "The run, which is running again.",
        _404=NO_RUN,
        _409="It is running, nothing in it failed, there is a later run, or the integration is not active.",
    ),
)
def redrive_run(integration: Integration, run_id: RunId) -> Response[RunAnswer]:
    """Repeats the ranges that failed, without reading the others again."""
    body = RunAnswer.model_validate(wiring.runs(caller(router)).redrive(integration, run_id))
    return Response(HTTPStatus.ACCEPTED, "application/json", body)


@router.post(
    "/admin/integrations/<integration>/runs/<run_id>/confirm",
    middlewares=WRITE,
    summary="Confirm a run",
    tags=TAGS,
    responses=responses(
        HTTPStatus.ACCEPTED,
        "The run, which is running again.",
        _404=NO_RUN,
        _409="It is not waiting for confirmation, there is a later run, or the integration is not active.",
    ),
)
def confirm_run(integration: Integration, run_id: RunId) -> Response[RunAnswer]:
    """Lets a run archive more than `archive_limit_percent` of the courses: `pending_archive` says how many."""
    body = RunAnswer.model_validate(wiring.runs(caller(router)).confirm(integration, run_id))
    return Response(HTTPStatus.ACCEPTED, "application/json", body)
