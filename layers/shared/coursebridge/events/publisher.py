"""Puts events on the bus, in order for each subject, and reports each that was refused."""

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
# What EventBridge answers for entries that no repetition will make pass; anything else is worth another try.
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
    """What became of a list of events.

    Attributes:
        sent: how many are on the bus.
        refused: those that the bus will never take, with its reason.
        failed_at: the stream record to go on from; ``None`` when all went well.
    """

    sent: int
    refused: tuple[tuple[Sendable, str], ...]
    failed_at: str | None


class Publisher:
    """Puts events on the bus.

    Args:
        client: the EventBridge client.
        bus: the name of the bus.
        resources: returns the ARNs an event concerns, by which rules tell events apart.
    """

    def __init__(self, client: EventBridgeClient, bus: str, resources: Callable[[Event], list[str]]) -> None:
        self._client = client
        self._bus = bus
        self._resources = resources

    def publish(self, sendables: Sequence[Sendable]) -> Sent:
        """Put events on the bus; stop at the first call of which an entry failed for now."""
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
    """Yield what goes into one call each: never two events of one subject.

    A call may fail for some of its entries only. Were two of a subject in it, the later could overtake the earlier.
    """
    call: list[Sendable] = []
    for sendable in sendables:
        if len(call) == MOST_ENTRIES or any(other.event.subject == sendable.event.subject for other in call):
            yield call
            call = []
        call.append(sendable)
    if call:
        yield call
