"""Builds the course search for a function, from its table and the indexes of its process."""

from __future__ import annotations

from functools import cache

from coursebridge import clients
from coursebridge.catalog.search.replicas import Replicas
from coursebridge.catalog.search.service import CourseSearch
from coursebridge.settings import settings
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.wiring import table


@cache
def replicas() -> Replicas:
    """Return the indexes of this process."""
    return Replicas(clients.s3(), settings().bucket_name)


def course_search(integration_id: str) -> CourseSearch:
    """Return the search over the courses of an integration."""
    return CourseSearch(CourseStore(table(), integration_id), replicas()[integration_id])
