"""POST /oauth2/token: client credentials in, access token out (RFC 6749)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from coursebridge import api
from coursebridge.auth import wiring
from coursebridge.auth.exchange import TokenError, TokenRequest
from coursebridge.observability import count, logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import Response
    from aws_lambda_powertools.utilities.typing import LambdaContext

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
app = api.resolver()


@app.post("/oauth2/token")
def issue_token() -> Response[str]:
    """Issue an access token for client credentials."""
    request = TokenRequest.read(api.body_bytes(app), app.current_event.headers.get("authorization"))
    token = wiring.exchange().token(request, app.current_event.request_context.http.source_ip)
    count("TokensIssued")
    return api.answer(HTTPStatus.OK, token, NO_STORE, "application/json;charset=UTF-8")


def refuse(error: TokenError) -> Response[str]:
    """Answer an error as RFC 6749, section 5.2, requires."""
    logger.info("token refused", code=error.code)
    count("TokensThrottled" if error.retry_after else "TokensRefused")
    headers = dict(NO_STORE)
    if error.basic:
        headers["WWW-Authenticate"] = 'Basic realm="coursebridge"'
    if error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    return api.answer(error.status, error.body(), headers, "application/json;charset=UTF-8")


app.exception_handler(TokenError)(refuse)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId")
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an API Gateway request (payload format 2.0)."""
    return app.resolve(event, context)
