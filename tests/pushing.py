"""Simulate LinkedIn's push: the sandbox sends statements, and its truth is compared with the records."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connector import Caller, eventually
from coursebridge.clock import from_millis, rfc3339, to_millis, utc_now
from xapi_builders import PROGRESS, PROGRESSED, statement

if TYPE_CHECKING:
    from connector import Connection
    from running_stack import RunningStack

XAPI = "/xapi/statements"
HOME_PAGE = "https://www.linkedin.com/learning"
AT = utc_now() + dt.timedelta(days=1)
"""A time after the statistics of every test's integration were configured."""
Record = tuple[str, int, str | None, str | None]
"""Status, progress, start time and completion time."""
Records = dict[tuple[str, str], list[Record]]
"""Records by learner identifier and course URN."""
NAMES_OF_LINKEDIN = {"email": "email", "external_id": "unique_user_id"}


def target(connection: Connection) -> dict[str, Any]:
    """Return the values that an admin pastes into LinkedIn's form."""
    webhook = connection.made["webhook"]
    return {
        "oauth_url": webhook["oauth_server_url"],
        "statements_url": webhook["tenant_server_url"],
        "client_id": webhook["client_id"],
        "client_secret": webhook["client_secret"],
    }


def push(stack: RunningStack, connection: Connection, **plan: Any) -> dict[str, Any]:
    """Let learners learn and the sandbox push it to a connection; return the sandbox's report.

    All of it happens after the statistics were configured.
    """
    stack.sandbox.delete("/_sandbox/truth/activity").raise_for_status()
    after = to_millis(utc_now() + dt.timedelta(days=30))
    answer = stack.sandbox.post("/_sandbox/push", json={"until": after, **target(connection), **plan}, timeout=120)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def outcomes(connection: Connection) -> dict[str, str]:
    """Wait until every statement of an integration is judged, and return the outcomes by id."""
    path = f"/admin/integrations/{connection.id}/statements"
    eventually(lambda: connection.admin.every(path, outcome="received"), lambda left: not left)
    return {
        item["id"]: f"{item['outcome']}: {item['reason']}" if item["reason"] else item["outcome"]
        for item in connection.admin.every(path, limit=1000)
    }


def records(connection: Connection, identifier: str = "email") -> Records:
    """Return the attempts of all learners at all courses."""
    home = f"/learning/{connection.id}"
    people = {one["id"]: one[identifier] for one in connection.lms.every(f"{home}/learners", limit=1000)}
    found: Records = {}
    for course in connection.courses():
        path = f"{home}/courses/{quote(course['urn'], safe='')}/attempts"
        for one in connection.lms.every(path, limit=1000):
            record = (one["status"], one["progress"], one["started_at"], one["completed_at"])
            found.setdefault((people[one["learner_id"]], course["urn"]), []).append(record)
    return found


def truth(pushed: dict[str, Any], identifier: str = "email") -> Records:
    """Return the records expected after a push."""
    return {
        (one["learner"][NAMES_OF_LINKEDIN[identifier]], one["content_urn"]): [
            (
                "in_progress" if one["completed_at"] is None else "completed",
                one["progress"],
                _time(one["started_at"]),
                _time(one["completed_at"]),
            )
        ]
        for one in pushed["truth"]
    }


def differing(true: Records, kept: Records) -> dict[tuple[str, str], Any]:
    """Return the records that differ from the truth, as ``(expected, actual)``."""
    return {key: (record, kept.get(key)) for key, record in true.items() if kept.get(key) != record}


def _time(millis: int | None) -> str | None:
    return None if millis is None else rfc3339(from_millis(millis))


def agent(name: str) -> dict[str, Any]:
    return {"objectType": "Agent", "mbox": f"mailto:{name}@example.com"}


def account(name: str, home_page: str = HOME_PAGE) -> dict[str, Any]:
    return {"objectType": "Agent", "account": {"homePage": home_page, "name": name}}


def activity(urn: str) -> dict[str, Any]:
    return {"objectType": "Activity", "id": urn}


def progress(name: str, urn: str, percent: int, at: dt.datetime = AT, **members: Any) -> dict[str, Any]:
    return statement(
        actor=agent(name),
        object=activity(urn),
        timestamp=rfc3339(at),
        **{"verb": {"id": PROGRESSED}, "result": {"extensions": {PROGRESS: percent}}, **members},
    )


def completion(name: str, urn: str, at: dt.datetime = AT, **members: Any) -> dict[str, Any]:
    return statement(actor=agent(name), object=activity(urn), timestamp=rfc3339(at), **members)


def reader(admin: Caller, integration_id: str) -> Caller:
    body = {"name": "Reader", "scopes": ["xapi:read", "xapi:write"], "integration_id": integration_id}
    client = admin.ask("POST", "/admin/clients", 201, json=body)
    return Caller(admin.http, client["client_id"], client["client_secret"])
