"""Every route checks its caller, and every route of an integration checks that the caller may access it."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

import pytest

from coursebridge.api import NAMED_BY_OTHERS, Requires

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.api_gateway import Route

HANDLERS = ("admin_handler", "learning_handler", "statements_handler", "token_handler", "aicc_handler")
# Routes that must work without a token: RFC 6749, xAPI 1.0.3 (about), HACP, and the API's own description.
OPEN = {"/oauth2/token", "/xapi/about", "/aicc", "/admin/openapi.json", "/admin/docs"}


NARROWED = {"GET /admin/integrations", "GET /admin/audit"}
"""Routes that return to a client of one integration only its own data; see tests/unit/admin/test_security.py."""


def routes() -> list[tuple[str, Any]]:
    found = []
    for name in HANDLERS:
        app = importlib.import_module(name).app
        found += [(name, route) for route in [*app._static_routes, *app._dynamic_routes]]
    return found


def label(value: object) -> str:
    return f"{getattr(value, 'method', '')} {getattr(value, 'path', value)}"


def checks(route: Route) -> list[Requires]:
    return [middleware for middleware in route.middlewares or [] if isinstance(middleware, Requires)]


@pytest.mark.parametrize(("handler", "route"), routes(), ids=label)
def test_a_route_checks_its_caller_or_is_known_to_be_open(handler: str, route: Route) -> None:
    assert len(checks(route)) == (0 if route.path in OPEN else 1)


@pytest.mark.parametrize(("handler", "route"), routes(), ids=label)
def test_at_most_one_parameter_of_a_route_may_hold_slashes_and_never_the_integration(
    handler: str, route: Route
) -> None:
    named = set(re.findall(r"<(\w+)>", route.path))

    assert len(named & NAMED_BY_OTHERS) <= 1
    assert "integration" not in NAMED_BY_OTHERS


@pytest.mark.parametrize(("handler", "route"), routes(), ids=label)
def test_a_route_about_one_integration_names_it_in_its_path(handler: str, route: Route) -> None:
    for check in checks(route):
        named = "<integration>" in route.path
        of_the_token = handler == "statements_handler"

        confined = named or check.everywhere or check.narrowed or of_the_token
        assert confined, "a caller bound to one integration would reach others"
        assert named + check.everywhere + check.narrowed <= 1
        assert check.narrowed == (label(route) in NARROWED)
