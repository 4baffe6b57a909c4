"""/admin/integrations/{integration}/status and /selftest: whether all is well, and if not, why."""

from http import HTTPStatus

from pydantic import Field

from admin_common import ABSENT, READ, WRITE, new_router
from coursebridge import audit
from coursebridge.activity import quiet
from coursebridge.admin import selftest, status, wiring
from coursebridge.api import base_url, caller
from coursebridge.clock import utc_now
from coursebridge.contract import Answer, Integration, Time, responses
from coursebridge.integrations.store import IntegrationStore
from coursebridge.storage.wiring import table

router = new_router()
TAGS = ["Status"]


class SyncStatus(Answer):
    """One kind of sync."""

    enabled: bool
    last_status: str | None
    last_finished_at: Time | None
    last_success_at: Time | None = Field(description="When a run last succeeded after reading everything.")
    next_run_at: Time | None = Field(description="Null for a rate, and for a schedule that is off.")
    latest_run_id: str | None
    running: bool


class Syncs(Answer):
    """Both kinds of sync."""

    catalog: SyncStatus
    activity: SyncStatus


class LastStatement(Answer):
    """The statement that was stored last."""

    id: str
    stored_at: Time
    outcome: str


class PairStatus(Answer):
    """A LinkedIn key pair and how long ago it was saved."""

    client_id: str
    verified_at: Time
    age_days: int


class PairsStatus(Answer):
    """Both key pairs."""

    content: PairStatus | None
    report: PairStatus | None


class SecretStatus(Answer):
    """A live secret of LinkedIn's client."""

    n: int
    created_at: Time
    last_used_at: Time | None
    age_days: int


class Throttling(Answer):
    """The current state of LinkedIn's limits."""

    in_force: bool = Field(description="Whether the daily limit is used up.")
    until: Time | None
    kinds: list[str]
    throttled_in_last_run: dict[str, int] = Field(description="How often LinkedIn asked to slow down, by kind.")


class Silence(Answer):
    """What the silence since the last statement means, judged by the integration's own rhythm."""

    state: quiet.State
    last_statement_hour: Time | None
    surprise_percent: int


class StatusAnswer(Answer):
    """Whether an integration needs somebody's attention, and why."""

    healthy: bool
    reasons: list[str] = Field(description="Why it is not healthy.")
    notes: list[str] = Field(description="What is worth knowing but not urgent.")
    syncs: Syncs
    last_statement: LastStatement | None
    held_count: int = Field(description="How many statements are held.")
    held: dict[str, int] = Field(description="How many for each reason.", examples=[{"learner_unknown": 2}])
    credentials: PairsStatus
    webhook_secrets: list[SecretStatus]
    throttling: Throttling
    silence: Silence


class SelftestStep(Answer):
    """One step of a self-test."""

    id: str = Field(examples=["content_token"])
    title: str
    state: selftest.State
    why: str | None
    remedy: str | None


class SelftestAnswer(Answer):
    """What a self-test found."""

    ok: bool
    steps: list[SelftestStep]


@router.get(
    "/admin/integrations/<integration>/status",
    middlewares=READ,
    summary="Read the status",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The status.", _404=ABSENT),
)
def read_status(integration: Integration) -> StatusAnswer:
    """Says whether the integration needs attention, and why."""
    kept = IntegrationStore(table()).get(integration)
    return StatusAnswer.model_validate(status.presented(status.observe(table(), kept, utc_now())))


@router.post(
    "/admin/integrations/<integration>/selftest",
    middlewares=WRITE,
    summary="Run a self-test",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "Each step with its result.", _404=ABSENT),
)
def run_selftest(integration: Integration) -> SelftestAnswer:
    """Gets a token with each key pair, reads a page for each scope, and posts a statement here and removes it."""
    body = SelftestAnswer.model_validate(wiring.selftest(integration, base_url(router), router.lambda_context).run())
    # One field for all steps: the audit would mask the result of a step whose name contains "token".
    found = {"steps": [f"{step.id}: {step.state}" for step in body.steps]}
    audit.record(table(), audit.Entry(caller(router), "selftest.run", integration, integration, after=found))
    return body
