"""/admin/...: integrations, credentials, clients, runs, statements, webhooks, status and audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import admin_audit
import admin_catalog
import admin_clients
import admin_credentials
import admin_docs
import admin_integrations
import admin_runs
import admin_statements
import admin_status
import admin_webhooks
from coursebridge import api
from coursebridge.observability import logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

ROUTERS = (
    admin_integrations.router,
    admin_credentials.router,
    admin_catalog.router,
    admin_runs.router,
    admin_statements.router,
    admin_status.router,
    admin_webhooks.router,
    admin_clients.router,
    admin_audit.router,
    admin_docs.router,
)
app = api.resolver(validate=True)
for router in ROUTERS:
    app.include_router(router)


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an API Gateway request (payload format 2.0)."""
    return app.resolve(event, context)
