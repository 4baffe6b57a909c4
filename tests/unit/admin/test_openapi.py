"""The description of the API, made from its code, is complete, valid and up to date, and its examples hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from coursebridge.admin import documents
from local.openapi import document, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unit.admin.conftest import Api

DOCUMENT = document.document()
UNASKED = {"HEAD", "OPTIONS"}
"""Answered only because HTTP requires it, and so not described; ``NOT_HACP`` adds what AICC does not use."""

NOT_HACP = {("/aicc", method) for method in ("GET", "PUT", "PATCH", "DELETE")}


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def in_code() -> Iterator[str]:
    for app in (*document.TYPED, *document.PROTOCOLS):
        for method, path, _ in document.routes(app):
            for one in [method] if isinstance(method, str) else method:
                if one not in UNASKED and (path, one) not in NOT_HACP:
                    yield f"{one} {path}"


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, operation in operations():
        for where, body in {"request": operation.get("requestBody", {}), **operation["responses"]}.items():
            for media in body.get("content", {}).values():
                yield f"{name} {where}", media


def test_every_route_is_in_it_and_nothing_else() -> None:
    assert sorted({name for name, _ in operations()}) == sorted(set(in_code()))


def test_it_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_no_part_of_a_shape_gets_the_name_of_another_shape() -> None:
    """Client generators join the names of a shape and of an object within it, and drop the object if that is taken."""
    shapes = DOCUMENT["components"]["schemas"]
    within = [
        f"{name}{member.get('title', field.title())}"
        for name, shape in shapes.items()
        for field, member in shape.get("properties", {}).items()
        if member.get("type") == "object"
    ]

    assert [name for name in within if name in shapes] == []


@pytest.mark.parametrize(
    ("name", "operation"), list(operations()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_operation_says_what_it_does_and_who_may(name: str, operation: dict[str, Any]) -> None:
    open_to_all = ("/oauth2/token", "/xapi/about", "/aicc", "/admin/openapi.json", "/admin/docs")

    assert operation["summary"]
    assert len(operation["tags"]) == 1
    assert bool(operation["security"]) != name.endswith(open_to_all)
    if operation["security"]:
        assert {"401", "403"} <= operation["responses"].keys()


def test_every_example_holds() -> None:
    wrong = []
    for name, media in bodies():
        if "example" in media:
            schema = {**media["schema"], "components": DOCUMENT["components"]}
            wrong += [(name, error.message) for error in Draft202012Validator(schema).iter_errors(media["example"])]

    assert wrong == []


def test_every_request_that_is_json_has_an_example() -> None:
    missing = [name for name, media in bodies() if name.endswith("request") and "example" not in media]

    assert missing == []


def test_what_ships_is_up_to_date() -> None:
    assert documents.openapi() == document.text(), "run `make openapi`"
    assert documents.page() == page.html(DOCUMENT), "run `make openapi`"


def test_it_is_served_to_everybody(api: Api) -> None:
    answer = api.send("GET", "/admin/openapi.json", headers={"Authorization": ""})

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(answer.text)["openapi"] == "3.1.0"


def test_the_page_loads_nothing_from_anywhere(api: Api) -> None:
    answer = api.send("GET", "/admin/docs", headers={"Authorization": ""})

    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in answer.text
    assert "src=" not in answer.text
    assert "POST" in answer.text
    assert "/admin/integrations/{integration}/selftest" in answer.text
