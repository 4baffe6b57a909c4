"""Builders of courses and filters that are valid unless a test overrides a field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from coursebridge.integrations.models import Filters
from coursebridge.json_text import canonical
from coursebridge.storage.courses import Labels, StoredCourse
from coursebridge.storage.packing import pack

if TYPE_CHECKING:
    from coursebridge.storage.course_shapes import Course, Reason, Status

URN = "urn:li:lyndaCourse:252"
TOPIC, SUBJECT, LIBRARY, SKILL = (f"urn:li:lyndaCategory:{number}" for number in (7300, 7200, 7163, 163))


def course(**fields: Any) -> Course:
    """Return a course."""
    whole: dict[str, Any] = {
        "urn": URN,
        "type": "COURSE",
        "title": "Excel Essential Training",
        "description": "How to use a spreadsheet.",
        "short_description": None,
        "thumbnail_url": None,
        "authors": [],
        "classifications": [{"urn": TOPIC, "type": "TOPIC", "name": "Excel", "paths": [[SUBJECT, LIBRARY]]}],
        "duration_seconds": 3600,
        "level": "BEGINNER",
        "locale": "en_US",
        "available_locales": ["en_US"],
        "published_at": "2024-01-01T00:00:00.000Z",
        "updated_at": "2025-01-01T00:00:00.000Z",
        "retired_at": None,
        "launch_urls": {"web": None, "sso": None, "aicc": None},
        "retired": False,
        "curated": None,
    }
    made: Any = whole | fields
    return made  # type: ignore[no-any-return]


def stored(
    status: Status = "active",
    reason: Reason | None = None,
    *,
    labels: Labels | None = None,
    run_id: str = "",
    action: str = "created",
    **fields: Any,
) -> StoredCourse:
    """Return a course as stored in the table."""
    made = course(**fields)
    return StoredCourse(
        integration_id="acme",
        urn=made["urn"],
        status=status,
        archived_reason=reason,
        hash="hash",
        labels=labels or Labels(),
        run_id=run_id,
        action=action,
        synced_at="2026-01-01T00:00:00.000Z",
        body=pack(canonical(dict(made))),
    )


def filters(**fields: Any) -> Filters:
    """Return filters."""
    return Filters.model_validate(fields)


def plain(value: Any) -> Any:
    """Return a value after a round trip through JSON."""
    return json.loads(json.dumps(value))


courses = st.builds(
    course,
    urn=st.sampled_from([f"urn:li:lyndaCourse:{number}" for number in range(4)]),
    type=st.sampled_from(["COURSE", "VIDEO", "LEARNING_PATH", "EVENT"]),
    locale=st.sampled_from(["en_US", "en", "en_GB", "de_DE", "in_ID", None]),
    level=st.sampled_from(["BEGINNER", "ADVANCED", "EXPERT", None]),
    duration_seconds=st.none() | st.integers(0, 5000),
    published_at=st.sampled_from([None, "2023-01-01T00:00:00.000Z", "2025-01-01T00:00:00.000Z"]),
    retired=st.booleans(),
    curated=st.sampled_from([None, True, False]),
)
some_filters = st.builds(
    filters,
    asset_types=st.lists(st.sampled_from(["COURSE", "VIDEO", "LEARNING_PATH"]), min_size=1, unique=True),
    languages=st.lists(st.sampled_from(["en", "en_US", "de", "id"]), unique=True),
    levels=st.lists(st.sampled_from(["BEGINNER", "ADVANCED"]), unique=True),
    classifications=st.lists(st.sampled_from([TOPIC, LIBRARY, SKILL]), unique=True),
    min_duration_seconds=st.none() | st.integers(0, 2000),
    max_duration_seconds=st.none() | st.integers(2000, 5000),
    include_urns=st.lists(st.sampled_from([f"urn:li:lyndaCourse:{number}" for number in range(4)]), unique=True),
    exclude_urns=st.lists(st.sampled_from([f"urn:li:lyndaCourse:{number}" for number in range(4)]), unique=True),
    curated_videos_only=st.booleans(),
)
