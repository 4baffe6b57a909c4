"""The main job over real HTTP: catalogue in, token out, statement in, completion recorded."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import jwt
import pytest

from connector import Caller, Connection, event, eventually

if TYPE_CHECKING:
    import httpx

    from running_stack import RunningStack


def soon() -> dt.datetime:
    """Return a time that is certainly after the integration was made."""
    return dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)


@pytest.fixture(scope="module")
def admin(stack: RunningStack) -> Caller:
    return Caller(stack.http, stack.outputs.admin_client_id, stack.outputs.admin_client_secret)


@pytest.fixture(scope="module")
def synced(admin: Caller, stack: RunningStack) -> Connection:
    """An integration synced with the sandbox's catalogue, which includes the course of LinkedIn's sample statement."""
    for asset in (event("linkedin-asset.json"), the_course_of_the_statement()):
        stack.sandbox.post("/_sandbox/assets", json=asset).raise_for_status()
    connection = Connection(admin)
    connection.connect()
    run = connection.sync()
    assert run["status"] == "succeeded", run
    return connection


def the_course_of_the_statement() -> dict[str, Any]:
    asset: dict[str, Any] = json.loads(
        json.dumps(event("linkedin-asset.json")).replace("lyndaCourse:252", "lyndaCourse:1222")
    )
    return asset


def completion(email: str, urn: str, at: dt.datetime, **changes: Any) -> dict[str, Any]:
    statement: dict[str, Any] = event("statement-completed.json")
    statement |= {"id": str(uuid.uuid4()), "timestamp": at.isoformat(), **changes}
    statement["actor"] = {"objectType": "Agent", "mbox": f"mailto:{email}"}
    statement["object"]["id"] = urn
    return statement


def test_the_catalogue_becomes_courses_with_the_counts_of_the_run(synced: Connection) -> None:
    run = synced.admin.every(f"/admin/integrations/{synced.id}/runs")[-1]
    courses = synced.courses(status="active")

    assert run["counts"]["read"] == sum(value for name, value in run["counts"].items() if name != "read")
    assert len(courses) == run["counts"]["created"]
    assert len(courses) >= 1000
    assert len({course["locale"] for course in courses}) >= 3
    assert {course["type"] for course in courses} == {"COURSE"}


def test_a_second_sync_writes_no_course(synced: Connection) -> None:
    run = synced.sync()

    assert run["status"] == "succeeded"
    changed = {name: run["counts"][name] for name in ("created", "updated", "archived", "restored", "failed")}
    assert changed == {"created": 0, "updated": 0, "archived": 0, "restored": 0, "failed": 0}
    assert run["counts"]["unchanged"] >= 1000


def test_linkedins_own_asset_is_kept_whole(synced: Connection) -> None:
    asset = event("linkedin-asset.json")
    course = synced.lms.ask("GET", f"/learning/{synced.id}/courses/{quote(asset['urn'], safe='')}")

    assert course["title"] == "Excel 2007 Essential Training"
    assert course["description"] == asset["details"]["description"]["value"]
    assert course["duration_seconds"] == 18790
    assert course["level"] == "BEGINNER"
    assert course["locale"] == "en_US"
    assert course["authors"] == [{"urn": "urn:li:lyndaAuthor:88", "name": "Lorna Daly"}]
    assert course["published_at"].startswith("2007-01-31T00:00:00")
    assert course["launch_urls"] == {
        "web": asset["details"]["urls"]["webLaunch"],
        "sso": asset["details"]["urls"]["ssoLaunch"],
        "aicc": asset["details"]["urls"]["aiccLaunch"],
    }
    assert course["classifications"][0] == {
        "urn": "urn:li:skill:163",
        "type": "SKILL",
        "name": "Microsoft Excel",
        "paths": [[]],
    }
    assert course["contents"]


def test_linkedins_own_statement_opens_an_attempt_at_39_percent(synced: Connection) -> None:
    statement = event("statement-progressed.json")

    assert synced.post(statement) == [statement["id"]]
    [attempt] = eventually(lambda: synced.attempts("bolobala@example.com"), bool)

    assert attempt["course_urn"] == "urn:li:lyndaCourse:1222"
    assert (attempt["status"], attempt["progress"]) == ("in_progress", 39)
    assert attempt["started_at"] == "2021-08-18T04:44:23.764Z"
    assert (attempt["completed_at"], attempt["time_spent_seconds"], attempt["source"]) == (None, None, "xapi")


def test_a_completion_is_recorded_with_its_time_and_the_courses_duration(synced: Connection) -> None:
    at = soon()
    [statement_id] = synced.post(completion("done@example.com", "urn:li:lyndaCourse:252", at))

    assert synced.outcome(statement_id) == ("applied", None)
    [attempt] = synced.attempts("done@example.com")
    assert (attempt["status"], attempt["progress"], attempt["time_spent_seconds"]) == ("completed", 100, 18790)
    assert attempt["completion_statement_id"] == statement_id
    assert dt.datetime.fromisoformat(attempt["completed_at"]) == at.replace(microsecond=at.microsecond // 1000 * 1000)


def test_a_repeat_is_success_and_changes_nothing_and_another_body_is_a_conflict(synced: Connection) -> None:
    first = completion("again@example.com", "urn:li:lyndaCourse:252", soon())
    synced.post(first)
    synced.outcome(first["id"])
    before = synced.attempts("again@example.com")

    assert synced.post(first) == [first["id"]]
    other = {**first, "timestamp": "2030-01-01T00:00:00Z"}
    assert synced.linkedin.send("POST", "/xapi/statements", json=other).status_code == 409
    assert synced.attempts("again@example.com") == before


def test_linkedin_pushes_and_every_record_equals_its_truth(synced: Connection, stack: RunningStack) -> None:
    stack.sandbox.delete("/_sandbox/truth/activity").raise_for_status()
    webhook = synced.made["webhook"]
    pushed = stack.sandbox.post(
        "/_sandbox/push",
        json={
            "oauth_url": webhook["oauth_server_url"],
            "statements_url": webhook["tenant_server_url"],
            "client_id": webhook["client_id"],
            "client_secret": webhook["client_secret"],
            "learners": 12, "domain": "push.example.com", "courses": 6, "per_learner": 2, "completed": 0.5,
            "days": 0.00001, "disorder": 0.3, "repeats": 0.2,
        },
    ).json()  # fmt: skip
    assert set(pushed["statuses"]) == {"200"}

    def wrong() -> list[Any]:
        differing = []
        for truth in pushed["truth"]:
            attempts = synced.attempts(truth["learner"]["email"])
            mine = [attempt for attempt in attempts if attempt["course_urn"] == truth["content_urn"]]
            told = (truth["progress"], truth["completed_at"] is not None)
            if [(a["progress"], a["status"] == "completed") for a in mine] != [told]:
                differing.append((truth, mine))
        return differing

    eventually(wrong, lambda differing: not differing)


def test_a_statement_before_its_course_is_held_and_applied_when_the_course_comes(
    admin: Caller, stack: RunningStack
) -> None:
    connection = Connection(admin)
    statement = completion("early@example.com", "urn:li:lyndaCourse:252", soon())
    connection.post(statement)
    assert connection.outcome(statement["id"]) == ("held", "course_unknown")

    stack.sandbox.post("/_sandbox/assets", json=event("linkedin-asset.json")).raise_for_status()
    connection.connect()
    connection.sync()

    eventually(lambda: connection.statement(statement["id"]), lambda found: found["outcome"] == "applied")
    [attempt] = connection.attempts("early@example.com")
    assert attempt["status"] == "completed"


BAD_FORMS: dict[str, tuple[dict[str, str | None], int, str]] = {
    "wrong secret": ({"client_secret": "x"}, 401, "invalid_client"),
    "unknown client": ({"client_id": "nobody"}, 401, "invalid_client"),
    "wrong grant": ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    "no grant": ({"grant_type": None}, 400, "invalid_request"),
    "no secret": ({"client_secret": None}, 400, "invalid_request"),
    "unknown scope": ({"scope": "moon"}, 400, "invalid_scope"),
    "scope not held": ({"scope": "admin:write"}, 400, "invalid_scope"),
}
BAD_BODIES = {
    "not text": b"\xff\xfe",
    "json": b'{"grant_type": "client_credentials"}',
    "nothing": b"",
    "twice": b"grant_type=client_credentials&grant_type=client_credentials&client_id=a&client_secret=b",
    "huge": b"a=" + b"x" * 1_000_000,
}


def good_form(connection: Connection) -> dict[str, str]:
    webhook = connection.made["webhook"]
    return {
        "grant_type": "client_credentials",
        "client_id": webhook["client_id"],
        "client_secret": webhook["client_secret"],
    }


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize("name", BAD_FORMS)
def test_a_bad_token_form_gets_the_error_of_rfc_6749(synced: Connection, name: str) -> None:
    changes, status, code = BAD_FORMS[name]
    form = {key: value for key, value in {**good_form(synced), **changes}.items() if value is not None}

    assert_refused(synced.lms.http.post("/oauth2/token", data=form), status, code)


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_is_no_form_is_an_invalid_request(synced: Connection, name: str) -> None:
    assert_refused(synced.lms.http.post("/oauth2/token", content=BAD_BODIES[name]), 400, "invalid_request")


def test_credentials_in_the_form_and_in_the_header_at_once_are_refused(synced: Connection) -> None:
    form = good_form(synced)
    answer = synced.lms.http.post("/oauth2/token", data=form, auth=(form["client_id"], form["client_secret"]))

    assert_refused(answer, 400, "invalid_request")


def test_credentials_in_the_header_alone_are_fine(synced: Connection) -> None:
    form = good_form(synced)
    auth = (form.pop("client_id"), form.pop("client_secret"))

    assert synced.lms.http.post("/oauth2/token", data=form, auth=auth).status_code == 200


CONTENT_TYPES = [
    "x-www-form-urlencoded",
    "application/octet-stream",
    "APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8",
]


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
def test_a_token_form_is_read_by_its_content_whatever_its_type_says(synced: Connection, content_type: str) -> None:
    form = urlencode({**good_form(synced), "scope": "xapi:write"})

    answer = synced.lms.http.post("/oauth2/token", content=form, headers={"Content-Type": content_type})

    assert answer.status_code == 200
    expected = {"access_token": "", "token_type": "Bearer", "expires_in": 3600, "scope": "xapi:write"}
    assert {**answer.json(), "access_token": ""} == expected


def forged(token: str, **changes: Any) -> str:
    """Return a token with changed claims, signed with the forger's own key."""
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    return jwt.encode(claims, "k" * 64, algorithm="HS256", headers={"kid": jwt.get_unverified_header(token)["kid"]})


