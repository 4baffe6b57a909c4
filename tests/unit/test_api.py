"""What every HTTP function shares: the resolver, the one error shape, the check of a caller."""

from __future__ import annotations

import importlib
import io
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from coursebridge import api, contract
from coursebridge.auth import wiring
from coursebridge.auth.tokens import Grant
from coursebridge.errors import Conflict, FieldError, Unavailable, UpstreamError, field_errors
from coursebridge.integrations.models import Email, Language, Urn  # noqa: TC001  (pydantic reads them at run time)
from coursebridge.observability import logger
from coursebridge.times import Moment  # noqa: TC001  (likewise)
from unit.conftest import Context
from xapi_builders import request

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

    from coursebridge.storage.table import Table

    Call = Callable[..., tuple[int, dict[str, Any], Any]]


class Body(BaseModel):
    """The body of a request."""

    number: int


class Named(contract.Request):
    """The body of a request that may have one field."""

    name: str = ""


class Fields(BaseModel):
    """Fields with the types that requests have."""

    model_config = ConfigDict(extra="forbid")

    email: Email | None = None
    language: Language | None = None
    urn: Urn | None = None
    code: Annotated[str, StringConstraints(pattern="^[A-Z]$")] | None = None
    since: Moment | None = None


def app() -> APIGatewayHttpResolver:
    """Return an app with a route of each kind."""
    made = api.resolver(validate=True)

    @made.get("/things")
    def things(limit: Annotated[int, Query(ge=1)] = 1) -> dict[str, int]:
        return {"limit": limit}

    @made.post("/things")
    def make(body: Body) -> dict[str, int]:
        return {"number": body.number}

    @made.put("/names")
    def rename(body: Named) -> dict[str, str]:
        return {"name": body.name}

    @made.delete("/things")
    def nothing() -> None:
        return None

    @made.get("/wrong")
    def wrong() -> Body:
        return {"number": "none"}  # type: ignore[return-value]

    @made.get("/of/<integration>", middlewares=[api.requires("learning:read")])
    def of(integration: str) -> dict[str, str]:
        return {"client": api.grant(made).client_id, "integration": integration}

    add_failures(made)
    return made


def add_failures(made: APIGatewayHttpResolver) -> None:
    @made.get("/broken")
    def broken() -> None:
        message = "a secret thought"
        raise RuntimeError(message)

    @made.get("/conflict")
    def conflict() -> None:
        raise Conflict("not now")

    @made.post("/people/<person>")
    def busy(person: str) -> None:
        raise Unavailable(f"{person} has to wait")

    @made.get("/linkedin/<integration>", middlewares=[api.requires("learning:read")])
    def refused(integration: str) -> None:
        raise UpstreamError(f"LinkedIn does not know {integration}")


@pytest.fixture
def call(deployed: Table) -> Call:
    """A function that calls the app as API Gateway does."""
    made = app()

    def call(method: str, path: str, body: object = None, **options: Any) -> tuple[int, dict[str, Any], Any]:
        answer = made.resolve(request(method, path, body, **options), None)  # type: ignore[arg-type]
        return answer["statusCode"], answer["headers"], json.loads(answer["body"]) if answer["body"] else None

    return call


def test_every_answer_carries_the_request_id(call: Call) -> None:
    for path in ("/things", "/nowhere", "/broken", "/of/mine"):
        assert call("GET", path)[1]["X-Request-Id"] == "request-1"


def test_an_expected_error_is_a_problem(call: Call) -> None:
    status, headers, body = call("GET", "/conflict")

    assert (status, headers["Content-Type"]) == (409, "application/problem+json")
    assert body == {
        "type": "urn:coursebridge:problem:conflict", "title": "Conflict", "status": 409, "code": "conflict",
        "detail": "not now",
    }  # fmt: skip


@pytest.mark.parametrize("path", ["/broken", "/wrong"])
def test_an_unexpected_error_tells_nobody_what_it_was(call: Call, path: str) -> None:
    status, _, body = call("GET", path)

    assert (status, body["code"]) == (500, "internal")
    assert "secret" not in json.dumps(body)
    assert "number" not in json.dumps(body)


def test_a_path_there_is_not_and_a_method_it_does_not_take_are_told_apart(call: Call) -> None:
    assert call("GET", "/nowhere")[0] == 404
    status, headers, body = call("PATCH", "/things")
    assert (status, headers["Allow"]) == (405, "DELETE, GET, POST")
    assert "DELETE, GET, POST" in body["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"number": "many"}, "number"),
        ({}, "number"),
        ([1], ""),
        (None, ""),
    ],
)
def test_a_wrong_body_names_the_field(call: Call, body: object, field: str) -> None:
    status, _, answered = call("POST", "/things", body)

    assert status == 400
    assert field in {error["field"] for error in answered["errors"]} | {""}


@pytest.mark.parametrize("body", [{f"field{n}": 1 for n in range(100_000)}, {"x" * 5_000_000: 1}], ids=["many", "long"])
def test_however_many_fields_are_wrong_the_answer_fits_into_a_response(call: Call, body: dict[str, int]) -> None:
    status, _, answered = call("PUT", "/names", body)

    assert status == 400
    assert answered["errors"]
    assert len(json.dumps(json.dumps(answered))) < contract.MOST_BYTES


