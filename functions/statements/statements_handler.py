"""/xapi/statements and /xapi/about (xAPI 1.0.3, Communication 2.1 and 2.8)."""

from __future__ import annotations

import json
import re
import uuid
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response

from coursebridge import api
from coursebridge.auth import scopes, wiring
from coursebridge.clock import parse_rfc3339, rfc3339, utc_now
from coursebridge.cursors import cursors
from coursebridge.errors import CoursebridgeError, FieldError, Forbidden, InvalidRequest, NotFound, TooLarge
from coursebridge.observability import count, logger, metrics
from coursebridge.statements.receiving import Receiver
from coursebridge.statements.searching import Search
from coursebridge.storage.statements import StatementStore
from coursebridge.storage.wiring import table
from coursebridge.xapi.presenting import languages_of, statement_text
from coursebridge.xapi.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from coursebridge.storage.statement_intake import Added
    from coursebridge.storage.table import Item

STATEMENTS, ABOUT = "/xapi/statements", "/xapi/about"
VERSION, VERSIONS = "1.0.3", ["1.0.0", "1.0.1", "1.0.2", "1.0.3"]
VERSION_HEADER, CONSISTENT_HEADER = "X-Experience-API-Version", "X-Experience-API-Consistent-Through"
ACCEPTED_VERSION = re.compile(r"1\.0(\.[0-9]+)?")
# The indexes behind lists usually lag the table by less than a second.
INDEX_LAG = timedelta(seconds=2)
app = api.resolver()


@app.post(STATEMENTS, middlewares=[api.requires(scopes.XAPI_WRITE)])
def post_statements() -> Response[str]:
    """Store one statement or an array of them; return their ids."""
    with refusals_counted():
        receiver = _receiver()
        ids, added = receiver.post(_body())
    _report(receiver, added)
    return api.answer(HTTPStatus.OK, ids)


@app.put(STATEMENTS, middlewares=[api.requires(scopes.XAPI_WRITE)])
def put_statement() -> Response[str]:
    """Store one statement under the id of the request."""
    with refusals_counted():
        receiver = _receiver()
        added = receiver.put(_body(), _statement_id())
    _report(receiver, added)
    return api.answer(HTTPStatus.NO_CONTENT)


@app.route(STATEMENTS, method=["GET", "HEAD"], middlewares=[api.requires(scopes.XAPI_READ)])
def get_statements() -> Response[str]:
    """Return one statement, or those that match a query."""
    integration = _integration()
    parameters = dict(app.current_event.query_string_parameters or {})
    context = f"{STATEMENTS}#{integration['id']}"
    position = None
    if "more" in parameters:
        opened = cursors("more").open(parameters["more"], context)
        parameters, position = opened["query"], opened["after"]
    query = Query.read(parameters)
    search = Search(StatementStore(table(), integration["id"]), _authority_home())
    if query.statement_id or query.voided_statement_id:
        return _one(search, query)
    found = search.page(query, position)
    more = ""
    if found.position:
        sealed = cursors("more").seal({"query": parameters, "after": found.position}, context)
        more = f"{urlsplit(api.base_url(app)).path}{STATEMENTS}?more={sealed}"
    texts = ",".join(_text(item, query) for item in found.items)
    return _json(f'{{"statements":[{texts}],"more":{json.dumps(more)}}}', _consistent_through(found.items), query)


