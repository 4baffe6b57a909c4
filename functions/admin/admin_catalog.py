"""/admin/integrations/{integration}/filters, /activate, /deactivate: which courses are active."""

from http import HTTPStatus

from pydantic import Field

from admin_common import ABSENT, CHANGING_A_VERSION, READ, WRITE, IfMatch, new_router
from coursebridge.admin import presenting, wiring
from coursebridge.admin.shapes import IntegrationAnswer, Notes
from coursebridge.api import caller
from coursebridge.catalog import wiring as catalog
from coursebridge.contract import Answer, Integration, responses
from coursebridge.integrations.models import Filters
from coursebridge.integrations.models import Integration as Kept
from coursebridge.integrations.store import IntegrationStore
from coursebridge.storage.wiring import table

router = new_router()
TAGS = ["Catalogue"]


class AppliedAnswer(Answer):
    """What became of the courses."""

    archived: int = Field(examples=[12])
    restored: int = Field(examples=[0])
    complete: bool = Field(
        description="False if there are so many courses that the rest are updated in the background."
    )


class ChangedIntegration(IntegrationAnswer):
    """The integration as it is now, and what became of its courses."""

    applied: AppliedAnswer


class FilteredIntegration(ChangedIntegration):
    """The integration with its new filters, and what became of its courses."""

    notes: Notes


class Sample(Answer):
    """A course, by name."""

    urn: str = Field(examples=["urn:li:lyndaCourse:252"])
    title: str | None


class Samples(Answer):
    """Some of the courses."""

    archived: list[Sample]
    restored: list[Sample]


class PreviewAnswer(Answer):
    """What filters would do."""

    archived: int
    restored: int
    kept: int
    samples: Samples
    notes: Notes


@router.put(
    "/admin/integrations/<integration>/filters",
    middlewares=WRITE,
    summary="Save filters",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The integration, and what became of its courses.", **CHANGING_A_VERSION),
)
def save_filters(integration: Integration, filters: Filters, if_match: IfMatch = None) -> FilteredIntegration:
    """Replaces the filters. What no longer matches is archived at once; what matches again is restored.

    `notes` says what only the next syncs can do.
    """
    before, after = wiring.integrations(caller(router)).set_filters(integration, filters, if_match)
    notes = catalog.left_to_syncs(before, after.filters)
    return FilteredIntegration.model_validate({**_applied(after).model_dump(), "notes": notes})


@router.post(
    "/admin/integrations/<integration>/filters/preview",
    middlewares=READ,
    summary="Preview filters",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "How many courses would be archived, restored and kept.", _404=ABSENT),
)
def preview_filters(integration: Integration, filters: Filters) -> PreviewAnswer:
    """Says what saving these filters would do, with samples, and changes nothing.

    `notes` says what only the next syncs could do.
    """
    present = IntegrationStore(table()).get(integration)
    return PreviewAnswer.model_validate(catalog.preview(present, filters))


@router.post(
    "/admin/integrations/<integration>/activate",
    middlewares=WRITE,
    summary="Activate",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The integration, and what became of its courses.", **CHANGING_A_VERSION),
)
def activate(integration: Integration, if_match: IfMatch = None) -> ChangedIntegration:
    """Starts the schedules and restores the courses that deactivating archived."""
    return _applied(wiring.integrations(caller(router)).set_status(integration, "active", if_match).after)


@router.post(
    "/admin/integrations/<integration>/deactivate",
    middlewares=WRITE,
    summary="Deactivate",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The integration, and what became of its courses.", **CHANGING_A_VERSION),
)
def deactivate(integration: Integration, if_match: IfMatch = None) -> ChangedIntegration:
    """Stops the schedules and archives every course; learning data stays, and statements are still accepted."""
    return _applied(wiring.integrations(caller(router)).set_status(integration, "inactive", if_match).after)


def _applied(integration: Kept) -> ChangedIntegration:
    done = wiring.settings_change(router.lambda_context).apply(integration)
    [shown] = presenting.integrations(table(), [integration])
    return ChangedIntegration.model_validate({**shown, "applied": done})