def unsigned(token: str) -> str:
    _, payload, _ = token.split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{payload}."


def tampered(token: str) -> str:
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["scope"] = "admin:read admin:write"
    return f"{header}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize(
    "forge", [forged, unsigned, tampered, lambda token: token[:-3] + "AAA", lambda _token: "x.y.z"]
)
def test_a_forged_token_is_refused_everywhere(synced: Connection, forge: Any) -> None:
    token = forge(synced.linkedin.token())
    for method, path in (
        ("POST", "/xapi/statements"),
        ("GET", "/admin/integrations"),
        ("GET", f"/learning/{synced.id}/courses"),
    ):
        answer = synced.lms.http.request(method, path, headers={"Authorization": f"Bearer {token}"})

        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_a_token_without_the_scope_is_told_which_it_lacks(synced: Connection) -> None:
    answer = synced.linkedin.send("GET", "/admin/integrations")

    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert answer.json()["code"] == "insufficient_scope"


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("POST", "/xapi/statements", {"content": b""}),
        ("POST", "/xapi/statements", {"content": b"not json"}),
        ("POST", "/xapi/statements", {"content": b"[1, 2]"}),
        ("POST", "/xapi/statements", {"content": b"{}"}),
        ("POST", "/xapi/statements", {"content": b"[" * 50_000}),
        ("POST", "/xapi/statements", {"content": b'"' + b"x" * 5_500_000 + b'"'}),
        ("GET", "/xapi/statements", {}),
        ("HEAD", "/xapi/statements", {}),
        ("OPTIONS", "/xapi/statements", {}),
        ("DELETE", "/xapi/statements", {}),
        ("GET", "/xapi/nowhere", {}),
        ("GET", "/oauth2/token", {}),
        ("HEAD", "/oauth2/token", {}),
        ("OPTIONS", "/oauth2/token", {}),
        ("GET", "/nowhere", {}),
        ("PUT", "/admin/integrations", {}),
        ("GET", "/admin/nowhere", {}),
        ("POST", "/learning/none/courses", {}),
    ],
)
def test_a_probe_gets_a_clear_refusal(synced: Connection, method: str, path: str, options: Any) -> None:
    answer = synced.linkedin.send(method, path, **options)

    assert 400 <= answer.status_code < 500
    assert method == "HEAD" or answer.json()


