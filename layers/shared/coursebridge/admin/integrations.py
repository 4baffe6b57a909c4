"""Creates, changes, activates, deactivates and removes integrations. Each change leaves an entry in the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from coursebridge import audit, secret_values
from coursebridge.clock import utc_now
from coursebridge.errors import Conflict, PreconditionFailed
from coursebridge.ids import new_id
from coursebridge.integrations.merge import patched
from coursebridge.integrations.models import Integration, IntegrationSettings
from coursebridge.integrations.store import IntegrationStore, plain
from coursebridge.linkedin.credentials import OTHER, credentials_secret, tokens_secret
from coursebridge.storage import keys
from coursebridge.storage.table import tries
from coursebridge.webhooks.service import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from coursebridge.auth.administration import Clients
    from coursebridge.auth.clients import Client
    from coursebridge.integrations.models import Filters, IntegrationStatus
    from coursebridge.integrations.schedules import Schedules
    from coursebridge.storage.table import Table


class Changed(NamedTuple):
    """An integration right before and right after a change."""

    before: Integration
    after: Integration


@dataclass(frozen=True)
class Integrations:
    """Administers integrations on behalf of one caller.

    Attributes:
        table: the application's table.
        clients: creates, changes and revokes clients.
        schedules: keeps the schedules.
        secret_prefix: the prefix of the names of all secrets of this stack.
        actor: the client id of the caller.
        purge: starts the deletion of what an integration leaves behind.
        now: the clock.
    """

    table: Table
    clients: Clients
    schedules: Schedules
    secret_prefix: str
    actor: str
    purge: Callable[[str], object]
    now: Callable[[], datetime] = utc_now

    @property
    def store(self) -> IntegrationStore:
        """Return the store of integrations."""
        return IntegrationStore(self.table)

    def create(self, settings: IntegrationSettings) -> tuple[Integration, Client, str]:
        """Create an integration with its webhook client; return both and the client's secret.

        Both are stored first, so that a crash half way leaves an integration that is listed and can be deleted. Any
        schedules it then lacks come with its first key pair, before which none would be enabled.

        Raises:
            InvalidRequest: EventBridge Scheduler refuses an expression; nothing is left behind.
            TooLarge: the settings are more than an integration can hold.
        """
        now, integration_id = self.now(), new_id(self.now())
        client, secret = self.clients.new_webhook(f"LinkedIn, for {settings.name}"[:200], integration_id)
        integration = Integration(
            **{name: getattr(settings, name) for name in IntegrationSettings.model_fields},
            id=integration_id,
            statistics_since=now,
            created_at=now,
            updated_at=now,
            webhook_client_id=client.client_id,
        )
        self.store.add(integration, self.table.put_action(client.to_item(), condition="attribute_not_exists(PK)"))
        try:
            self.schedules.keep(integration)
        except Exception:
            self._undo(integration, client)
            raise
        self._note("integration.created", integration_id, None, integration)
        return integration, client, secret

    def patch(self, integration_id: str, patch: Mapping[str, Any], if_match: str | None = None) -> Changed:
        """Apply a merge patch to the settings.

        Raises:
            NotFound: there is no such integration.
            InvalidRequest: the settings would be invalid.
            PreconditionFailed: ``if_match`` names another version.
        """
        settings = {name: value for name, value in patch.items() if name != "status"}

        def fields(known: Integration) -> dict[str, Any]:
            status = patch.get("status", known.status) or "active"
            return {**patched(known.settings(), settings).model_dump(), "status": status}

        return self.change(integration_id, "integration.updated", fields, if_match)

    def set_filters(self, integration_id: str, filters: Filters, if_match: str | None = None) -> Changed:
        """Replace the filters of an integration.

        Raises:
            NotFound: there is no such integration.
            PreconditionFailed: ``if_match`` names another version.
        """
        fields = {"filters": filters.model_dump()}
        return self.change(integration_id, "integration.filtered", lambda _known: fields, if_match)

    def set_status(self, integration_id: str, status: IntegrationStatus, if_match: str | None = None) -> Changed:
        """Switch an integration, and its schedules, on or off.

        Raises:
            NotFound: there is no such integration.
            PreconditionFailed: ``if_match`` names another version.
        """
        action = "integration.activated" if status == "active" else "integration.deactivated"
        return self.change(integration_id, action, lambda _known: {"status": status}, if_match)

    def change(
        self,
        integration_id: str,
        action: str,
        fields: Callable[[Integration], Mapping[str, Any]],
        if_match: str | None = None,
    ) -> Changed:
        """Change fields of an integration, and its schedules with them.

        If nothing differs, only the schedules are put again: they are not in the table, so restoring it does not bring
        them back. Without ``if_match``, a change that collides with another one is made again on top of it.
        """
        for _ in tries():
            before = self.store.get(integration_id)
            check_version(before, if_match)
            after = Integration.model_validate({**before.model_dump(), **fields(before)})
            try:
                if after == before:
                    return Changed(before, self._with_schedules(before))
                return Changed(before, self._keep(before, after.model_copy(update={"updated_at": self.now()}), action))
            except PreconditionFailed:
                self.schedules.keep(self.store.get(integration_id))
                if if_match:
                    raise
        raise Conflict("other requests keep changing this integration; try again")

    def remove(self, integration_id: str, *, force: bool) -> None:
        """Remove an integration with its clients, schedules, outbound webhooks, secrets, settings and, later, its data.

        Raises:
            Conflict: it is active, and ``force`` is not set.
        """
        integration = self.store.get(integration_id)
        if integration.status == "active" and not force:
            raise Conflict("the integration is active: deactivate it first, or delete it with ?force=true")
        self.clients.remove_of_integration(integration_id)
        self.schedules.remove(integration)
        Webhooks(self.table, integration_id, self.secret_prefix, inside=False, actor=self.actor).forget()
        for scope in OTHER:
            secret_values.delete(credentials_secret(self.secret_prefix, integration_id, scope))
        secret_values.delete(tokens_secret(self.secret_prefix, integration_id))
        self.purge(integration_id)
        self.store.remove(integration_id)
        self._note("integration.deleted", integration_id, integration, None)

    def _with_schedules(self, integration: Integration) -> Integration:
        """Put the schedules of an unchanged integration, and return it.

        Raises:
            PreconditionFailed: it was changed meanwhile, so these schedules may be out of date.
        """
        self.schedules.keep(integration)
        if self.store.get(integration.id) != integration:
            raise PreconditionFailed("the integration was changed meanwhile")
        return integration

    def _undo(self, integration: Integration, client: Client) -> None:
        self.schedules.remove(integration)
        made = (keys.client(client.client_id), keys.integration(integration.id))
        self.table.transact([self.table.delete_action(key) for key in made])

    def _keep(self, before: Integration, after: Integration, action: str) -> Integration:
        self.schedules.keep(after)
        kept = self.store.replace(before, after)
        self._note(action, before.id, before, kept)
        return kept

    def _note(self, action: str, integration_id: str, before: Integration | None, after: Integration | None) -> None:
        entry = audit.Entry(
            self.actor,
            action,
            integration_id,
            integration_id,
            plain(before.model_dump()) if before else None,
            plain(after.model_dump()) if after else None,
        )
        audit.record(self.table, entry, self.now())


def check_version(integration: Integration, if_match: str | None) -> None:
    """Check an ``If-Match`` header (RFC 9110, section 13.1.1); quotes may be missing, ``*`` matches any version.

    Raises:
        PreconditionFailed: it names another version.
    """
    if if_match is None:
        return
    named = {tag.strip().removeprefix("W/").strip('"') for tag in if_match.split(",")}
    if not named & {"*", str(integration.version)}:
        raise PreconditionFailed(f"the integration is at version {integration.version} by now; read it again")
