"""/learning/...: the API for an LMS or a portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import learning_attempts
import learning_courses
import learning_exports
import learning_graph
import learning_launches
import learning_libraries
import learning_paths
import learning_people
import learning_person
import learning_search
from coursebridge import api
from coursebridge.observability import logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ROUTERS = (
    learning_search.router,
    learning_courses.router,
    learning_launches.router,
    learning_libraries.router,
    learning_paths.router,
    learning_exports.router,
    learning_graph.router,
    learning_people.router,
    learning_person.router,
    learning_attempts.router,
)
app = api.resolver(validate=True)
for router in ROUTERS:
    app.include_router(router)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an API Gateway request (payload format 2.0)."""
    return app.resolve(event, context)
