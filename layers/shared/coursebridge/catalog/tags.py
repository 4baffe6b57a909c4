"""Tags: the synced ones are the names of a course's classifications; manual ones lie beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.storage.courses import Labels

if TYPE_CHECKING:
    from coursebridge.integrations.models import IntegrationSettings
    from coursebridge.storage.course_shapes import Course


def labels_of(settings: IntegrationSettings) -> Labels:
    """Return what the settings add to each course."""
    return Labels(settings.tags_enabled, settings.target_group, settings.author_email)


def synced_tags(course: Course, labels: Labels) -> list[str]:
    """Return the tags a course has from LinkedIn, none when tags are switched off."""
    if not labels.tags_enabled:
        return []
    return list(
        dict.fromkeys(classification["name"] for classification in course["classifications"] if classification["name"])
    )
