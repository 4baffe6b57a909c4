"""Which path leads to which route, and with which parameters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from aws_lambda_powertools.event_handler import Response
from hypothesis import example, given
from hypothesis import strategies as st

from coursebridge import api
from xapi_builders import request

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

TEXT = st.characters(exclude_categories=["Cs"])
SEGMENT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1)


@pytest.fixture(scope="module")
def app() -> APIGatewayHttpResolver:
    app = api.resolver()

    def found(group: str, urn: str) -> Response[str]:
        return Response(200, "application/json", json.dumps([group, urn]))

    app.get("/groups/<group>/library/<urn>")(found)
    return app


def answer(app: APIGatewayHttpResolver, method: str, path: str) -> dict[str, Any]:
    return app.resolve(request(method, path), Mock())


@given(group=st.text(TEXT, min_size=1), urn=SEGMENT)
@example(group="R/D", urn="urn:li:lyndaCourse:1")
@example(group="a/library/b", urn="library")
@example(group="/", urn="\n")
def test_a_parameter_may_hold_anything_and_a_slash_if_others_made_it_up(
    app: APIGatewayHttpResolver, group: str, urn: str
) -> None:
    assert json.loads(answer(app, "GET", f"/groups/{group}/library/{urn}")["body"]) == [group, urn]


def test_a_slash_ends_any_other_parameter(app: APIGatewayHttpResolver) -> None:
    assert answer(app, "GET", "/groups/a/library/b/c")["statusCode"] == 404


def test_another_method_is_told_which_ones_there_are(app: APIGatewayHttpResolver) -> None:
    refused = answer(app, "POST", "/groups/why?/library/c")

    assert (refused["statusCode"], refused["headers"]["Allow"]) == (405, "GET")
