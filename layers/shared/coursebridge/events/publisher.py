"""Puts events on the bus, in order within each subject, and reports those that were refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coursebridge.clock import parse_rfc3339
from coursebridge.events.changes import SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from coursebridge.events.changes import Event

MOST_ENTRIES = 10
# EventBridge's error codes for entries that will never pass; any other error is worth another try.
PERMANENT = frozenset(
    {"MalformedDetail", "InvalidArgument", "NotAuthorizedForSourceException", "InvalidAccountIdException"}
)


@dataclass(frozen=True)
class Sendable:
    """An event and the stream record it comes from."""

    sequence_number: str
    event: Event


@dataclass(frozen=True)
class Sent:
    """The result of publishing a list of events.

    Attributes:
        sent: how many are on the bus.
        refused: the events that the bus will never accept, each with the error code.
        failed_at: the sequence number of the stream record to continue from; ``None`` if nothing needs another try.
    """

    sent: int
    refused: tuple[tuple[Sendable, str], ...]
    failed_at: str | None


class Publisher:
    """Puts events on the bus.

    Args:
        client: the EventBridge client.
        bus: the name of the bus.
        resources: returns the ARNs that an event concerns, which rules can match.
    """

    def __init__(self, client: EventBridgeClient, bus: str, resources: Callable[[Event], list[str]]) -> None:
        self._client = client
        self._bus = bus
        self._resources = resources

    def publish(self, sendables: Sequence[Sendable]) -> Sent:
        """Put events on the bus; stop after the first call in which an entry failed temporarily."""
        sent, refused = 0, list[tuple[Sendable, str]]()
        for call in calls(sendables):
            answer = self._client.put_events(Entries=[self._entry(sendable.event) for sendable in call])
            errors = [result.get("ErrorCode") for result in answer["Entries"]]
            sent += errors.count(None)
            refused += [(sendable, code) for sendable, code in zip(call, errors, strict=True) if code in PERMANENT]
            failed = [sendable for sendable, code in zip(call, errors, strict=True) if code and code not in PERMANENT]
            if failed:
                return Sent(sent, tuple(refused), failed[0].sequence_number)
        return Sent(sent, tuple(refused), None)

    def _entry(self, event: Event) -> PutEventsRequestEntryTypeDef:
        return {
            "Source": SOURCE,
            "DetailType": event.type,
            "Detail": json.dumps(event.detail, ensure_ascii=False),
            "Time": parse_rfc3339(event.time),
            "Resources": self._resources(event),
            "EventBusName": self._bus,
        }


def calls(sendables: Sequence[Sendable]) -> Iterator[list[Sendable]]:
    """Yield the events of each call, never two of the same subject.

    A call may fail for only some of its entries, so the later of two such events could overtake the earlier.
    """
    call: list[Sendable] = []
    for sendable in sendables:
        if len(call) == MOST_ENTRIES or any(other.event.subject == sendable.event.subject for other in call):
            yield call
            call = []
        call.append(sendable)
    if call:
        yield call
