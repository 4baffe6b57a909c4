"""Measures a function's calls to AWS and its processor time, without the time that the in-memory AWS takes."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from units import read_units, write_units

from coursebridge import clients

if TYPE_CHECKING:
    from collections.abc import Iterator

    from units import Wire


@dataclass
class Measured:
    """Figures taken while a meter was on.

    Attributes:
        calls: number of calls to AWS, by operation.
        read: read units of `BatchGetItem`, the only read counted.
        written: write units, including those of indexes.
        seconds: processor time of the measured code, without that of the in-memory AWS.
    """

    calls: Counter[str] = field(default_factory=Counter)
    read: float = 0
    written: int = 0
    seconds: float = 0


class Meter:
    """Observes calls between the functions' clients and the in-memory AWS.

    Args:
        table_name: name of the table whose units are counted.
    """

    def __init__(self, table_name: str) -> None:
        self._table = table_name
        self._behind = boto3.client("dynamodb")
        self._measured: Measured | None = None
        self._away = self._left_at = 0.0
        self._operation = ""
        self._before: dict[tuple[str, str], Wire | None] = {}
        for client in (clients.dynamodb(), clients.secretsmanager(), clients.sqs()):
            client.meta.events.register_first("before-send", self._leave)
            client.meta.events.register_last("before-send", self._return)

    @contextmanager
    def on(self) -> Iterator[Measured]:
        """Measure the code in the block."""
        self._measured, self._away = Measured(), 0.0
        started = time.process_time()
        try:
            yield self._measured
        finally:
            self._measured.seconds = time.process_time() - started - self._away
            self._measured = None

    def _leave(self, request: Any, **_: Any) -> None:
        """Record a request before moto, whose handler is next, answers it."""
        measured = self._measured
        if measured is None:
            return
        self._left_at = time.process_time()
        target = request.headers["X-Amz-Target"]
        self._operation = (target.decode() if isinstance(target, bytes) else target).rpartition(".")[2]
        measured.calls[self._operation] += 1
        body = json.loads(request.body)
        with self._off():
            self._before = {key: self._look(key) for key in _written(self._operation, body)}
            if self._operation == "BatchGetItem":
                self._note_reads(body, measured)

    def _return(self, **_: Any) -> None:
        """Record what the request has written, and the time that moto took."""
        measured = self._measured
        if measured is None:
            return
        transactional = self._operation == "TransactWriteItems"
        with self._off():
            for key, image in self._before.items():
                measured.written += write_units(image, self._look(key), transactional=transactional)
        self._away += time.process_time() - self._left_at

    @contextmanager
    def _off(self) -> Iterator[None]:
        measured, self._measured = self._measured, None
        try:
            yield
        finally:
            self._measured = measured

    def _note_reads(self, body: dict[str, Any], measured: Measured) -> None:
        for request in body["RequestItems"].values():
            consistent = bool(request.get("ConsistentRead"))
            for key in request["Keys"]:
                item = self._look((key["PK"]["S"], key["SK"]["S"]))
                measured.read += read_units(item, consistent=consistent)

    def _look(self, key: tuple[str, str]) -> Wire | None:
        wire: Any = {"PK": {"S": key[0]}, "SK": {"S": key[1]}}
        return self._behind.get_item(TableName=self._table, Key=wire).get("Item")


def _written(operation: str, body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the keys that a request writes or checks."""
    match operation:
        case "PutItem":
            keys = [body["Item"]]
        case "UpdateItem" | "DeleteItem":
            keys = [body["Key"]]
        case "TransactWriteItems":
            actions = [action for each in body["TransactItems"] for action in each.values()]
            keys = [action.get("Item") or action["Key"] for action in actions]
        case _:
            keys = []
    return [(key["PK"]["S"], key["SK"]["S"]) for key in keys]
