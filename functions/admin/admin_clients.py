"""/admin/clients: callers other than LinkedIn."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from admin_common import NO_STORE, READ_ALL, WRITE_ALL, SecretNumber, new_router
from coursebridge.admin import wiring
from coursebridge.admin.client_shapes import ClientAnswer, ClientRequest, ClientWithSecret
from coursebridge.api import caller
from coursebridge.contract import Cursor, Limit, Page, opened, responses, sealed

router = new_router()
TAGS = ["Clients"]
ABSENT = "There is no such client."
ClientId = Annotated[str, Path(description="The client's id.", examples=["client-5f0c6d1e2a3b4c5d6e7f"])]


@router.get(
    "/admin/clients",
    middlewares=READ_ALL,
    summary="List clients",
    tags=["Clients"],
    responses=responses(
        HTTPStatus.OK, "A page of clients, oldest first; LinkedIn's own clients are shown with their integrations."
    ),
)
def list_clients(limit: Limit = 50, cursor: Cursor = None) -> Page[ClientAnswer]:
    """Lists the clients, their scopes, and when each live secret was last used."""
    items, last_key = wiring.callers(caller(router)).list(limit, opened(cursor, "clients"))
    return Page(items=[ClientAnswer.model_validate(item) for item in items], next=sealed(last_key, "clients"))


@router.post(
    "/admin/clients",
    middlewares=WRITE_ALL,
    summary="Create a client",
    tags=TAGS,
    responses=responses(HTTPStatus.CREATED, "The client, with its secret shown this once."),
)
def create_client(client: ClientRequest) -> Response[ClientWithSecret]:
    """Creates a client for an LMS, a portal or an admin, bound to one integration or to none."""
    body = ClientWithSecret.model_validate(wiring.callers(caller(router)).create(client))
    return Response(HTTPStatus.CREATED, "application/json", body, NO_STORE)


@router.get(
    "/admin/clients/<client_id>",
    middlewares=READ_ALL,
    summary="Read a client",
    tags=TAGS,
    responses=responses(HTTPStatus.OK, "The client.", _404=ABSENT),
)
def read_client(client_id: ClientId) -> ClientAnswer:
    """Returns one client, never a secret."""
    return ClientAnswer.model_validate(wiring.callers(caller(router)).get(client_id))


@router.post(
    "/admin/clients/<client_id>/rotate",
    middlewares=WRITE_ALL,
    summary="Make another secret for a client",
    tags=TAGS,
    responses=responses(
        HTTPStatus.OK,
        "The client, with the new secret shown this once.",
        _404=ABSENT,
        _409="It is LinkedIn's client, which is managed with its integration.",
    ),
)
def rotate_client(client_id: ClientId) -> Response[ClientWithSecret]:
    """Creates a new secret. The previous one stays valid until it is deleted; of two live ones the older is revoked."""
    body = ClientWithSecret.model_validate(wiring.callers(caller(router)).rotate(client_id))
    return Response(HTTPStatus.OK, "application/json", body, NO_STORE)


@router.delete(
    "/admin/clients/<client_id>",
    middlewares=WRITE_ALL,
    summary="Revoke a client",
    tags=TAGS,
    responses=responses(
        HTTPStatus.NO_CONTENT,
        "It is revoked; its tokens are refused within 60 seconds.",
        _404=ABSENT,
        _409="It is LinkedIn's client, or the last client that can administer everything.",
    ),
)
def delete_client(client_id: ClientId) -> Response[None]:
    """Revokes a client with all its secrets and tokens."""
    wiring.callers(caller(router)).remove(client_id)
    return Response(HTTPStatus.NO_CONTENT, None, None)


@router.delete(
    "/admin/clients/<client_id>/secrets/<n>",
    middlewares=WRITE_ALL,
    summary="Revoke a secret of a client",
    tags=TAGS,
    responses=responses(
        HTTPStatus.NO_CONTENT,
        "It is revoked; tokens issued from it are refused within 60 seconds.",
        _404="There is no such client or secret.",
        _409="It is the last one.",
    ),
)
def delete_client_secret(client_id: ClientId, n: SecretNumber) -> Response[None]:
    """Revokes one secret and the tokens issued from it."""
    wiring.callers(caller(router)).remove_secret(client_id, n)
    return Response(HTTPStatus.NO_CONTENT, None, None)
