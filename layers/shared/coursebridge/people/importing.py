"""Imports many learners at once from rows of JSON or CSV: creates or updates a learner for each, or leaves them alone.

A row is matched by its identifiers, the strongest first. It never matches a learner whose identifier of a stronger kind
differs, so two people who share a mailbox stay separate. Sending the same rows again changes nothing.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from coursebridge.clock import rfc3339
from coursebridge.errors import FieldError, InvalidRequest, TooLarge, Unavailable, field_errors, told
from coursebridge.ids import new_id
from coursebridge.people import changes
from coursebridge.people.fields import LearnerFields
from coursebridge.records.identifiers import Identifier, normalised
from coursebridge.storage.learners import Learner
from coursebridge.storage.table import chunks, pauses, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from coursebridge.people.changes import IdentitySnapshot
    from coursebridge.people.directory import Directory
    from coursebridge.records.identifiers import Kind

Status = Literal["created", "updated", "unchanged", "error"]
MOST_ROWS = 5000
ORDER: tuple[Kind, ...] = ("external_id", "username", "email", "profile_urn")
"""From the strongest identifier to the weakest."""
MOST_ERRORS_OF_ROW = 5
"""The wrong fields that are named in a row: an export with many more columns has them in all of its rows."""
COLUMNS = tuple(LearnerFields.model_fields)
SHARE, WRITERS = 200, 8
SHARED = "also belongs to another learner: what LinkedIn sends with it is held until it is assigned to one of them"


@dataclass(frozen=True)
class RowResult:
    """The result of a row; rows are numbered from 1, not counting the header of CSV."""

    row: int
    status: Status
    id: str | None = None
    errors: tuple[FieldError, ...] = ()
    warnings: tuple[FieldError, ...] = ()


@dataclass
class Report:
    """The results of an import."""

    results: list[RowResult] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Return the number of rows with each status."""
        found = Counter(result.status for result in self.results)
        return {status: found[status] for status in ("created", "updated", "unchanged", "error")}


@dataclass(frozen=True)
class _Row:
    number: int
    fields: LearnerFields

    def identifiers(self) -> dict[Kind, Identifier]:
        given = self.fields.identifiers()
        return {kind: normalised(kind, value) for kind in ORDER if (value := given.get(kind))}


@dataclass(frozen=True)
class _Planned:
    row: _Row
    result: RowResult
    actions: Sequence[dict[str, Any]] = ()


def rows_of_json(body: bytes) -> list[Any]:
    """Return the rows of a JSON array, or of ``{"learners": [...]}``.

    Raises:
        InvalidRequest: the body is neither.
    """
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("the body is not JSON; send CSV as text/csv") from error
    rows = parsed.get("learners") if isinstance(parsed, dict) else parsed
    if not isinstance(rows, list):
        raise InvalidRequest('send an array of learners, or {"learners": [...]}')
    return rows


def rows_of_csv(body: bytes) -> list[Any]:
    """Return the rows of CSV (RFC 4180) with a header; groups are separated by semicolons, empty cells are left out.

    Cells may also be separated by semicolons or tabs, as spreadsheets in some countries write them. Column names may
    be in any letter case, with spaces around them.

    Raises:
        InvalidRequest: the body is not CSV in UTF-8, has no header, or names a column twice or one that is unknown.
    """
    text = body.decode("utf-8-sig", errors="replace")
    # API Gateway decodes text itself, and may have turned what was not UTF-8 into replacement characters.
    before, broken, _ = text.partition("\N{REPLACEMENT CHARACTER}")
    if broken:
        line = before.count("\n") + 1
        raise InvalidRequest(f"line {line} of the body is not UTF-8; save the file as CSV UTF-8")
    header, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="", strict=True)
    try:
        reader.fieldnames = _columns(reader.fieldnames or ())
        return [_cells(row) for row in reader]
    except csv.Error as error:
        # A quotation mark that is never closed is noticed only at the end.
        line = reader.reader.line_num
        raise InvalidRequest(f"the body is not CSV at or before line {line}; check the quotation marks") from error


