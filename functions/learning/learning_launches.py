"""POST /launches: which URL to send a learner to."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from http import HTTPStatus

from pydantic import ConfigDict, Field

from coursebridge.api import base_url
from coursebridge.auth import scopes
from coursebridge.clock import utc_now
from coursebridge.contract import Answer, Integration, Request, Time, responses
from coursebridge.launches.service import Launcher, Via
from coursebridge.observability import count
from coursebridge.records.evidence import Source
from coursebridge.records.fold import Status
from coursebridge.storage.wiring import table
from learning_common import PREFIX, reach, routes

router = routes()


class Attempt(Answer):
    """One learner's attempt at one course."""

    id: str = Field(examples=["2a7f0f6e-53a3-5c43-9d5f-7a4f6a4b9a10"])
    learner_id: str = Field(examples=["0196c1e2a1b3c4d5e6f709"])
    course_urn: str = Field(examples=["urn:li:lyndaCourse:1222"])
    status: Status
    progress: int = Field(ge=0, le=100, examples=[1])
    started_at: Time
    last_activity_at: Time
    completed_at: Time | None
    time_spent_seconds: int | None = Field(description="The course's duration, once it is completed.", examples=[None])
    reported_seconds_viewed: int | None = Field(description="What activity reports say.", examples=[None])
    statement_duration_seconds: int | None = Field(description="What statements say.", examples=[None])
    source: Source
    completion_statement_id: str | None = Field(examples=[None])


class LaunchRequest(Request):
    """Whom to send where, and how."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"learner_id": "0196c1e2a1b3c4d5e6f709", "course_urn": "urn:li:lyndaCourse:1222", "via": "auto"}
            ]
        }
    )
    learner_id: str = Field(min_length=1, max_length=200)
    course_urn: str = Field(min_length=1, max_length=512)
    via: Via = Field(
        default="auto",
        description="`auto`: single sign-on where LinkedIn gives such a URL, else web. `aicc` adds a session and where "
        "to report to.",
    )


class Launched(Answer):
    """Where to send the learner, and the open attempt."""

    url: str = Field(
        description="LinkedIn's URL, to be opened as it is.", examples=["https://www.linkedin.com/learning/example"]
    )
    attempt: Attempt


@router.post(
    f"{PREFIX}/launches",
    summary="Launch a course",
    description="Returns the URL to send the learner to, and opens an attempt at 1 % or continues the open one. "
    "A launch never counts as a completion.",
    tags=["Launches"],
    responses=responses(
        HTTPStatus.OK,
        "Where to send the learner.",
        _404="There is no such learner, or no such course.",
        _409="The course is archived, the learner is inactive, or LinkedIn has no URL of that kind; `detail` says "
        "which.",
    ),
    middlewares=reach(scopes.LEARNING_WRITE),
)
def launch(integration: Integration, body: LaunchRequest) -> Launched:
    """Launch a course."""
    launcher = Launcher(table(), integration, f"{base_url(router)}/aicc")
    launched = launcher.launch(body.learner_id, body.course_urn, body.via, utc_now())
    count("Launches")
    return Launched.model_validate(vars(launched))