@pytest.mark.parametrize("body", ["nonsense", "{", "[" * 100_000, "\x00"])
def test_what_is_no_json_is_refused(call: Call, body: str) -> None:
    assert call("POST", "/things", body)[0] == 400


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/merge-patch+json; charset=utf-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "text/plain",
        "",
    ],
)
def test_json_is_read_whatever_its_type_says(call: Call, content_type: str) -> None:
    assert call("POST", "/things", {"number": 1}, headers={"Content-Type": content_type})[2] == {"number": 1}


def test_a_form_is_refused_for_what_it_is(call: Call) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    status, _, answered = call("POST", "/things", "number=1", headers=headers)

    assert (status, answered["detail"]) == (400, "the body is not JSON")


def test_a_wrong_parameter_is_named(call: Call) -> None:
    assert call("GET", "/things", query={"limit": "0"})[2]["errors"][0]["field"] == "limit"
    assert call("GET", "/things", query={"limit": "7"})[2] == {"limit": 7}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"foo": 1}, "there is no such field"),
        ({"email": "nobody"}, "is not an e-mail address"),
        ({"language": "English"}, "is not a language, such as en or en_US"),
        ({"urn": "252"}, "is not a URN of LinkedIn, such as urn:li:lyndaCourse:252"),
        ({"code": "x"}, "String should match pattern '^[A-Z]$'"),
        ({"since": "yesterday"}, "is not a time in RFC 3339, such as 2026-01-31T08:10:00Z"),
        (
            {"since": "2026-01-31T08:10:00 01:00"},
            "is not a time in RFC 3339, such as 2026-01-31T08:10:00Z; in a URL, + is written as %2B",
        ),
        ({"since": "2026-01-31"}, "is not a time in RFC 3339, such as 2026-01-31T08:10:00Z: it has no time zone"),
    ],
)
def test_what_is_wrong_with_a_field_is_told_in_words(body: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Fields.model_validate(body)

    assert field_errors(refused.value.errors()) == (FieldError(next(iter(body)), words),)


def test_every_parameter_that_is_not_declared_is_named(call: Call) -> None:
    status, _, problem = call("GET", "/things", query={"limit": "7", "offset": "", "Limit": "7"})

    assert (status, [error["field"] for error in problem["errors"]]) == (400, ["Limit", "offset"])
    assert problem["detail"].endswith("it takes limit")
    assert call("DELETE", "/things", query={"x": "1"})[2]["detail"].endswith("it takes none")


def test_strangers_are_not_told_what_a_path_takes(call: Call) -> None:
    assert call("GET", "/of/mine", query={"x": "1"})[0] == 401


def test_an_answer_without_a_body_is_empty(call: Call) -> None:
    assert call("DELETE", "/things")[2] is None
    assert api.answer(HTTPStatus.NO_CONTENT).body == ""


def test_a_caller_reaches_its_integration_and_no_other(call: Call) -> None:
    token = wiring.tokens().mint(Grant("first", 1, "mine", frozenset({"learning:read"})))
    headers = {"Authorization": f"Bearer {token}"}

    assert call("GET", "/of/mine", headers=headers)[2] == {"client": "first", "integration": "mine"}
    assert call("GET", "/of/another", headers=headers)[0] == 403
    assert call("GET", "/of/mine")[0] == 401


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, Any]]:
    """A function that returns the one line that was logged."""
    lines = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", lines)
    logger.structure_logs()
    return lambda: json.loads(lines.getvalue())


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/conflict", {"level": "INFO", "message": "request refused", "code": "conflict", "status": 409}),
        (
            "POST",
            "/people/jane.doe@example.com",
            {
                "level": "WARNING", "message": "request failed", "code": "unavailable", "status": 503,
                "method": "POST", "route": "/people/<person>",
            },
        ),
    ],
)  # fmt: skip
def test_an_error_that_is_not_the_callers_is_a_warning_that_names_the_route_and_no_person(
    call: Call, log: Callable[[], dict[str, Any]], method: str, path: str, told: dict[str, Any]
) -> None:
    call(method, path)

    line = log()
    assert {name: line.get(name) for name in told} == told
    assert "jane" not in json.dumps(line)


def test_what_is_logged_of_a_request_says_whose_it_was(call: Call, log: Callable[[], dict[str, Any]]) -> None:
    token = wiring.tokens().mint(Grant("first", 1, "mine", frozenset({"learning:read"})))

    assert call("GET", "/linkedin/mine", headers={"Authorization": f"Bearer {token}"})[0] == 502
    line = log()
    assert (line["client"], line["integration"], line["code"]) == ("first", "mine", "linkedin_error")


@pytest.mark.parametrize("name", ["admin_handler", "learning_handler", "statements_handler"])
def test_a_function_forgets_whose_its_last_request_was(
    deployed: Table, log: Callable[[], dict[str, Any]], name: str
) -> None:
    logger.append_keys(client="of the last request")

    answer = importlib.import_module(name).lambda_handler(request("GET", "/nowhere"), Context())

    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (404, api.PROBLEM)
    assert "client" not in log()