def _columns(header: Sequence[str]) -> list[str]:
    columns = [name.strip().lower() for name in header]
    named = Counter(name for name in columns if name)
    if not named:
        raise InvalidRequest("the CSV has no header; name the columns in its first line, such as email,name,groups")
    for name, times in named.items():
        if times > 1:
            raise InvalidRequest(f"the header of the CSV names {name!r} twice")
    # Told once: as an error of each row, a wrong name would be told thousands of times.
    unknown = tuple(FieldError(name, "there is no such column") for name in named if name not in COLUMNS)
    if unknown:
        raise InvalidRequest(
            "the first line of the CSV names unknown columns, see errors; rename or remove them: the columns are "
            + ", ".join(COLUMNS),
            errors=unknown,
        )
    return columns


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {name: value for name, value in row.items() if isinstance(value, str) and value.strip()}
    if "groups" in cells:
        cells["groups"] = [group for group in cells["groups"].split(";") if group.strip()]
    return cells | ({"surplus cells": row[""]} if row.get("") else {})


@dataclass(frozen=True)
class Importer:
    """Imports rows into a directory.

    Attributes:
        directory: the directory to import into.
        time_is_up: returns whether to stop; the remaining rows then get an error that says so.
    """

    directory: Directory
    time_is_up: Callable[[], bool] = lambda: False

    def run(self, rows: Sequence[Any]) -> Report:
        """Import rows and return the result of each.

        Raises:
            TooLarge: there are more than :data:`MOST_ROWS`.
        """
        if len(rows) > MOST_ROWS:
            raise TooLarge(f"an import may have {MOST_ROWS} rows, this one has {len(rows)}; send it in parts")
        report, valid = Report(), []
        for number, row in enumerate(rows, 1):
            read = _read(number, row)
            if isinstance(read, _Row):
                valid.append(read)
            else:
                report.results.append(read)
        for share in chunks(valid, SHARE):
            report.results += self._share(share)
        report.results.sort(key=lambda result: result.row)
        return report

    def _share(self, rows: Sequence[_Row]) -> Iterator[RowResult]:
        """Import some of the rows, those that share an identifier one after another."""
        left = list(rows)
        while left:
            if self.time_is_up():
                yield from (_error(row, "the request ran out of time; send this row again") for row in left)
                return
            round_, left = _apart(left)
            yield from self._round(round_)

    def _round(self, rows: Sequence[_Row]) -> Iterator[RowResult]:
        planned = self._plan(rows)
        yield from (plan.result for plan in planned if not plan.actions)
        writing = list(together([plan for plan in planned if plan.actions], _touched))
        with ThreadPoolExecutor(WRITERS) as pool:
            for results in pool.map(self._write, writing):
                yield from results

    def _write(self, batch: Sequence[_Planned]) -> list[RowResult]:
        try:
            if changes.write(self.directory.table, [action for plan in batch for action in plan.actions]):
                return [plan.result for plan in batch]
            return [self._alone(plan.row) for plan in batch]
        except Unavailable as error:
            return [_error(plan.row, error.detail) for plan in batch]

    def _alone(self, row: _Row) -> RowResult:
        """Import one row whose learner others are changing at the same time."""
        for pause in pauses():
            [planned] = self._plan([row])
            if not planned.actions or changes.write(self.directory.table, list(planned.actions)):
                return planned.result
            self.directory.pause(pause)
        return _error(row, "other writers kept changing the same learner; send this row again")

    def _plan(self, rows: Sequence[_Row]) -> list[_Planned]:
        directory = self.directory
        key, at = directory.pseudonym_key(), rfc3339(directory.now())
        wanted = [identifier for row in rows for identifier in row.identifiers().values()]
        snapshot = changes.read(directory.table, directory.integration_id, wanted, key)
        # Changing a learner's status or identifiers can affect identities that no row names.
        beside = [
            identifier
            for identifier in changes.ever(*snapshot.learners.values())
            if identifier not in snapshot.tombstones
        ]
        if beside:
            more = changes.read(directory.table, directory.integration_id, beside, key)
            snapshot = replace(
                snapshot,
                identities={**more.identities, **snapshot.identities},
                tombstones={**more.tombstones, **snapshot.tombstones},
            )
        return [self._plan_row(row, snapshot, at) for row in rows]

    def _plan_row(self, row: _Row, snapshot: IdentitySnapshot, at: str) -> _Planned:
        erased = [identifier for identifier in row.identifiers().values() if identifier in snapshot.erased]
        if erased:
            errors = tuple(FieldError(identifier.kind, "belonged to a person who was erased") for identifier in erased)
            return _Planned(row, RowResult(row.number, "error", errors=errors))
        candidates = _candidates(row, snapshot)
        if len(candidates) > 1:
            return _Planned(row, _error(row, "matches more than one learner; give an identifier that only one has"))
        before = candidates[0] if candidates else None
        blank = Learner(self.directory.integration_id, new_id(self.directory.now()), at, version=0)
        after = changes.changed(before or blank, row.fields, at)
        if before == after:
            return _Planned(row, RowResult(row.number, "unchanged", after.id))
        actions = changes.actions(self.directory.table, snapshot, before, after, at)
        gained = changes.live(after).keys() - changes.live(before).keys()
        warnings = tuple(
            FieldError(identifier.kind, SHARED) for identifier in sorted(gained) if snapshot.identity(identifier).live
        )
        return _Planned(row, RowResult(row.number, "updated" if before else "created", after.id, (), warnings), actions)


