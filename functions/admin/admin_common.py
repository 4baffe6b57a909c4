"""What the routes of the admin API share."""

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Header, Path
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from coursebridge import api
from coursebridge.auth import scopes

Middlewares = list[Callable[..., Any]]

READ: Middlewares = [api.requires(scopes.ADMIN_READ)]
WRITE: Middlewares = [api.requires(scopes.ADMIN_WRITE)]
READ_OWN: Middlewares = [api.requires(scopes.ADMIN_READ, narrowed=True)]
READ_ALL: Middlewares = [api.requires(scopes.ADMIN_READ, everywhere=True)]
WRITE_ALL: Middlewares = [api.requires(scopes.ADMIN_WRITE, everywhere=True)]

ABSENT = "There is no such integration."
CHANGING = {
    "_404": ABSENT,
    "_409": "Other requests keep changing it: try again.",
    "_413": "The settings are too large for an integration.",
}
"""The error responses of a route that changes an integration."""
CHANGING_A_VERSION = {**CHANGING, "_412": "If-Match does not name the current version."}
NO_STORE = {"Cache-Control": "no-store"}

SecretNumber = Annotated[int, Path(description="The number of the secret, `n` in the lists.", ge=1, examples=[1])]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="`etag` of the integration: the change is made only to this version."),
]


def new_router() -> APIGatewayHttpRouter:
    """Return a router for the handler to include."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]
