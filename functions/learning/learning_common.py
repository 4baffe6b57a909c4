"""What the routes of the learning API share, in addition to :mod:`coursebridge.contract`."""

# No postponed annotations: Powertools reads the types of parameters at run time.

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import AfterValidator

from coursebridge import api, audit
from coursebridge.auth import wiring
from coursebridge.errors import NotFound
from coursebridge.storage.wiring import table

PREFIX = "/learning/<integration>"
NO_INTEGRATION = "There is no such integration."

CourseUrn = Annotated[
    str,
    Path(description="The course's URN, percent-encoded.", examples=["urn:li:lyndaCourse:1222"]),
    AfterValidator(unquote),
]
Group = Annotated[
    str,
    Path(description="The group's name, percent-encoded.", examples=["sales"], max_length=600),
    AfterValidator(unquote),
]
LearnerId = Annotated[
    str, Path(description="The learner's id.", examples=["0196c1e2a1b3c4d5e6f709"]), AfterValidator(unquote)
]


def routes() -> APIGatewayHttpRouter:
    """Return a router for the routes of one module."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


def reach(scope: str) -> list[Callable[..., Response[Any]]]:
    """Return a route's middlewares: they require the scope and an existing integration within the token's reach."""
    return [api.requires(scope), _integration_exists]


def note(
    router: APIGatewayHttpRouter,
    integration: str,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Write to the audit what the caller of the current request did (see :func:`coursebridge.audit.record`)."""
    audit.record(table(), audit.Entry(api.caller(router), action, subject, integration, before, after))


def _integration_exists(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Response[Any]:
    integration_id = unquote(app.context["_route_args"]["integration"])
    if wiring.registry().integration(integration_id) is None:
        raise NotFound("there is no such integration")
    return next_middleware(app)
