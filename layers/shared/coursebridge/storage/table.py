"""DynamoDB in plain dictionaries: the only module that knows its operations and its errors.

A refusal that a caller can act on raises :class:`ConditionFailed` or :class:`TransactionRefused`. A table that is still
busy after botocore's retries raises :class:`~coursebridge.errors.Unavailable`, and an item or transaction that exceeds
DynamoDB's size limits raises :class:`~coursebridge.errors.TooLarge`.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from botocore.exceptions import ClientError, HTTPClientError

from coursebridge.errors import TooLarge, Unavailable
from coursebridge.storage import keys
from coursebridge.storage.attribute_values import from_wire, to_wire
from coursebridge.storage.keys import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
T = TypeVar("T")
P = TypeVar("P", bound="Planned")

BUSY = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalServerError",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
CONDITION_FAILED = "ConditionalCheckFailed"
OTHERS_WRITE = frozenset({None, CONDITION_FAILED, "TransactionConflict"})
"""The reasons for refusing an action of a transaction after which reading and writing again may succeed."""
TOO_LARGE = ("has exceeded the maximum allowed size", "cannot exceed 4 MB")
"""DynamoDB's words for an item or a transaction that is too large, in the error of a write or a cancellation reason."""
_wait = time.sleep
BATCH_READ, BATCH_WRITE, TRANSACTION = 100, 25, 100


class ConditionFailed(Exception):
    """A conditional write was refused; ``item`` is the stored item (empty if there is none)."""

    def __init__(self, item: Item) -> None:
        super().__init__("the condition of the write does not hold")
        self.item = item


class TransactionRefused(Exception):
    """A transaction was refused as a whole, because of what other writers wrote or are writing.

    Attributes:
        reasons: one code per action, in order (``ConditionalCheckFailed`` or ``TransactionConflict``); ``None`` where
            the action would have succeeded.
        items: the stored item of each action whose condition failed; empty for the others.
    """

    def __init__(self, reasons: Sequence[str | None], items: Sequence[Item]) -> None:
        super().__init__("the transaction was refused")
        self.reasons = tuple(reasons)
        self.items = tuple(items)

    @property
    def failed(self) -> tuple[bool, ...]:
        """Return for each action, in order, whether its condition does not hold."""
        return tuple(reason == CONDITION_FAILED for reason in self.reasons)


@dataclass(frozen=True)
class Page:
    """One page of a query, and the key after which the next page starts (``None`` at the end)."""

    items: list[Item]
    last_key: Item | None

    def cut(self, number: int, index: str = "") -> Page:
        """Return a page with the first ``number`` items (at least one) of this page."""
        if number >= len(self.items):
            return self
        return Page(self.items[:number], position(self.items[number - 1], index))


def position(item: Item, index: str = "") -> Item:
    """Return the key from which a query of the table, or of ``index``, continues after an item."""
    return {name: item[name] for name in (keys.PK, keys.SK, *((f"{index}PK", f"{index}SK") if index else ()))}