def _read(number: int, row: Any) -> _Row | RowResult:  # noqa: ANN401  (whatever the body contains)
    try:
        fields = LearnerFields.model_validate(_said(row))
    except ValidationError as error:
        found = field_errors(error.errors(include_url=False, include_input=False))
        return RowResult(number, "error", errors=told(found, MOST_ERRORS_OF_ROW))
    read = _Row(number, fields)
    return read if read.identifiers() else _error(read, f"a row needs at least one of {', '.join(ORDER)}")


def _said(row: Any) -> Any:  # noqa: ANN401
    """Return a row without its empty fields, which change nothing."""
    return {name: value for name, value in row.items() if value not in (None, "")} if isinstance(row, dict) else row


def _error(row: _Row, detail: str) -> RowResult:
    return RowResult(row.number, "error", errors=(FieldError("", detail),))


def _candidates(row: _Row, snapshot: IdentitySnapshot) -> list[Learner]:
    """Return the learners a row may mean: those found by the strongest identifier that finds any who fit the row.

    A learner does not fit if the row contradicts one of their identifiers of a stronger kind.
    """
    mine = row.identifiers()
    for number, kind in enumerate(ORDER):
        if kind not in mine:
            continue
        fitting = [
            learner
            for learner in snapshot.holders(mine[kind])
            if not any(_contradicts(learner, mine.get(stronger)) for stronger in ORDER[:number])
        ]
        if fitting:
            return fitting
    return []


def _contradicts(learner: Learner, given: Identifier | None) -> bool:
    own = learner.current(given.kind) if given else None
    return own is not None and given is not None and given not in changes.live(learner)


def _apart(rows: Iterable[_Row]) -> tuple[list[_Row], list[_Row]]:
    """Return the rows that share no identifier with an earlier one, and the others."""
    seen: set[Identifier] = set()
    first: list[_Row] = []
    later: list[_Row] = []
    for row in rows:
        mine = set(row.identifiers().values())
        (later if mine & seen else first).append(row)
        seen |= mine
    return first, later


def _touched(planned: _Planned) -> set[str]:
    """Return the items that a row writes; rows about one person share some."""
    return {str(_key(action)) for action in planned.actions}


def _key(action: dict[str, Any]) -> Any:  # noqa: ANN401  (typed attributes)
    [body] = action.values()
    item = body.get("Item") or body["Key"]
    return item["PK"], item["SK"]
