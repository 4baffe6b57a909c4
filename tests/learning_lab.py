"""Valid courses, learners and callers for tests of the learning API."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from answers import Answer
from coursebridge.clock import parse_rfc3339
from coursebridge.storage import keys
from coursebridge.storage.courses import CourseStore, Labels, StoredCourse, Write
from coursebridge.storage.learners import DatedIdentifier, Learner
from coursebridge.storage.packing import pack
from xapi_builders import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.storage.course_shapes import Reason
    from coursebridge.storage.table import Table

ACME = "acme"
NOW = parse_rfc3339("2026-03-01T10:00:00Z")
AT = "2026-03-01T10:00:00.000Z"
EXCEL, WORD, POWERPOINT = (f"urn:li:lyndaCourse:{number}" for number in (1, 2, 3))
WEB = "https://www.linkedin.com/learning/excel?dApp=5&leis=LAA"
SSO = "https://www.linkedin.com/checkpoint/enterprise/login/1?redirect=https%3A%2F%2Fwww%2Elinkedin%2Ecom%2Fx"
AICC = "https://www.linkedin.com/learning/aicc?content=urn%3Ali%3AlyndaCourse%3A1&account=urn%3Ali%3Ax"


def upstream(urn: str = EXCEL, **fields: Any) -> dict[str, Any]:
    """Return the upstream fields of a course."""
    return {
        "urn": urn,
        "type": "COURSE",
        "title": "Excel",
        "description": "Cells and more",
        "short_description": "Cells",
        "thumbnail_url": None,
        "authors": [{"urn": None, "name": "A. Author"}],
        "classifications": [{"urn": "urn:li:lyndaCategory:1", "type": "TOPIC", "name": "Spreadsheets", "paths": [[]]}],
        "duration_seconds": 3600,
        "level": "BEGINNER",
        "locale": "en_US",
        "available_locales": ["en_US"],
        "published_at": AT,
        "updated_at": AT,
        "retired_at": None,
        "launch_urls": {"web": WEB, "sso": SSO, "aicc": AICC},
        "retired": False,
        "curated": None,
        **fields,
    }


def stored(urn: str = EXCEL, *, archived: Reason | None = None, **fields: Any) -> StoredCourse:
    """Return a course as stored in the table; ``archived`` is the reason, if it is archived."""
    return StoredCourse(
        integration_id=ACME,
        urn=urn,
        status="archived" if archived else "active",
        archived_reason=archived,
        hash="h1",
        labels=Labels(tags_enabled=True, group="everybody", author_email="author@example.com"),
        run_id="r1",
        action="created",
        synced_at=AT,
        body=pack(json.dumps(upstream(urn, **fields)).encode()),
    )


def put_course(table: Table, urn: str = EXCEL, *, archived: Reason | None = None, **fields: Any) -> StoredCourse:
    """Put a course and its detail into the table."""
    course = stored(urn, archived=archived, **fields)
    element = json.dumps({"urn": urn, "details": {}}).encode()
    CourseStore(table, ACME).write([Write(course, course.course, element)])
    return course


def put_learner(table: Table, learner_id: str = "ann", **fields: Any) -> Learner:
    """Put a learner into the table."""
    fields.setdefault("identifiers", (DatedIdentifier("email", "ann@example.com", AT),))
    learner = Learner(ACME, learner_id, AT, **fields)
    table.put(learner.to_item())
    return learner


def put_integration(table: Table, integration_id: str = ACME) -> None:
    """Put into the table as much of an integration as callers need."""
    table.put({**keys.integration(integration_id).item(), "id": integration_id})


@dataclass(frozen=True)
class Caller:
    """A caller with a token that invokes a function as API Gateway does."""

    table: Table
    token: str
    handler: Callable[..., dict[str, Any]]
    context: object
    integration: str = ACME

    def send(self, method: str, path: str, body: object = None, **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        whole = unquote(f"/learning/{self.integration}{path}" if path.startswith("/") else f"/{path}")
        return Answer.of(self.handler(request(method, whole, body, headers=headers, **options), self.context))

    def ask(self, method: str, path: str, body: object = None, *, expect: int = 200, **options: Any) -> Any:
        """Send, check the status, and return the JSON (or ``None`` for an empty answer)."""
        answer = self.send(method, path, body, **options)
        assert answer.status == expect, answer.text
        return answer.json if answer.text else None

    def get(self, path: str, **query: str) -> Any:
        """Send a GET request and return the JSON."""
        return self.ask("GET", path, query=query)

    def refused(self, path: str, expect: int, **query: str) -> Any:
        """Send a GET request that is refused, and return the problem."""
        return self.ask("GET", path, expect=expect, query=query)
