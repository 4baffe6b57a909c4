"""No operation in the API's description answers with a 5xx, whatever value a parameter or a field has."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import admin_handler
import learning_handler
import statements_handler
from coursebridge import clients, settings
from coursebridge.admin import documents
from coursebridge.auth import scopes, wiring
from coursebridge.auth.tokens import Grant
from coursebridge.catalog.search.publishing import Publisher
from coursebridge.people import wiring as people
from coursebridge.storage.courses import CourseStore, Write
from learning_lab import EXCEL, stored
from unit.admin.conftest import Context
from unit.admin.conftest import api as api  # noqa: PLC0414  (a fixture)
from xapi_builders import request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unit.admin.conftest import Api

    Json = dict[str, Any]

MOMENTS = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "10000-01-01T00:00:00Z")
NUMBERS = ("-1", str(1 << 63), "1" * 50, "1" * 5000, "1e400", "nan", "\u0663")
WORDS = ("", "\0", "\U0001f600" * 600)
TEXTS = (*MOMENTS, *NUMBERS, *WORDS)
"""Times out of Python's range in UTC, numbers that SQLite, DynamoDB or Python refuse, and texts that fit no key."""
ODD: dict[str, tuple[Any, ...]] = {
    "date-time": MOMENTS,
    "string": (*WORDS, "\ud800"),
    "integer": (1 << 63, 10**40, 1e308, float("nan"), float("inf"), "1" * 50, "1" * 5000),
}
SHAPES: tuple[Any, ...] = (None, 1, [], {}, [[]])
BODIES = ("", "\0", "[" * 100_000, '{"a":' * 50_000, "1" * 5000, '"\\ud800"', "null", "[]", '"' + "x" * 500_000 + '"')
HANDLERS = {"admin": admin_handler, "learning": learning_handler, "xapi": statements_handler}
DESCRIPTION: Json = json.loads(documents.openapi())
OPERATIONS = [
    (path, method.upper(), operation)
    for path, item in DESCRIPTION["paths"].items()
    for method, operation in item.items()
    if path.split("/")[1] in HANDLERS
]


@pytest.fixture
def known(api: Api, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The ids of what exists: an integration with a course, a learner and a path."""
    queue_url = clients.sqs().create_queue(QueueName="any")["QueueUrl"]
    secret = clients.secretsmanager().create_secret(Name="pseudonym", SecretString=json.dumps({"key": "k" * 64}))
    for name in ("EXPORT_QUEUE_URL", "WEBHOOK_QUEUE_URL"):
        monkeypatch.setenv(name, queue_url)
    monkeypatch.setenv("PSEUDONYM_SECRET_ARN", secret["ARN"])
    monkeypatch.setattr(people, "INDEX_LAG_SECONDS", 0)
    settings.settings.cache_clear()
    integration = api.integration()["id"]
    course = replace(stored(EXCEL), integration_id=integration)
    courses = CourseStore(api.table, integration)
    courses.write([Write(course, course.course, b"{}")])
    Publisher(clients.s3(), "test-bucket").publish(courses)
    home, made = f"/learning/{integration}", {"integration": integration, "urn": EXCEL, "group": "sales"}
    learner = answered("POST", f"{home}/learners", integration, {"email": "ada@example.com"})
    answered("PUT", f"{home}/groups/sales/library/{EXCEL}", integration)
    way = answered("POST", f"{home}/paths", integration, {"name": "First", "group": "sales", "steps": [EXCEL]})
    return made | {"id": learner["id"], "learner_id": learner["id"], "path_id": way["id"]}


def sent(method: str, path: str, integration: str, body: object = None, **query: str) -> Json:
    """Call an operation with every scope."""
    kind = path.split("/")[1]
    grant = Grant("first", 1, integration if kind == "xapi" else None, frozenset(scopes.ALL))
    headers = {"Authorization": f"Bearer {wiring.tokens().mint(grant)}", "Content-Type": "application/json"}
    event = request(method, path, body, headers=headers, query=query)
    answer: Json = HANDLERS[kind].lambda_handler(event, Context())
    return answer


def answered(method: str, path: str, integration: str, body: object = None) -> Any:
    """Return the body of a successful answer."""
    answer = sent(method, path, integration, body)
    assert answer["statusCode"] < 300, answer["body"]
    return json.loads(answer["body"])


def dereferenced(schema: Json) -> Json:
    while "$ref" in schema:
        schema = DESCRIPTION["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def sample(schema: Json) -> Any:
    """Return a value that a schema allows."""
    schema = dereferenced(schema)
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return {name: sample(properties[name]) for name in schema.get("required", ())}
    return {"string": "text", "integer": 1, "boolean": True, "array": []}.get(
        schema.get("type", ""), schema.get("const")
    )


def oddities(schema: Json) -> Iterator[Any]:
    """Yield the odd values of a schema's type, and samples of it with an odd value in one field."""
    schema = dereferenced(schema)
    yield from ODD.get(str(schema.get("format", schema.get("type"))), SHAPES)
    for one in schema.get("anyOf", ()):
        yield from oddities(one)
    if "items" in schema:
        yield from ([one] for one in oddities(schema["items"]))
    for name, inner in schema.get("properties", {}).items():
        yield from ({**sample(schema), name: one} for one in oddities(inner))


def calls(operation: Json, known: dict[str, str]) -> Iterator[tuple[dict[str, str], str | None, dict[str, str]]]:
    """Yield path parameters, body and query of calls with one odd value each."""
    parameters = operation.get("parameters", [])
    names = {where: [one["name"] for one in parameters if one["in"] == where] for where in ("path", "query")}
    good = {name: known.get(name, "content") for name in names["path"]}
    media: Json = next(iter(operation.get("requestBody", {}).get("content", {}).values()), {})
    schema = media.get("schema")
    body = json.dumps(sample(schema)) if schema else None
    for name in names["query"]:
        yield from ((good, body, {name: text}) for text in TEXTS)
    for name in names["path"]:
        yield from (({**good, name: text}, body, {}) for text in TEXTS if text and name != "integration")
    if schema:
        texts = dict.fromkeys([*BODIES, *(json.dumps(odd) for odd in oddities(schema))])
        yield from ((good, text, {}) for text in texts)


@pytest.mark.parametrize(
    ("path", "method", "operation"),
    [one for one in OPERATIONS if not one[0].startswith("/xapi/")],
    ids=[f"{method} {path}" for path, method, _ in OPERATIONS if not path.startswith("/xapi/")],
)
def test_a_query_parameter_that_is_not_described_is_refused_by_name(
    path: str, method: str, operation: Json, known: dict[str, str]
) -> None:
    parameters = operation.get("parameters", [])
    names = {one["name"]: known.get(one["name"], "content") for one in parameters if one["in"] == "path"}
    described = {one["name"]: "1" for one in parameters if one["in"] == "query"}

    answer = sent(method, path.format(**names), known["integration"], **described, no_such="Business")

    problem = json.loads(answer["body"])
    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in problem["errors"]] == ["no_such"]


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=[f"{method} {path}" for path, method, _ in OPERATIONS]
)
def test_an_odd_value_is_never_an_error_of_ours(path: str, method: str, operation: Json, known: dict[str, str]) -> None:
    for parameters, body, query in calls(operation, known):
        answer = sent(method, path.format(**parameters), known["integration"], body, **query)

        assert answer["statusCode"] < 500, (parameters, query, (body or "")[:300])