@app.route(ABOUT, method=["GET", "HEAD"])
def about() -> Response[str]:
    """Return the supported versions; open to everybody (Communication 2.8)."""
    return api.answer(HTTPStatus.OK, {"version": VERSIONS, "extensions": {}})


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an API Gateway request (payload format 2.0)."""
    answer = app.resolve(event, context)
    answer["headers"] = {
        VERSION_HEADER: VERSION,
        CONSISTENT_HEADER: rfc3339(utc_now() - INDEX_LAG),
        **answer["headers"],
    }
    if event["requestContext"]["http"]["method"] == "HEAD":
        answer["body"] = ""
    if metrics.metric_set:
        metrics.flush_metrics()
    return answer


@contextmanager
def refusals_counted() -> Iterator[None]:
    """Count the refused requests to store statements."""
    try:
        yield
    except CoursebridgeError:
        count("StatementsRefused")
        raise


def _integration() -> Item:
    _check_version_known()
    integration_id = api.grant(app).integration_id
    if integration_id is None:
        raise Forbidden("statements belong to an integration: use a client that is bound to one, such as its webhook's")
    integration = wiring.registry().integration(integration_id)
    if integration is None:
        raise Forbidden("the integration of this client no longer exists")
    if integration["statement_validation"] == "strict" and _version() is None:
        raise _version_refused("is required")
    return integration


def _receiver() -> Receiver:
    event = app.current_event
    if (event.headers.get("content-type") or "").lower().startswith("multipart/"):
        raise InvalidRequest("attachments are not supported: send only the statements, as application/json")
    known = {"statementId"} if event.http_method == "PUT" else set()
    integration = _integration()
    unknown = sorted(set(event.query_string_parameters or {}) - known)
    if unknown and (event.http_method == "PUT" or integration["statement_validation"] == "strict"):
        errors = tuple(FieldError(name, "is not a parameter of this request") for name in unknown)
        raise InvalidRequest(f"unknown parameter {unknown[0]}", errors=errors)
    return Receiver(table(), integration, api.grant(app).client_id, utc_now, event.request_context.request_id)


def _statement_id() -> str:
    statement_id = (app.current_event.query_string_parameters or {}).get("statementId")
    if not statement_id:
        raise InvalidRequest("statementId is required", errors=(FieldError("statementId", "is required"),))
    return statement_id


def _body() -> bytes:
    try:
        body = api.body_bytes(app)
    except ValueError as error:
        raise InvalidRequest("the body is not UTF-8") from error
    if len(body) > api.MOST_BODY_BYTES:
        raise TooLarge(f"a request may have {api.MOST_BODY_BYTES} bytes")
    return body


def _version() -> str | None:
    return app.current_event.headers.get(VERSION_HEADER.lower())


def _check_version_known() -> None:
    version = _version()
    if version is not None and not ACCEPTED_VERSION.fullmatch(version.strip()):
        raise _version_refused("is not 1.0 or 1.0.x")


def _version_refused(detail: str) -> InvalidRequest:
    return InvalidRequest(f"the header {VERSION_HEADER} {detail}", errors=(FieldError(VERSION_HEADER, detail),))


def _report(receiver: Receiver, added: Added) -> None:
    count("StatementsStored", added.stored)
    count("StatementsRepeated", added.repeated)
    logger.info(
        "statements taken",
        integration_id=receiver.integration["id"],
        client_id=receiver.client_id,
        stored=added.stored,
        repeated=added.repeated,
    )


def _one(search: Search, query: Query) -> Response[str]:
    wanted = query.statement_id or query.voided_statement_id or ""
    item = search.one(wanted, voided=query.statement_id is None)
    if item is None:
        raise NotFound("there is no such statement")
    stored = parse_rfc3339(item["stored_at"])
    headers = _consistent_through([item]) | {"Last-Modified": format_datetime(stored, usegmt=True)}
    return _json(_text(item, query), headers, query)


def _text(item: Item, query: Query) -> str:
    languages = languages_of(app.current_event.headers.get("accept-language"))
    return statement_text(item, _authority_home(), query.format, languages)


def _authority_home() -> str:
    return f"{api.base_url(app)}/oauth2/token"


def _consistent_through(items: list[Item]) -> dict[str, str]:
    """Return the header that says until when an answer is complete; it covers at least the given items."""
    times = [rfc3339(utc_now() - INDEX_LAG), *(item["stored_at"] for item in items)]
    return {CONSISTENT_HEADER: max(times)}


def _json(text: str, headers: dict[str, str], query: Query) -> Response[str]:
    """Return JSON, or multipart with JSON as its only part if attachments are requested (Communication 1.5.2).

    Attachments are not stored, and a statement need not include what its ``fileUrl`` points to.
    """
    if not query.attachments:
        return Response(int(HTTPStatus.OK), "application/json", text, headers=headers)
    boundary = uuid.uuid4().hex
    body = f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{text}\r\n--{boundary}--\r\n"
    return Response(int(HTTPStatus.OK), f"multipart/mixed; boundary={boundary}", body, headers=headers)
