"""Runs in the table: the record an admin reads, its ranges, the lock, and what a kind of sync remembers.

The kinds of sync (``catalog``, ``activity``) share this. A range is a piece of a run that one task works off: it is
settled once, however often its task is repeated, and only the first settling moves the run's counters.
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
"""How long ranges are kept: a day more than a run can be redriven or confirmed."""
DAY_SECONDS = 86_400
STALE = 0
"""What a catalogue sync remembers as its ``index_form`` while the search index does not hold what the table does."""


@dataclass(frozen=True)
class Lock:
    """Who holds the lock of a kind."""

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

    def create(self, run: Run) -> None:
        """Write a new run, or the same one once more."""
        self.table.put(self._run_item(run))

    def begin(self, run: Run, now: datetime, dead: Lock | None = None) -> bool:
        """Write a new run and take the lock for it; say whether the lock was free.

        Args:
            run: the new run.
            now: when it takes the lock.
            dead: the lock as a run that is dead holds it, which is as good as free.

        Raises:
            coursebridge.errors.Unavailable: the table is busy; nothing was done.
        """
        return self._take_lock(run["id"], now, dead, self.table.put_action(self._run_item(run)))

    def resume(self, run: Run, fields: Run, now: datetime, dead: Lock | None = None) -> bool:
        """Set fields of a run that had ended and take the lock for it; say whether it still was as it was read.

        Of two who resume the same run, one does.

        Args:
            run: the run as it was read.
            fields: what changes; ``status`` and ``touched_at`` among it.
            now: when it takes the lock.
            dead: the lock as a run that is dead holds it, which is as good as free.

        Raises:
            coursebridge.errors.Unavailable: the table is busy; nothing was done.
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
        """Return who holds the lock."""
        item = self.table.get(keys.run_lock(self.integration_id, self.kind))
        return Lock(item["run_id"], item["taken_at"]) if item else None

    def renew_lock(self, run_id: str, now: datetime) -> bool:
        """Hold the lock from now on anew; say whether it still is this run's."""
        try:
            self.table.put(self._lock_item(run_id, now), condition="run_id = :me", values={":me": run_id})
        except ConditionFailed:
            return False
        return True

    def close(self, run_id: str, remembered: Remembered, /, **fields: Unpack[Run]) -> bool:
        """Write how a run ended and what is remembered of it, and release its lock: all of it, or nothing.

        Remembering that the index is :data:`STALE` outdates it (:meth:`outdate_index`).

        Returns:
            Whether the lock was the run's; otherwise the run was closed before, or another has taken its place.

        Raises:
            coursebridge.errors.Unavailable: the table is busy; nothing was done.
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
            if refused.reasons[0] == "ConditionalCheckFailed":
                return False
            raise Unavailable("the table is busy, try again") from refused
        return True

    def add_ranges(self, run_id: str, ranges: Iterable[Range], now: datetime) -> None:
        """Write ranges; each has a ``number``, and ``settled`` unless it is open."""
        expires_at = int(now.timestamp()) + RANGE_DAYS * DAY_SECONDS
        self.table.put_many(
            {
                "settled": False,
                **one,
                **keys.run_range(self.integration_id, run_id, one["number"]).item(),
                "entity": "range",
                "expires_at": expires_at,
            }
            for one in ranges
        )

    def drop_ranges(self, run_id: str, first: int) -> None:
        """Remove the ranges from this number on: those of a plan that was repeated and came out smaller."""
        self.table.delete_many(
            keys.run_range(self.integration_id, run_id, one["number"])
            for one in list(self.ranges(run_id))
            if one["number"] >= first
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
        """Return the ranges of a run that were worked off without having been read whole."""
        return [one for one in self.ranges(run_id) if one["settled"] and one["status"] != "done"]

    def settle_range(self, run_id: str, settled: Range) -> bool:
        """Write a range that was worked off; return whether it was open before."""
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
        """Move the live counters of a run: one range done, and so many assets of each outcome."""
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
        """Return what this kind of sync remembers between runs, empty before the first."""
        return cast("Remembered", self.table.get(keys.sync_state(self.integration_id, self.kind)) or {})

    def remember(self, **fields: Unpack[Remembered]) -> None:
        """Set fields of what is remembered."""
        self._set(keys.sync_state(self.integration_id, self.kind), fields)

    def outdate_index(self, **fields: Unpack[Remembered]) -> Remembered:
        """Note, with fields of what is remembered, that the search index does not hold what the table does any more.

        Returns:
            What is remembered now. Its ``generation`` is one higher: no index of courses read before can be claimed.
        """
        expression, values, names = _setting({"index_form": STALE, **fields}, counted=True)
        key = keys.sync_state(self.integration_id, self.kind)
        return cast("Remembered", self.table.update(key, expression, values, names=names))

    def claim_index(self, generation: int, /, **fields: Unpack[Remembered]) -> bool:
        """Set fields of what is remembered, if no courses were outdated since a generation; say whether that is so."""
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
        """Take the lock and act for a run in one transaction: a lock whose run nobody can find would be held for ever.

        A dead run's lock is taken as it was judged alone: somebody else may have taken it since.
        """
        condition, values = "attribute_not_exists(PK)", {}
        if dead:
            condition += " OR run_id = :dead AND taken_at = :taken_at"
            values = {":dead": dead.run_id, ":taken_at": dead.taken_at}
        lock = self.table.put_action(self._lock_item(run_id, now), condition=condition, values=values)
        try:
            self.table.transact([lock, action])
        except TransactionRefused as refused:
            if not refused.contended:
                raise Unavailable("the table is busy, try again") from refused
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
    """Return what every kind of sync remembers of a run that has ended; only a clean one counts as the last success."""
    told: Remembered = {"last_run_id": run_id, "last_status": status, "last_finished_at": at}
    return told | {"last_success_at": at} if status == "succeeded" and clean else told


def _setting(fields: Mapping[str, Any], *, counted: bool = False) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return the update expression that sets fields, and raises the ``generation`` if asked to; values; names."""
    names = {f"#f{number}": name for number, name in enumerate(fields)}
    values = {f":f{number}": value for number, value in enumerate(fields.values())}
    expression = "SET " + ", ".join(f"#f{number} = :f{number}" for number in range(len(fields)))
    return (
        (f"{expression} ADD generation :one", values | {":one": 1}, names) if counted else (expression, values, names)
    )


def _setting_action(table: Table, key: keys.Key, fields: Mapping[str, Any], *, counted: bool = False) -> dict[str, Any]:
    expression, values, names = _setting(fields, counted=counted)
    return table.update_action(key, expression, values, names=names)
