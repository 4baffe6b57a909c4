"""Tags: synced ones are the names of a course's classifications; manual ones are stored separately."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coursebridge.storage.courses import Labels

if TYPE_CHECKING:
    from coursebridge.integrations.models import IntegrationSettings
    from coursebridge.storage.course_shapes import Course


def labels_of(settings: IntegrationSettings) -> Labels:
    """Return the labels that the settings give each course."""
    return Labels(settings.tags_enabled, settings.target_group, settings.author_email)


def synced_tags(course: Course, labels: Labels) -> list[str]:
    """Return the tags that a course has from LinkedIn, none if tags are switched off."""
    if not labels.tags_enabled:
        return []
    return list(
        dict.fromkeys(classification["name"] for classification in course["classifications"] if classification["name"])
    )
