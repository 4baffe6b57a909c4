"""POST /aicc: courses launched over AICC report their learner's progress (HACP)."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import Response

from coursebridge import api
from coursebridge.aicc import hacp
from coursebridge.aicc.service import Receiver
from coursebridge.clock import utc_now
from coursebridge.errors import CoursebridgeError
from coursebridge.observability import count, logger, metrics
from coursebridge.storage.wiring import table

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Calls come from LinkedIn's servers or from the learner's browser. The session is the only credential and there is no
# cookie, so any origin may call.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}
KNOWN = ("getparam", "putparam", "exitau")
app = api.resolver()


@cache
def receiver() -> Receiver:
    """Return the receiver of calls."""
    return Receiver(table())


@app.post("/aicc")
def call() -> Response[str]:
    """Answer a HACP call, always with status 200; ``error=`` tells success from failure."""
    asked = hacp.Call.read(api.body_bytes(app))
    answer = receiver().answer(asked, utc_now())
    count("AiccCalls")
    logger.info("aicc call", command=asked.command if asked.command in KNOWN else "other", error=answer.error)
    return _plain(answer)


@app.route("/aicc", method=["OPTIONS"])
def preflight() -> Response[str]:
    """Allow calls from browsers of any origin."""
    return Response(int(HTTPStatus.NO_CONTENT), None, "", headers=dict(CORS))


@app.route("/aicc", method=["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def no_call() -> Response[str]:
    """Answer a request that is not a HACP call."""
    return _plain(hacp.Answer(hacp.INVALID_COMMAND))


def failed(error: CoursebridgeError) -> Response[str]:
    """Answer an error in HACP's form, so that the course can report again."""
    logger.warning("aicc call failed", code=error.code)
    count("AiccFailures")
    return _plain(hacp.Answer(hacp.INVALID_COMMAND))


def broken(error: Exception) -> Response[str]:
    """Answer an unexpected error in HACP's form; the log has the details."""
    logger.exception("unexpected error", exc_info=error)
    count("AiccFailures")
    return _plain(hacp.Answer(hacp.INVALID_COMMAND))


app.exception_handler(CoursebridgeError)(failed)
app.exception_handler(Exception)(broken)


def _plain(answer: hacp.Answer) -> Response[str]:
    headers: dict[str, Any] = {**CORS, "Cache-Control": "no-store"}
    return Response(int(HTTPStatus.OK), "text/plain; charset=utf-8", answer.spell(), headers=headers)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId")
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an API Gateway request (payload format 2.0)."""
    return app.resolve(event, context)