def chunks(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the things in lists of at most ``size`` (``itertools.batched`` needs Python 3.12)."""
    iterator = iter(things)
    while chunk := list(islice(iterator, size)):
        yield chunk


def one_ahead(things: Iterator[T]) -> Iterator[T]:
    """Yield from an iterator while a thread already fetches the next thing."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(list, islice(things, 1))
        while thing := coming.result():
            coming = pool.submit(list, islice(things, 1))
            yield thing[0]


def unchanged(version: int) -> dict[str, Any]:
    """Return the condition (and its values) that an item still has this version; 0 means that it does not exist yet."""
    if version == 0:
        return {"condition": "attribute_not_exists(PK)"}
    return {"condition": "version = :version", "values": {":version": version}}


class Table:
    """The application's one table.

    Every method is one DynamoDB call unless its docstring says otherwise.

    Args:
        client: a boto3 DynamoDB client.
        name: the table's name.
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self.client = client
        self.name = name

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """Return the item at a key, or ``None``."""
        answer = self._call("get_item", Key=to_wire(key.item()), ConsistentRead=consistent)
        return from_wire(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Item]:
        """Return those items that exist; one call per hundred keys, more if DynamoDB is busy."""
        found: dict[Key, Item] = {}
        for chunk in chunks(dict.fromkeys(keys), BATCH_READ):
            request: Any = {self.name: {"Keys": [to_wire(key.item()) for key in chunk], "ConsistentRead": consistent}}
            for pause in pauses():
                answer = self._call("batch_get_item", whole=True, RequestItems=request)
                for wire in answer["Responses"].get(self.name, []):
                    item = from_wire(wire)
                    found[Key(item["PK"], item["SK"])] = item
                request = answer.get("UnprocessedKeys")
                if not request:
                    break
                _wait(pause)
            else:
                raise Unavailable("the table is busy, try again")
        return found

    def put(self, item: Mapping[str, Any], *, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """Put an item, optionally on a condition.

        Raises:
            ConditionFailed: the condition does not hold; carries the stored item.
        """
        self._call("put_item", Item=to_wire(item), **_conditional(condition, values))

    def update(
        self,
        key: Key,
        expression: str,
        values: Mapping[str, Any] | None = None,
        *,
        condition: str = "",
        names: Mapping[str, str] | None = None,
    ) -> Item:
        """Apply an update expression and return the whole new item.

        Raises:
            ConditionFailed: the condition does not hold; carries the stored item.
        """
        extra: dict[str, Any] = {"ExpressionAttributeNames": dict(names)} if names else {}
        answer = self._call(
            "update_item",
            Key=to_wire(key.item()),
            UpdateExpression=expression,
            ReturnValues="ALL_NEW",
            **_conditional(condition, values),
            **extra,
        )
        return from_wire(answer.get("Attributes", {}))

    def delete(self, key: Key, *, condition: str = "", values: Mapping[str, Any] | None = None) -> None:
        """Delete the item at a key; a missing item is ignored, unless there is a condition that it fails."""
        self._call("delete_item", Key=to_wire(key.item()), **_conditional(condition, values))

    def put_many(self, items: Iterable[Mapping[str, Any]]) -> int:
        """Put items unconditionally, 25 per call, and return how many."""
        return self._write_many({"PutRequest": {"Item": to_wire(item)}} for item in items)

    def delete_many(self, keys: Iterable[Key]) -> int:
        """Delete items unconditionally, 25 per call, and return how many."""
        return self._write_many({"DeleteRequest": {"Key": to_wire(key.item())}} for key in keys)

    def _write_many(self, requests: Iterable[dict[str, Any]]) -> int:
        written = 0
        for chunk in chunks(requests, BATCH_WRITE):
            request: Any = {self.name: list(chunk)}
            for pause in pauses():
                answer = self._call("batch_write_item", whole=True, RequestItems=request)
                request = answer.get("UnprocessedItems")
                if not request:
                    break
                _wait(pause)
            else:
                raise Unavailable("the table is busy, try again")
            written += len(chunk)
        return written

    def query(  # noqa: PLR0913  (each is one of DynamoDB's own options, named)
        self,
        pk: str,
        *,
        index: str = "",
        prefix: str = "",
        between: tuple[str, str] | None = None,
        condition: str = "",
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
        limit: int | None = None,
        after: Item | None = None,
        ascending: bool = True,
        consistent: bool = False,
        attributes: Sequence[str] = (),
    ) -> Page:
        """Return one page of a partition of the table or of an index.

        Args:
            pk: the partition key.
            index: ``GSI1``, ``GSI2`` or ``GSI3``; empty for the table.
            prefix: only sort keys with this prefix.
            between: only sort keys within these bounds (inclusive).
            condition: a filter expression, with ``values`` and ``names``.
            values: values of the filter expression.
            names: names of the filter expression.
            limit: the maximum number of items to read.
            after: the ``last_key`` of the previous page.
            ascending: whether sort keys ascend.
            consistent: whether to read consistently (table only).
            attributes: return only these attributes.
        """
        request = _query(pk, index, prefix, between)
        request["ExpressionAttributeValues"].update(to_wire(values or {}))
        request["ExpressionAttributeNames"].update(names or {})
        if condition:
            request["FilterExpression"] = condition
        if attributes:
            aliases = {f"#a{number}": name for number, name in enumerate(attributes)}
            request["ExpressionAttributeNames"].update(aliases)
            request["ProjectionExpression"] = ", ".join(aliases)
        if limit:
            request["Limit"] = limit
        if after:
            request["ExclusiveStartKey"] = to_wire(after)
        answer = self._call("query", ScanIndexForward=ascending, ConsistentRead=consistent, **request)
        last_key = answer.get("LastEvaluatedKey")
        return Page([from_wire(item) for item in answer["Items"]], from_wire(last_key) if last_key else None)

    def query_all(self, pk: str, **options: Any) -> Iterator[Item]:  # noqa: ANN401  (the options of query)
        """Yield every item of a query, page after page."""
        for page in self.pages(pk, **options):
            yield from page.items

    def pages(
        self,
        pk: str,
        *,
        after: Item | None = None,
        **options: Any,  # noqa: ANN401  (the options of query)
    ) -> Iterator[Page]:
        """Yield every page of a query, from the one after a key, one call each."""
        while True:
            page = self.query(pk, after=after, **options)
            yield page
            after = page.last_key
            if after is None:
                return

    def count(self, pk: str, *, index: str = "", prefix: str = "", most: int | None = None) -> int:
        """Count the items of a query, up to ``most``, without fetching them; one call per page."""
        total: int = 0
        after: Any = None
        while True:
            request = _query(pk, index, prefix, None)
            if after:
                request["ExclusiveStartKey"] = after
            if most:
                request["Limit"] = most - total
            answer = self._call("query", Select="COUNT", **request)
            total += answer["Count"]
            after = answer.get("LastEvaluatedKey")
            if not after or (most and total >= most):
                return total

    def transact(self, actions: Sequence[Mapping[str, Any]]) -> None:
        """Apply up to a hundred actions, all or nothing (see :meth:`put_action` and the other ``_action`` methods).

        Raises:
            TransactionRefused: a condition does not hold, or others are writing the same items.
            coursebridge.errors.Unavailable: the table is busy, whatever the conditions say.
            coursebridge.errors.TooLarge: an item, or all of them together, would be too large; retrying cannot help.
        """
        try:
            self._call("transact_write_items", whole=True, TransactItems=list(actions))
        except TransactionRefused as refused:
            if not all(reason in OTHERS_WRITE for reason in refused.reasons):
                raise Unavailable("the table is busy, try again") from refused
            raise

    def put_action(
        self,
        item: Mapping[str, Any],
        *,
        condition: str = "",
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return a transaction action that puts an item."""
        body = {"TableName": self.name, "Item": to_wire(item), **_conditional(condition, values)}
        return {"Put": body | ({"ExpressionAttributeNames": dict(names)} if names else {})}

    def update_action(
        self,
        key: Key,
        expression: str,
        values: Mapping[str, Any] | None = None,
        *,
        condition: str = "",
        names: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return a transaction action that updates an item."""
        body = {
            "TableName": self.name,
            "Key": to_wire(key.item()),
            "UpdateExpression": expression,
            **_conditional(condition, values),
        }
        if names:
            body["ExpressionAttributeNames"] = dict(names)
        return {"Update": body}

    def delete_action(
        self, key: Key, *, condition: str = "", values: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return a transaction action that deletes an item."""
        body = {"TableName": self.name, "Key": to_wire(key.item()), **_conditional(condition, values)}
        return {"Delete": body}

    def check_action(self, key: Key, condition: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a transaction action that only checks a condition."""
        return {
            "ConditionCheck": {
                "TableName": self.name,
                "Key": to_wire(key.item()),
                **_conditional(condition, values),
            }
        }

    def _call(self, operation: str, *, whole: bool = False, **request: Any) -> Any:  # noqa: ANN401  (boto3's own shapes)
        """Make one call; ``whole`` marks the operations that name the table inside their request."""
        if not whole:
            request["TableName"] = self.name
        try:
            return getattr(self.client, operation)(**request)
        except ClientError as error:
            raise _translated(error) from error
        except HTTPClientError as error:
            raise Unavailable("the table does not answer, try again") from error


def _query(pk: str, index: str, prefix: str, between: tuple[str, str] | None) -> dict[str, Any]:
    names, values, condition = {"#pk": f"{index}PK"}, {":pk": pk}, "#pk = :pk"
    if prefix:
        condition += " AND begins_with(#sk, :prefix)"
        values[":prefix"] = prefix
    elif between:
        condition += " AND #sk BETWEEN :low AND :high"
        values[":low"], values[":high"] = between
    if prefix or between:
        names["#sk"] = f"{index}SK"
    request: dict[str, Any] = {
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": to_wire(values),
    }
    return request | ({"IndexName": index} if index else {})


def _conditional(condition: str, values: Mapping[str, Any] | None) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if condition:
        parts["ConditionExpression"] = condition
        parts["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if values:
        parts["ExpressionAttributeValues"] = to_wire(values)
    return parts


def _translated(error: ClientError) -> Exception:
    answer: Any = error.response
    code = answer["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(from_wire(answer.get("Item", {})))
    if code == "ValidationException" and _is_about_size(answer["Error"]):
        return TooLarge("this is more than one item of the table can hold (400 KB)")
    if code == "TransactionCanceledException":
        reasons = answer.get("CancellationReasons", [])
        if any(reason.get("Code") == "ValidationError" and _is_about_size(reason) for reason in reasons):
            return TooLarge("this is more than one item of the table can hold (400 KB)")
        return TransactionRefused(
            [None if reason.get("Code") == "None" else reason.get("Code") for reason in reasons],
            [from_wire(reason.get("Item") or {}) for reason in reasons],
        )
    return Unavailable("the table is busy, try again") if code in BUSY else error


def _is_about_size(told: Mapping[str, Any]) -> bool:
    return any(words in (told.get("Message") or "") for words in TOO_LARGE)


class Planned(Protocol):
    """A change, by the actions of a transaction that make it."""

    @property
    def actions(self) -> Sequence[dict[str, Any]]:
        """The actions, all of which go into one transaction."""


def together(plans: Iterable[P], touched: Callable[[P], set[str]]) -> Iterator[list[P]]:
    """Yield batches of changes that each fit into a transaction, which may not write an item twice.

    Args:
        plans: the changes.
        touched: returns what a change writes; two that share any of it are never in one batch.
    """
    batch: list[P] = []
    size, written = 0, set[str]()
    for plan in plans:
        mine = touched(plan)
        if batch and (size + len(plan.actions) > TRANSACTION or mine & written):
            yield batch
            batch, size, written = [], 0, set()
        batch, size, written = [*batch, plan], size + len(plan.actions), written | mine
    if batch:
        yield batch


def pauses() -> Iterator[float]:
    """Yield eight growing pauses in seconds, with full jitter: about six seconds in all on average."""
    for attempt in range(8):
        yield random.uniform(0, 0.05 * 2**attempt)  # noqa: S311  (jitter, not a secret)


def tries() -> Iterator[None]:
    """Yield eight times with growing pauses in between, for a write that competes with other writers."""
    for number, pause in enumerate(pauses()):
        if number:
            _wait(pause)
        yield
