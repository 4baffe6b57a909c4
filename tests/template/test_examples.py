"""The example programs in the documents work."""

import inspect
import re
import sqlite3
from datetime import UTC, datetime, timedelta

import httpx
import pytest

import cfn
import lms
from coursebridge.webhooks import signing

BODY = b'{"type":"AttemptCompleted"}'
ATTEMPT = {
    "id": "a",
    "learner_id": "l",
    "course_urn": "u",
    "status": "in_progress",
    "progress": 40,
    "completed_at": None,
}
COMPLETED = {**ATTEMPT, "status": "completed", "progress": 100, "completed_at": "2026-01-31T08:10:00.000Z"}


@pytest.fixture
def database() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.executescript(lms.TABLES)
    return database


def test_a_delivery_is_genuine_also_while_its_secret_is_rotated() -> None:
    old, new = signing.new_secret(), signing.new_secret()
    headers = signing.headers("m", datetime.now(UTC), BODY, [old, new])

    assert lms.is_genuine(old, headers, BODY)
    assert lms.is_genuine(new, headers, BODY)


def test_a_delivery_of_others_changed_or_old_is_not_genuine() -> None:
    secret, at = signing.new_secret(), datetime.now(UTC)
    headers = signing.headers("m", at, BODY, [secret])
    late = signing.headers("m", at - timedelta(minutes=6), BODY, [secret])

    assert not lms.is_genuine(signing.new_secret(), headers, BODY)
    assert not lms.is_genuine(secret, headers, BODY + b" ")
    assert not lms.is_genuine(secret, late, BODY)
    assert not lms.is_genuine(secret, {**headers, "webhook-signature": "v1,é"}, BODY)


def test_the_lines_in_the_guide_are_those_of_the_program() -> None:
    guide = (cfn.ROOT / "docs" / "build-on-it.md").read_text()
    shown = re.findall(r"```python\n(def is_genuine.*?)```", guide, re.DOTALL)[0]
    told = re.sub(r'\n    """.*"""|  # noqa.*', "", inspect.getsource(lms.is_genuine))

    assert shown == told


def test_events_that_come_twice_or_late_end_in_the_same_state(database: sqlite3.Connection) -> None:
    for at, attempt in (("T2", COMPLETED), ("T1", ATTEMPT), ("T2", COMPLETED)):
        lms.take(database, at, attempt)

    assert database.execute("SELECT status, progress, as_of FROM attempt").fetchall() == [("completed", 100, "T2")]


def test_a_token_is_kept_and_renewed_once_when_it_is_refused() -> None:
    calls = list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        if request.url.path == "/oauth2/token":
            return httpx.Response(200, json={"access_token": str(len(calls)), "expires_in": 3600})
        is_revoked = request.headers["Authorization"] == "Bearer 1" and len(calls) > 3
        return httpx.Response(401 if is_revoked else 200)

    auth = lms.ClientCredentials("https://c", "id", "secret")
    with httpx.Client(base_url="https://c", auth=auth, transport=httpx.MockTransport(answer)) as client:
        statuses = [client.get("/courses").status_code for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert calls == ["/oauth2/token", "/courses", "/courses", "/courses", "/oauth2/token", "/courses"]
