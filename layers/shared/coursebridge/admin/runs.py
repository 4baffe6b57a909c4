"""Runs of both kinds of sync, for admins to start and follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from coursebridge import audit
from coursebridge.errors import Conflict, NotFound
from coursebridge.integrations.runs import shown
from coursebridge.integrations.store import IntegrationStore
from coursebridge.storage import keys
from coursebridge.storage.runs import RunStore
from coursebridge.storage.unplaced_people import UnplacedPeople, UnplacedPeopleStore, UnplacedPerson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from coursebridge.integrations.models import Integration
    from coursebridge.integrations.runs import RunControl
    from coursebridge.storage.run_shapes import Kind, Mode, Run
    from coursebridge.storage.table import Item, Table

UNKNOWN_SHOWN = 200


@dataclass(frozen=True)
class Runs:
    """Starts and shows runs on behalf of one caller.

    Attributes:
        table: the application's table.
        controls: for each kind of sync, returns the control of an integration's runs.
        actor: the client id of the caller.
    """

    table: Table
    controls: Mapping[Kind, Callable[[str], RunControl]]
    actor: str

    def start(self, integration_id: str, kind: Kind, mode: Mode) -> dict[str, Any]:
        """Start a run, or return the one in progress.

        Raises:
            NotFound: there is no such integration.
            Conflict: its settings forbid it.
            Unavailable: the run could not be started.
        """
        _check(IntegrationStore(self.table).get(integration_id), kind)
        started = self.controls[kind](integration_id).start(mode, "admin")
        if started.is_new:
            self._note("run.started", started.run)
        return shown(started.run)

    def list(self, integration_id: str, limit: int, after: Item | None) -> tuple[list[dict[str, Any]], Item | None]:
        """Return a page of runs, newest first, and where the next one starts.

        Raises:
            NotFound: there is no such integration.
        """
        IntegrationStore(self.table).get(integration_id)
        page = RunStore(self.table, integration_id, "catalog").list(limit, after)
        return [shown(cast("Run", run)) for run in page.items], page.last_key

    def get(self, integration_id: str, run_id: str) -> dict[str, Any]:
        """Return a run; the latest one of activity reports with the people in them who cannot have records yet.

        Raises:
            NotFound: there is no such run.
        """
        run = self._item(integration_id, run_id)
        unplaced = (
            UnplacedPeopleStore(self.table, integration_id).get() if run["kind"] == "activity" else UnplacedPeople()
        )
        unknown = unplaced.people[:UNKNOWN_SHOWN] if unplaced.run_id == run_id else ()
        return shown(run) | {"unknown_learners": [_unknown(person) for person in unknown]}

    def redrive(self, integration_id: str, run_id: str) -> dict[str, Any]:
        """Retry what failed in a run.

        Raises:
            NotFound: there is no such run.
            Conflict: there is nothing to redrive, or the integration's settings forbid it.
        """
        run = self._resumable(integration_id, run_id)
        redriven = self.controls[run["kind"]](integration_id).redrive(run_id)
        self._note("run.redriven", run)
        return shown(redriven)

    def confirm(self, integration_id: str, run_id: str) -> dict[str, Any]:
        """Confirm the archiving that a run waits for.

        Raises:
            NotFound: there is no such run.
            Conflict: the run does not wait for it, or the integration's settings forbid it.
        """
        run = self._resumable(integration_id, run_id)
        confirmed = self.controls[run["kind"]](integration_id).confirm(run_id)
        self._note("run.confirmed", run)
        return shown(confirmed)

    def _resumable(self, integration_id: str, run_id: str) -> Run:
        run = self._item(integration_id, run_id)
        _check(IntegrationStore(self.table).get(integration_id), run["kind"])
        return run

    def _item(self, integration_id: str, run_id: str) -> Run:
        item = self.table.get(keys.run(integration_id, run_id))
        if item is None:
            raise NotFound("there is no such run")
        return cast("Run", item)

    def _note(self, action: str, run: Run) -> None:
        told = {"kind": run["kind"], "mode": run["mode"]}
        audit.record(self.table, audit.Entry(self.actor, action, run["id"], run["integration_id"], after=told))


def _unknown(person: UnplacedPerson) -> dict[str, Any]:
    identifiers = sorted(person.identifiers)
    named = [{"type": identifier.kind, "value": identifier.value} for identifier in identifiers]
    return {"identifiers": named, "since": person.since, "reason": person.reason}


def _check(integration: Integration, kind: Kind) -> None:
    if integration.status != "active":
        raise Conflict("the integration is not active: activate it first")
    if not integration.credentials.any():
        raise Conflict("the integration has no LinkedIn key pair: save one with PUT .../credentials/content")
    if kind == "activity" and not integration.activity.enabled:
        raise Conflict("activity reports are switched off: set activity.enabled")
