"""Runs in the table: the record that admins read, its ranges, the lock, and what a kind of sync remembers.

Both kinds of sync (``catalog``, ``activity``) use this. A range is a part of a run that one task processes. It is
settled once: when its task is repeated, the run's counters do not move again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack, cast

from coursebridge.clock import rfc3339
from coursebridge.errors import NotFound, Unavailable
from coursebridge.storage import keys
from coursebridge.storage.table import ConditionFailed, TransactionRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from coursebridge.storage.run_shapes import Kind, Range, Remembered, Run, RunStatus
    from coursebridge.storage.table import Item, Page, Table

RANGE_DAYS = 30
"""How long ranges are kept: a day longer than a run can be redriven or confirmed."""
DAY_SECONDS = 86_400
STALE = 0
"""The ``index_form`` that a catalogue sync remembers while the search index differs from the table."""


@dataclass(frozen=True)
class Lock:
    """The run that holds the lock of a kind of sync."""

    run_id: str
    taken_at: str


class RunStore:
    """The runs of one kind of one integration.

    Args:
        table: the table.
        integration_id: the integration.
        kind: the kind of sync.
    """

    def __init__(self, table: Table, integration_id: str, kind: Kind) -> None:
        self.table = table
        self.integration_id = integration_id
        self.kind = kind

    def begin(self, run: Run, now: datetime, dead: Lock | None = None) -> bool:
        """Write a new run and take the lock for it; return whether the lock was free.

        Args:
            run: the new run.
            now: the time at which it takes the lock.
            dead: the lock as held by a dead run, which counts as free.

        Raises:
            coursebridge.errors.Unavailable: the table is busy.
        """
        return self._take_lock(run["id"], now, dead, self.table.put_action(self._run_item(run)))

    def resume(self, run: Run, fields: Run, now: datetime, dead: Lock | None = None) -> bool:
        """Set fields of a run that had ended and take the lock for it.

        Args:
            run: the run as it was read.
            fields: the changed fields, ``status`` and ``touched_at`` among them.
            now: the time at which it takes the lock.
            dead: the lock as held by a dead run, which counts as free.

        Returns:
            Whether the lock was free and the run unchanged: if two callers resume the same run, only one succeeds.

        Raises:
            coursebridge.errors.Unavailable: the table is busy.
        """
        expression, values, names = _setting(fields)
        names |= {"#status": "status"}
        values |= {":status": run["status"], ":touched_at": run["touched_at"]}
        condition = "#status = :status AND touched_at = :touched_at"
        key = keys.run(self.integration_id, run["id"])
        action = self.table.update_action(key, expression, values, condition=condition, names=names)
        return self._take_lock(run["id"], now, dead, action)

    def get(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            NotFound: there is no such run.
        """
        item = self.table.get(keys.run(self.integration_id, run_id))
        if item is None or item["kind"] != self.kind:
            raise NotFound(f"there is no {self.kind} run {run_id}")
        return cast("Run", item)

    def list(self, limit: int, after: Item | None = None) -> Page:
        """Return the runs of every kind, newest first."""
        return self.table.query(
            keys.run_partition(self.integration_id), prefix=keys.RUN_PREFIX, limit=limit, after=after, ascending=False
        )

    def latest(self) -> Run | None:
        """Return the newest run of this kind."""
        found = self.table.query_all(
            keys.run_partition(self.integration_id),
            prefix=keys.RUN_PREFIX,
            ascending=False,
            condition="kind = :kind",
            values={":kind": self.kind},
        )
        return cast("Run | None", next(found, None))

    def change(self, run_id: str, /, **fields: Unpack[Run]) -> Run:
        """Set fields of a run and return it."""
        return cast("Run", self._set(keys.run(self.integration_id, run_id), fields))

    def lock(self) -> Lock | None:
        """Return the lock, or ``None`` if it is free."""
        item = self.table.get(keys.run_lock(self.integration_id, self.kind))
        return Lock(item["run_id"], item["taken_at"]) if item else None

    def renew_lock(self, run_id: str, now: datetime) -> bool:
        """Renew the lock from now on; return whether the run still holds it."""
        try:
            self.table.put(self._lock_item(run_id, now), condition="run_id = :me", values={":me": run_id})
        except ConditionFailed:
            return False
        return True

    def close(self, run_id: str, remembered: Remembered, /, **fields: Unpack[Run]) -> bool:
        """Write how a run ended and what is remembered of it, and release its lock, in one transaction.

        Remembering that the index is :data:`STALE` outdates it (:meth:`outdate_index`).

        Returns:
            Whether the run held the lock; if not, it was closed before or another run has replaced it.

        Raises:
            coursebridge.errors.Unavailable: the table is busy.
        """
        lock = keys.run_lock(self.integration_id, self.kind)
        actions = [
            self.table.delete_action(lock, condition="run_id = :me", values={":me": run_id}),
            _setting_action(self.table, keys.run(self.integration_id, run_id), fields),
        ]
        if remembered:
            key = keys.sync_state(self.integration_id, self.kind)
            actions.append(_setting_action(self.table, key, remembered, counted=remembered.get("index_form") == STALE))
        try:
            self.table.transact(actions)
        except TransactionRefused as refused:
            if refused.failed[0]:
                return False
            raise Unavailable("the table is busy, try again") from refused
        return True

    def add_ranges(self, run_id: str, ranges: Iterable[Range], now: datetime) -> None:
        """Write ranges; each needs a ``number``, and is open unless ``settled`` says otherwise."""
        expires_at = int(now.timestamp()) + RANGE_DAYS * DAY_SECONDS
        self.table.put_many(
            {
                "settled": False,
                **range_,
                **keys.run_range(self.integration_id, run_id, range_["number"]).item(),
                "entity": "range",
                "expires_at": expires_at,
            }
            for range_ in ranges
        )

    def drop_ranges(self, run_id: str, first: int) -> None:
        """Remove the ranges from this number on, left over when planning is repeated and needs fewer ranges."""
        self.table.delete_many(
            keys.run_range(self.integration_id, run_id, range_["number"])
            for range_ in list(self.ranges(run_id))
            if range_["number"] >= first
        )

    def range(self, run_id: str, number: int) -> Range:
        """Return a range.

        Raises:
            NotFound: there is no such range.
        """
        item = self.table.get(keys.run_range(self.integration_id, run_id, number))
        if item is None:
            raise NotFound(f"run {run_id} has no range {number}")
        return cast("Range", item)

    def ranges(self, run_id: str) -> Iterator[Range]:
        """Yield the ranges of a run in order."""
        found = self.table.query_all(keys.run_range_partition(self.integration_id, run_id), consistent=True)
        return cast("Iterator[Range]", found)

    def failed_ranges(self, run_id: str) -> Sequence[Range]:
        """Return the settled ranges of a run that are not ``done``."""
        return [range_ for range_ in self.ranges(run_id) if range_["settled"] and range_["status"] != "done"]

    def settle_range(self, run_id: str, settled: Range) -> bool:
        """Write a range as settled; return whether it was open before."""
        item = {name: value for name, value in settled.items() if name not in ("PK", "SK")}
        key = keys.run_range(self.integration_id, run_id, settled["number"])
        whole = {**item, **key.item()}
        try:
            self.table.put({**whole, "settled": True}, condition="settled = :no", values={":no": False})
        except ConditionFailed:
            self.table.put({**whole, "settled": True})
            return False
        return True

    def change_range(self, run_id: str, number: int, /, **fields: Unpack[Range]) -> None:
        """Set fields of a range."""
        self._set(keys.run_range(self.integration_id, run_id, number), fields)

    def count(self, run_id: str, counts: Mapping[str, int], now: datetime) -> None:
        """Add one settled range, and its number of assets by outcome, to the live counters of a run."""
        added = {name: number for name, number in counts.items() if number}
        names = {"#p": "progress", "#d": "done", "#c": "counts"} | {f"#{name}": name for name in added}
        values: dict[str, Any] = {":one": 1, ":now": rfc3339(now)}
        values |= {f":{name}": number for name, number in added.items()}
        sums = [f"#c.#{name} = #c.#{name} + :{name}" for name in added]
        if not sums:
            names.pop("#c")
        expression = "SET " + ", ".join(["#p.#d = #p.#d + :one", "touched_at = :now", *sums])
        self.table.update(keys.run(self.integration_id, run_id), expression, values, names=names)

    def state(self) -> Remembered:
        """Return what this kind of sync remembers between runs; empty before the first run."""
        return cast("Remembered", self.table.get(keys.sync_state(self.integration_id, self.kind)) or {})

    def remember(self, **fields: Unpack[Remembered]) -> None:
        """Set fields of what this kind of sync remembers."""
        self._set(keys.sync_state(self.integration_id, self.kind), fields)

    def outdate_index(self, **fields: Unpack[Remembered]) -> Remembered:
        """Remember that the search index no longer matches the table, and set further fields along with it.

        Returns:
            What is now remembered. Its ``generation`` has grown by one, so an index of courses that were read before
            can no longer be claimed.
        """
        expression, values, names = _setting({"index_form": STALE, **fields}, counted=True)
        key = keys.sync_state(self.integration_id, self.kind)
        return cast("Remembered", self.table.update(key, expression, values, names=names))

    def claim_index(self, generation: int, /, **fields: Unpack[Remembered]) -> bool:
        """Set fields of what is remembered if the generation is still this one; return whether it is."""
        expression, values, names = _setting(fields)
        key = keys.sync_state(self.integration_id, self.kind)
        values |= {":generation": generation}
        try:
            self.table.update(key, expression, values, names=names, condition="generation = :generation")
        except ConditionFailed:
            return False
        return True

    def _run_item(self, run: Run) -> Item:
        key = keys.run(self.integration_id, run["id"])
        return {**run, **key.item(), "entity": "run", "integration_id": self.integration_id}

    def _take_lock(self, run_id: str, now: datetime, dead: Lock | None, action: dict[str, Any]) -> bool:
        """Take the lock and write the run in one transaction, as a lock without a run would be held for ever.

        A dead run's lock is taken only if it has not changed: another run may have taken it in the meantime.
        """
        condition, values = "attribute_not_exists(PK)", {}
        if dead:
            condition += " OR run_id = :dead AND taken_at = :taken_at"
            values = {":dead": dead.run_id, ":taken_at": dead.taken_at}
        lock = self.table.put_action(self._lock_item(run_id, now), condition=condition, values=values)
        try:
            self.table.transact([lock, action])
        except TransactionRefused:
            return False
        return True

    def _lock_item(self, run_id: str, now: datetime) -> Item:
        return {
            **keys.run_lock(self.integration_id, self.kind).item(),
            "entity": "run_lock",
            "run_id": run_id,
            "taken_at": rfc3339(now),
        }

    def _set(self, key: keys.Key, fields: Mapping[str, Any]) -> Item:
        expression, values, names = _setting(fields)
        return self.table.update(key, expression, values, names=names)


def ended(run_id: str, status: RunStatus, at: str, *, clean: bool) -> Remembered:
    """Return what every kind of sync remembers of an ended run; only a clean success counts as the last success."""
    told: Remembered = {"last_run_id": run_id, "last_status": status, "last_finished_at": at}
    return told | {"last_success_at": at} if status == "succeeded" and clean else told


def _setting(fields: Mapping[str, Any], *, counted: bool = False) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return an update expression with its values and names; ``counted`` makes it raise the ``generation``, too."""
    names = {f"#f{number}": name for number, name in enumerate(fields)}
    values = {f":f{number}": value for number, value in enumerate(fields.values())}
    expression = "SET " + ", ".join(f"#f{number} = :f{number}" for number in range(len(fields)))
    return (
        (f"{expression} ADD generation :one", values | {":one": 1}, names) if counted else (expression, values, names)
    )


def _setting_action(table: Table, key: keys.Key, fields: Mapping[str, Any], *, counted: bool = False) -> dict[str, Any]:
    expression, values, names = _setting(fields, counted=counted)
    return table.update_action(key, expression, values, names=names)
