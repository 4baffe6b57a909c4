"""What is left to do until an integration works, in the words and menu names an admin sees in LinkedIn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.admin.situation import Situation
    from coursebridge.integrations.models import Integration
    from coursebridge.linkedin.credentials import Scope
    from coursebridge.storage.run_shapes import Kind

USER_TYPES = {"email": "Email", "username": "Username", "external_id": "ID"}
IDENTIFIERS = {"email": "e-mail address", "username": "user name", "external_id": "external id"}
APPLICATION = (
    "In LinkedIn Learning's admin area choose Me > Integrate > Access content and reports via API, expand Generate "
    "LinkedIn Learning REST API Application and choose Add application. Name it, choose the {key} key under Choose "
    "keys (both keys in one application are fine), then Next, and accept the terms. Copy Client ID and Client Secret "
    "and save them with PUT /admin/integrations/{id}/credentials/{scope}."
)
XAPI = (
    "In LinkedIn Learning's admin area choose Me > Integrate > Configure reporting integrations, expand Configure xAPI "
    "and choose Add integration. Name it, choose {user_type} under User Type, and paste OAuth Server URL, Tenant "
    "Server URL, Client ID and Client Secret from GET /admin/integrations/{id}/webhook (the secret is shown only "
    "at creation and by POST .../webhook/rotate). Then choose Enable."
)


def steps(integration: Integration, situation: Situation) -> Iterator[dict[str, Any]]:
    """Yield the steps in the order they are taken, each as done or to do."""
    user_type = USER_TYPES[integration.learner_identification]
    yield _step(
        "content_credentials",
        "Give Coursebridge a key pair for LinkedIn's catalogue",
        APPLICATION.format(key="Content", id=integration.id, scope="content"),
        done=_proven(integration, situation, "content", "catalog"),
    )
    if integration.activity.enabled:
        yield _step(
            "report_credentials",
            "Give Coursebridge a key pair for LinkedIn's activity reports",
            APPLICATION.format(key="Report", id=integration.id, scope="report")
            + " If the application of the first step has both keys, save its key pair again or start an activity sync: "
            "the step is done once LinkedIn has given a report.",
            done=_proven(integration, situation, "report", "activity"),
        )
    yield _step(
        "first_catalog_sync",
        "Fetch the catalogue",
        f'POST /admin/integrations/{integration.id}/runs with {{"kind": "catalog", "mode": "full"}}, or wait '
        "for the schedule.",
        done=bool(situation.syncs["catalog"].get("last_success_at")),
    )
    yield _step(
        "webhook",
        "Let LinkedIn report what learners do",
        XAPI.format(user_type=user_type, id=integration.id),
        done=situation.webhook_used_at is not None or situation.last_statement is not None,
    )
    yield _step(
        "first_statement",
        "See the first statement arrive",
        "Play a video of any course to its end as a learner; the statement arrives within seconds to minutes. If none "
        f"does, check in LinkedIn that the xAPI integration is enabled. Learners are recognised by their "
        f"{IDENTIFIERS[integration.learner_identification]}, which LinkedIn sends with User Type {user_type}.",
        done=situation.last_statement is not None,
    )


def _proven(integration: Integration, situation: Situation, scope: Scope, kind: Kind) -> bool:
    """Whether LinkedIn let the pair of a scope read, when it was saved or in a sync since then."""
    pair = integration.credentials.serving(scope)
    if pair is None:
        return False
    synced_at = situation.syncs[kind].get("last_success_at") or ""
    return bool(getattr(pair.scopes, scope)) or synced_at > rfc3339(pair.verified_at)


def _step(step_id: str, title: str, text: str, *, done: bool) -> dict[str, Any]:
    return {"id": step_id, "title": title, "state": "done" if done else "to_do", "done": done, "text": text}
