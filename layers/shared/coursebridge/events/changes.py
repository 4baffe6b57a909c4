"""Turns the change of an item into events. Pure: no AWS.

| item          | change                                        | event                                          |
| ------------- | --------------------------------------------- | ---------------------------------------------- |
| course        | new, and active                               | ``CourseCreated``                              |
|               | LinkedIn's data, or what the settings add     | ``CourseUpdated``                              |
|               | status                                        | ``CourseArchived``, ``CourseRestored``         |
| record        | a new attempt                                 | ``AttemptStarted``                             |
|               | progress of an open attempt                   | ``AttemptProgressed``                          |
|               | an attempt completed, or its time changed     | ``AttemptCompleted``                           |
| statement     | held, or held for another reason              | ``StatementHeld``                              |
| run           | succeeded, or waits for confirmation          | ``SyncFinished``                               |
|               | failed                                        | ``SyncFailed``                                 |
| reengagement  | a course completed again, without a launch    | ``CourseReengaged``                            |

An event's id is derived from its type and the item's key and version, so that a change seen twice makes the same event.
Events name learners only by their ids.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coursebridge.storage.table import Item

EventType = Literal[
    "CourseCreated",
    "CourseUpdated",
    "CourseArchived",
    "CourseRestored",
    "CourseReengaged",
    "AttemptStarted",
    "AttemptProgressed",
    "AttemptCompleted",
    "StatementHeld",
    "SyncFinished",
    "SyncFailed",
]
VERSION = "1"
SOURCE = "coursebridge"
NAMESPACE = uuid.UUID("8c6a4d5e-0b7f-5d6f-9c1e-3f1d6c0f2a77")
COURSE_FIELDS = ("urn", "type", "title", "status", "synced_at")
NULLABLE_COURSE_FIELDS = ("locale", "duration_seconds", "archived_reason", "group", "author_email")
"""The fields that a course's item leaves out where they would be null."""
STATEMENT_FIELDS = ("stored_at", "timestamp", "verb", "object_id", "outcome", "reason")
RUN_FIELDS = ("id", "kind", "mode", "trigger", "status", "started_at", "finished_at", "counts", "progress", "clean")
REENGAGEMENT_FIELDS = ("learner_id", "course_urn", "completed_at", "run_id")


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        id: the same each time the same change is seen.
        type: the detail-type.
        integration_id: the integration it happened in.
        subject: the item's partition and sort key; events with the same subject stay in order.
        time: when it happened (RFC 3339).
        data: the details, in the schema of the type (``events/schemas``).
    """

    id: str
    type: EventType
    integration_id: str
    subject: str
    time: str
    data: dict[str, Any]

    @property
    def detail(self) -> dict[str, Any]:
        """Return the event's detail on the bus."""
        return {
            "version": VERSION,
            "id": self.id,
            "time": self.time,
            "integration_id": self.integration_id,
            "data": self.data,
        }


def events_of(old: Item | None, new: Item) -> list[Event]:
    """Return the events of an item's change, in order; most changes have none.

    Raises:
        KeyError: the item lacks an attribute that every item of its kind has.
    """
    tell = _TELLERS.get(_kind(new))
    return list(tell(old or {}, new)) if tell else []


def _kind(item: Item) -> str:
    return "statement" if "outcome" in item else str(item.get("entity", ""))


def _event(new: Item, type_: EventType, time: str, version: str, data: dict[str, Any]) -> Event:
    subject = f"{new['PK']} {new['SK']}"
    return Event(
        str(uuid.uuid5(NAMESPACE, f"{type_} {subject} {version}")), type_, new["integration_id"], subject, time, data
    )


def _course(old: Item, new: Item) -> Iterator[Event]:
    type_ = _course_change(old, new)
    if type_:
        version = f"{new['synced_at']} {new['hash']} {new['status']}"
        course = {name: new[name] for name in COURSE_FIELDS} | {name: new.get(name) for name in NULLABLE_COURSE_FIELDS}
        yield _event(new, type_, new["synced_at"], version, {"course": course})


def _course_change(old: Item, new: Item) -> EventType | None:
    if not old:
        return "CourseCreated" if new["status"] == "active" else None
    if old["status"] != new["status"]:
        return "CourseArchived" if new["status"] == "archived" else "CourseRestored"
    kept = ("hash", "tags_enabled", "group", "author_email")
    return "CourseUpdated" if any(old.get(name) != new.get(name) for name in kept) else None


def _record(old: Item, new: Item) -> Iterator[Event]:
    known = {attempt["id"]: attempt for attempt in old.get("attempts", ())}
    for attempt in new["attempts"]:
        before = known.get(attempt["id"])
        previous = {name: before[name] for name in ("status", "progress")} if before else None
        for type_ in _attempt_changes(before, attempt):
            version = f"{new['version']} {attempt['id']}"
            yield _event(new, type_, new["updated_at"], version, {"attempt": dict(attempt), "previous": previous})


def _attempt_changes(before: Item | None, attempt: Item) -> Iterator[EventType]:
    if before is None:
        yield "AttemptStarted"
    if attempt["status"] == "completed":
        if before is None or before["completed_at"] != attempt["completed_at"]:
            yield "AttemptCompleted"
    elif before is not None and before["progress"] != attempt["progress"]:
        yield "AttemptProgressed"


def _statement(old: Item, new: Item) -> Iterator[Event]:
    was = (old.get("outcome"), old.get("reason"))
    if new["outcome"] == "held" and was != ("held", new["reason"]):
        data = {"statement": {"id": new["statement_id"], **{name: new[name] for name in STATEMENT_FIELDS}}}
        yield _event(new, "StatementHeld", new["judged_at"], f"{new['judged_at']} {new['reason']}", data)


def _run(old: Item, new: Item) -> Iterator[Event]:
    types: dict[str, EventType] = {
        "succeeded": "SyncFinished",
        "needs_confirmation": "SyncFinished",
        "failed": "SyncFailed",
    }
    type_ = types.get(new["status"])
    if type_ and old.get("status") != new["status"]:
        time = new.get("finished_at") or new["started_at"]
        data = {"run": {**{name: new.get(name) for name in RUN_FIELDS}, "errors": _errors(new)}}
        yield _event(new, type_, time, f"{new['status']} {time}", data)


def _errors(run: Item) -> list[dict[str, Any]]:
    names = ("code", "detail", "cause", "remedy", "count")
    return [{name: error.get(name) for name in names} for error in (run.get("errors") or ())[:20]]


def _reengagement(old: Item, new: Item) -> Iterator[Event]:
    if old.get("completed_at") != new["completed_at"]:
        data = {name: new[name] for name in REENGAGEMENT_FIELDS}
        yield _event(new, "CourseReengaged", new["noted_at"], new["completed_at"], data)


_TELLERS: dict[str, Callable[[Item, Item], Iterator[Event]]] = {
    "course": _course,
    "record": _record,
    "statement": _statement,
    "run": _run,
    "reengagement": _reengagement,
}
