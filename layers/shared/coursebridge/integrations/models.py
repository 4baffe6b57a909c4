"""The settings of an integration, as an admin writes them and as the table keeps them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  (pydantic reads it at run time)
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    StrictInt,
    StringConstraints,
    model_validator,
)

from coursebridge.errors import EMAIL, LANGUAGE, URN
from coursebridge.integrations import cron
from coursebridge.records.identifiers import Identification  # noqa: TC001  (pydantic reads it at run time)
from coursebridge.times import Moment, Seconds  # noqa: TC001  (pydantic reads them at run time)

if TYPE_CHECKING:
    from coursebridge.linkedin.credentials import Scope

# An integration is a single table item of at most 400 KB.
MOST_URNS = 1000
IntegrationStatus = Literal["active", "inactive"]
LearnerMatching = Literal["directory", "open"]
AssetType = Literal["COURSE", "LEARNING_PATH", "VIDEO"]
Level = Literal["BEGINNER", "INTERMEDIATE", "ADVANCED"]
Urn = Annotated[str, StringConstraints(pattern=URN, max_length=256), Field(examples=["urn:li:lyndaCourse:252"])]
Language = Annotated[str, StringConstraints(pattern=LANGUAGE), Field(examples=["en"])]
Expression = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=256),
    AfterValidator(cron.checked),
    Field(json_schema_extra={"pattern": r"^(cron|rate)\(.+\)$"}, examples=["cron(10 8 * * ? *)"]),
]


NO_TIMEZONES = ("posix/", "right/", "posixrules", "localtime")
"""Prefixes of names in a system's time zone database that are not time zones of the IANA database."""


def _known_timezone(name: str) -> str:
    # ``available_timezones`` would open some six hundred files, and settings are read for nearly every request.
    try:
        known = bool(ZoneInfo(name)) and not name.startswith(NO_TIMEZONES)
    except (ValueError, OSError, KeyError):
        known = False
    if not known:
        message = "is not a time zone of the IANA database, such as Europe/Paris"
        raise ValueError(message)
    return name


Timezone = Annotated[str, AfterValidator(_known_timezone)]


Email = Annotated[str, StringConstraints(pattern=EMAIL, max_length=320), Field(examples=["author@example.com"])]


class Model(BaseModel):
    """The base of the models: unknown fields are an error, so that a mistyped setting never goes unnoticed.

    For the same reason, the strict types below refuse ``"no"`` as a boolean and ``"20"`` as an integer.
    """

    model_config = ConfigDict(extra="forbid")


class Filters(Model):
    """Which assets of the catalogue become courses. Empty lists and ``None`` filter nothing."""

    asset_types: list[AssetType] = Field(default=["COURSE"], min_length=1, max_length=10)
    languages: list[Language] = Field(default=[], max_length=200, description="`en` or `en_US`; several are OR")
    classifications: list[Urn] = Field(
        default=[], max_length=MOST_URNS, description="library, subject, topic or skill URNs; several are OR"
    )
    levels: list[Level] = Field(default=[], max_length=10)
    min_duration_seconds: Annotated[Seconds, Strict()] | None = None
    max_duration_seconds: Annotated[Seconds, Strict()] | None = None
    published_after: Moment | None = None
    include_urns: list[Urn] = Field(
        default=[], max_length=MOST_URNS, description="always included, whatever the other filters say"
    )
    exclude_urns: list[Urn] = Field(
        default=[], max_length=MOST_URNS, description="never included; takes precedence over include_urns"
    )
    curated_videos_only: StrictBool = False
    licensed_only: StrictBool = True

    @model_validator(mode="after")
    def _durations_in_order(self) -> Filters:
        low, high = self.min_duration_seconds, self.max_duration_seconds
        if low is not None and high is not None and low > high:
            message = "min_duration_seconds is larger than max_duration_seconds"
            raise ValueError(message)
        return self


class Schedule(Model):
    """When a sync starts automatically: an EventBridge Scheduler expression in a time zone."""

    expression: Expression = "cron(10 8 * * ? *)"
    timezone: Timezone = "Europe/Paris"
    enabled: StrictBool = True

    def next_time(self, now: datetime) -> datetime | None:
        """Return when the next sync starts; ``None`` if never, or if only EventBridge knows (a rate)."""
        return cron.next_time(self.expression, self.timezone, now) if self.enabled else None

    def due_after(self, since: datetime) -> datetime | None:
        """Return when the next sync after one at ``since`` is due; ``None`` if never."""
        return cron.due_after(self.expression, self.timezone, since) if self.enabled else None


class ActivitySchedule(Schedule):
    """When activity reports are read automatically."""

    expression: Expression = "cron(40 5 * * ? *)"


class ActivitySettings(Model):
    """Whether, when and how far back activity reports are read."""

    enabled: StrictBool = True
    schedule: ActivitySchedule = ActivitySchedule()
    lookback_days: Literal[14, 30, 90, 180, 365] = 14


class IntegrationSettings(Model):
    """Everything an admin can set."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    description: Annotated[str, StringConstraints(max_length=2000)] = ""
    filters: Filters = Filters()
    tags_enabled: StrictBool = False
    target_group: Annotated[str, StringConstraints(max_length=200)] | None = None
    author_email: Email | None = None
    learner_identification: Identification = "email"
    learner_matching: LearnerMatching = "open"
    statement_validation: Literal["lenient", "strict"] = "lenient"
    catalog_schedule: Schedule = Schedule()
    activity: ActivitySettings = ActivitySettings()
    archive_limit_percent: StrictInt = Field(default=20, ge=0, le=100)


class Granted(Model):
    """Whether LinkedIn gave a page of each scope when a key pair was saved; ``None`` where this is not known."""

    content: bool | None = None
    report: bool | None = None


class KeyPairNote(Model):
    """The part of a LinkedIn key pair that the table stores; the secret is only in Secrets Manager."""

    client_id: str
    verified_at: datetime
    scopes: Granted = Granted()


class CredentialNotes(Model):
    """Which key pairs an integration has; either alone serves both scopes."""

    content: KeyPairNote | None = None
    report: KeyPairNote | None = None

    def serving(self, scope: Scope) -> KeyPairNote | None:
        """Return the key pair that serves a scope: its own, else that of the other scope."""
        own, other = (self.content, self.report) if scope == "content" else (self.report, self.content)
        return own or other

    def any(self) -> bool:
        """Return whether there is a key pair to call LinkedIn with."""
        return bool(self.content or self.report)

    def since(self) -> datetime | None:
        """Return when the older key pair was saved: no sync can have started before."""
        return min((pair.verified_at for pair in (self.content, self.report) if pair), default=None)


class Integration(IntegrationSettings):
    """An integration as the table stores it.

    Attributes:
        statistics_since: when LinkedIn's push was configured; it brings no completions from before.
        version: incremented by every change; serves as the ETag.
        credentials: the key pairs it has, without their secrets.
        webhook_client_id: the client LinkedIn uses.
    """

    id: str
    status: IntegrationStatus = "active"
    statistics_since: datetime
    created_at: datetime
    updated_at: datetime
    version: int = 1
    credentials: CredentialNotes = CredentialNotes()
    webhook_client_id: str = ""

    def settings(self) -> IntegrationSettings:
        """Return only the fields that an admin can set."""
        return IntegrationSettings.model_validate(
            {name: getattr(self, name) for name in IntegrationSettings.model_fields}
        )