@pytest.mark.parametrize("path", ["/", "/nowhere", "/learning", "/xapi"])
def test_a_path_that_no_route_takes_is_a_problem_too(synced: Connection, path: str) -> None:
    answer = synced.linkedin.send("GET", path)

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.headers["X-Request-Id"]


def test_a_batch_of_a_hundred_and_one_is_too_large_and_stores_nothing(synced: Connection) -> None:
    batch = [completion("many@example.com", "urn:li:lyndaCourse:252", soon()) for _ in range(101)]

    assert synced.linkedin.send("POST", "/xapi/statements", json=batch).status_code == 413
    path = f"/admin/integrations/{synced.id}/statements/{batch[0]['id']}"
    assert synced.admin.send("GET", path).status_code == 404


def test_one_bad_statement_rejects_its_batch_and_is_named(synced: Connection) -> None:
    good = completion("batch@example.com", "urn:li:lyndaCourse:252", soon())
    answer = synced.linkedin.send(
        "POST", "/xapi/statements", json=[good, {**good, "id": str(uuid.uuid4()), "verb": {}}]
    )

    assert answer.status_code == 400
    assert any("[1]" in error["field"] and "verb" in error["field"] for error in answer.json()["errors"])
    assert synced.admin.send("GET", f"/admin/integrations/{synced.id}/statements/{good['id']}").status_code == 404
