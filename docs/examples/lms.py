"""The least an LMS needs of Coursebridge: courses, people, launches, completions. Explained in docs/build-on-it.md.

Needs httpx (`make setup`), and COURSEBRIDGE_URL, COURSEBRIDGE_INTEGRATION, COURSEBRIDGE_CLIENT_ID and
COURSEBRIDGE_CLIENT_SECRET in the environment. `.venv/bin/python docs/examples/lms.py` pulls the courses, imports two
people and launches a course.
"""

import base64
import hashlib
import hmac
import os
import random
import sqlite3
import time
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

TRIES = 5
TRY_AGAIN = {429, 500, 502, 503, 504}

TABLES = """
CREATE TABLE IF NOT EXISTS course (urn TEXT PRIMARY KEY, title TEXT, seconds INTEGER, status TEXT, synced_at TEXT);
CREATE TABLE IF NOT EXISTS attempt (
    id TEXT PRIMARY KEY, learner TEXT, course TEXT, status TEXT, progress INTEGER, completed_at TEXT, as_of TEXT
);
"""
PEOPLE = """email,external_id,name,groups,status
ada@example.com,E-1001,Ada Example,Sales;Managers,active
bo@example.com,E-1002,Bo Example,Sales,active
"""


class ClientCredentials(httpx.Auth):
    """Sends a token along: one for as long as it is good, another one when it is refused."""

    requires_response_body = True

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        self._url = f"{url}/oauth2/token"
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        self._token, self._good_until = "", 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the token into a request; after a 401 try once more with a new one."""
        if time.monotonic() >= self._good_until:
            yield from self._renewed()
        request.headers["Authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            yield from self._renewed()
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request

    def _renewed(self) -> Generator[httpx.Request, httpx.Response, None]:
        answer = yield httpx.Request("POST", self._url, data=self._form)
        if answer.is_error:
            raise RuntimeError(f"no token: {answer.status_code} {answer.text}")
        body = answer.json()
        self._token, self._good_until = body["access_token"], time.monotonic() + 0.9 * body["expires_in"]


class Coursebridge:
    """Calls the API for one integration. Every call made here may be made twice."""

    def __init__(self, url: str, integration: str, client_id: str, client_secret: str) -> None:
        auth = ClientCredentials(url, client_id, client_secret)
        self._http = httpx.Client(base_url=f"{url}/learning/{integration}", auth=auth, timeout=35)

    def ask(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401  (any JSON)
        """Return the JSON that is answered.

        Raises:
            RuntimeError: the API refused; the text has what is wrong and the request id.
            httpx.TransportError: it was not reached.
        """
        for number in range(TRIES):
            answer = self._http.request(method, path, **options)
            if answer.status_code not in TRY_AGAIN or number == TRIES - 1:
                break
            time.sleep(2**number * random.uniform(0.5, 1))  # noqa: S311  (not a secret)
        if answer.is_error:
            raise RuntimeError(f"{answer.status_code} {answer.text} (request {answer.headers.get('X-Request-Id')})")
        return answer.json()

    def every(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  (query parameters)
        """Yield the items of a list, page after page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.ask("GET", path, params={"limit": 200, **params, **cursor})
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}


def pull_courses(api: Coursebridge, database: sqlite3.Connection) -> int:
    """Write the courses that changed since the last pull, the first time all of them. Return how many were read."""
    (latest,) = database.execute("SELECT max(synced_at) FROM course").fetchone()
    changed = {"synced_since": latest} if latest else {}
    number = 0
    for course in api.every("/courses", **changed):
        row = [course[name] for name in ("urn", "title", "duration_seconds", "status", "synced_at")]
        database.execute("INSERT OR REPLACE INTO course VALUES (?, ?, ?, ?, ?)", row)
        number += 1
    database.commit()
    return number


def import_people(api: Coursebridge, csv: str) -> dict[str, str]:
    """Add and change learners; return their ids here by row, and tell of rows that were refused."""
    answer = api.ask("POST", "/learners/import", content=csv, headers={"Content-Type": "text/csv"})
    for row in answer["rows"]:
        for error in row["errors"]:
            print(f"row {row['row']}: {error['field']} {error['detail']}")
    return {str(row["row"]): row["id"] for row in answer["rows"] if row["id"]}


def launch(api: Coursebridge, learner_id: str, urn: str) -> str:
    """Return the URL to send the learner's browser to, at once and only this learner's."""
    answer = api.ask("POST", "/launches", json={"learner_id": learner_id, "course_urn": urn, "via": "auto"})
    return str(answer["url"])


def is_genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a webhook's request is Coursebridge's and new; `body` as it came, before anything reads it."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    given = headers["webhook-signature"].encode().split()
    is_new = abs(time.time() - int(headers["webhook-timestamp"])) < 300  # noqa: PLR2004  (five minutes)
    return is_new and any(hmac.compare_digest(wanted, one) for one in given)


def take(database: sqlite3.Connection, as_of: str, attempt: Mapping[str, Any]) -> None:
    """Keep how an attempt stood at a time: harmless when it comes twice, or after something later."""
    row = [attempt[name] for name in ("id", "learner_id", "course_urn", "status", "progress", "completed_at")]
    database.execute(
        "INSERT INTO attempt VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET learner = excluded.learner,"
        " status = excluded.status, progress = excluded.progress, completed_at = excluded.completed_at,"
        " as_of = excluded.as_of WHERE excluded.as_of > attempt.as_of",
        (*row, as_of),
    )
    database.commit()


def now() -> str:
    """Return the time as events write theirs."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> None:
    """Play it through once."""
    names = ("URL", "INTEGRATION", "CLIENT_ID", "CLIENT_SECRET")
    api = Coursebridge(*(os.environ[f"COURSEBRIDGE_{name}"] for name in names))
    database = sqlite3.connect(":memory:")
    database.executescript(TABLES)
    print(pull_courses(api, database), "courses,", pull_courses(api, database), "changed since")
    ids = import_people(api, PEOPLE)
    course = next(api.every("/courses", q="python", language="en", status="active", type="COURSE"))
    print("send", ids["1"], "to", launch(api, ids["1"], course["urn"]))
    as_of = now()
    for attempt in api.every(f"/courses/{quote(course['urn'], safe='')}/attempts"):
        take(database, as_of, attempt)
    for row in database.execute("SELECT learner, course, status, progress FROM attempt ORDER BY learner"):
        print(*row)


if __name__ == "__main__":
    main()
