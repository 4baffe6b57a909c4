"""Connects the activity sync with the process-wide clients, settings and stores."""

from __future__ import annotations

from functools import partial

from coursebridge import clients, secret_values
from coursebridge.activity import planning
from coursebridge.activity.context import Context
from coursebridge.catalog.wiring import linkedin
from coursebridge.clock import utc_now
from coursebridge.integrations.store import IntegrationStore
from coursebridge.settings import settings
from coursebridge.storage.runs import RunStore
from coursebridge.storage.wiring import table


def context(integration_id: str) -> Context:
    """Return the context for the tasks of an integration's activity sync."""
    return Context(
        integration_id=integration_id,
        integration=partial(IntegrationStore(table()).get, integration_id),
        linkedin=partial(linkedin, integration_id, "report"),
        runs=RunStore(table(), integration_id, "activity"),
        table=table(),
        s3=clients.s3(),
        bucket=settings().bucket_name,
        pseudonym_key=secret_values.pseudonym_key,
        now=utc_now,
    )


def waiting_courses(integration_id: str) -> dict[str, str]:
    """Return the courses that reported activities wait for, the longest awaited first, each with its oldest window."""
    own = context(integration_id)
    state = own.runs.state()
    found = planning.waiting(own, state) if state.get("waiting_run") else {}
    return dict(sorted(found.items(), key=lambda course: course[1]))
