"""Receives statements: reads the body of a request, validates it, and stores all of its statements or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coursebridge.errors import FieldError, InvalidRequest, TooLarge
from coursebridge.storage.statement_intake import NewStatement, StatementIntake
from coursebridge.xapi import actors, lenient
from coursebridge.xapi.comparison import digest, says_the_same
from coursebridge.xapi.statement import statement_id, timestamp_text, voids
from coursebridge.xapi.values import UUID, uuid_or_same
from coursebridge.xapi.verbatim import Fragment, fragments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from coursebridge.storage.statement_intake import Added
    from coursebridge.storage.table import Item, Table

MOST_STATEMENTS = 100


@dataclass(frozen=True)
class Receiver:
    """Receives the statements of one integration.

    Attributes:
        table: the application's table.
        integration: the integration's item.
        client_id: the client that sends.
        now: the clock.
        request_id: the id of the API request, as it appears in logs.
    """

    table: Table
    integration: Item
    client_id: str
    now: Callable[[], datetime]
    request_id: str | None = None

    def post(self, body: bytes) -> tuple[list[str], Added]:
        """Store the statements in a body: one, or an array of at most a hundred.

        Returns:
            The ids as they were sent, in the order of the body, and how many statements were new.

        Raises:
            InvalidRequest: a statement is invalid, and none was stored; every invalid field is named.
            TooLarge: there are too many statements, or they are too long.
            Conflict: an id belongs to another statement.
        """
        found = _read(body)
        several = isinstance(found, list)
        batch = found if isinstance(found, list) else [found]
        if len(batch) > MOST_STATEMENTS:
            raise TooLarge(f"a request may have {MOST_STATEMENTS} statements, this one has {len(batch)}")
        self._check(batch, several=several)
        ids = [str(fragment.value.get("id") or statement_id(fragment.value)) for fragment in batch]
        return ids, self._store(zip(batch, ids, strict=True))

    def put(self, body: bytes, given_id: str) -> Added:
        """Store the one statement in a body under the id given in the request.

        Raises:
            InvalidRequest: the statement is invalid, or has another id.
            TooLarge: it is too long.
            Conflict: the id belongs to another statement.
        """
        found = _read(body)
        if isinstance(found, list):
            raise InvalidRequest("PUT takes one statement, not an array")
        self._check([found], several=False)
        own_id = found.value.get("id") or given_id
        if uuid_or_same(own_id) != uuid_or_same(given_id):
            raise _invalid([FieldError("id", "does not match the statementId of the request")])
        if errors := lenient.errors({**found.value, "id": given_id}):
            raise _invalid([FieldError("statementId", error.detail) for error in errors])
        if self._is_strict and not UUID.fullmatch(given_id):  # xAPI 1.0.3, Data 2.4.1
            raise _invalid([FieldError("statementId", "is not a UUID")])
        return self._store([(found, given_id)])

    @property
    def _is_strict(self) -> bool:
        return bool(self.integration["statement_validation"] == "strict")

    def _store(self, batch: Iterable[tuple[Fragment, str]]) -> Added:
        # File statements under the identifier that learners are matched by, so that an erasure finds them, too.
        account_first = self.integration["learner_identification"] != "email"
        statements = [_new(fragment, id_, account_first=account_first) for fragment, id_ in batch]
        intake = StatementIntake(self.table, self.integration["id"], says_the_same)
        return intake.add(
            _distinct(statements), stored_at=self.now(), client_id=self.client_id, request_id=self.request_id
        )

    def _check(self, batch: Sequence[Fragment], *, several: bool) -> None:
        errors = [
            FieldError(_path(number if several else None, error.field), error.detail)
            for number, fragment in enumerate(batch)
            for error in _errors(fragment, strict=self._is_strict)
        ]
        if errors:
            raise _invalid(errors)


def _read(body: bytes) -> list[Fragment] | Fragment:
    try:
        return fragments(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("the body is not JSON: send one xAPI statement or an array of them") from error


def _errors(fragment: Fragment, *, strict: bool) -> list[FieldError]:
    found = lenient.errors(fragment.value)
    if found or not strict:
        return found
    from coursebridge.xapi import strict as every_must  # noqa: PLC0415  (loads pydantic, which lenient requests spare)

    return every_must.errors(fragment.raw)


def _new(fragment: Fragment, id_: str, *, account_first: bool) -> NewStatement:
    value: dict[str, Any] = fragment.value
    filed_under = actors.identifier(value["actor"], account_first=account_first)
    return NewStatement(
        statement_id=uuid_or_same(id_),
        raw=fragment.raw,
        digest=digest(value),
        timestamp=timestamp_text(value),
        verb=value["verb"]["id"],
        object_id=value["object"].get("id"),
        actor=(filed_under.type, filed_under.value) if filed_under else None,
        actor_digest=filed_under.digest() if filed_under else None,
        voids=voids(value),
    )


def _distinct(statements: Sequence[NewStatement]) -> list[NewStatement]:
    """Return the statements without repeats; two different statements under one id are refused."""
    found: dict[str, NewStatement] = {}
    for statement in statements:
        first = found.setdefault(statement.statement_id, statement)
        if (first.digest, first.timestamp) != (statement.digest, statement.timestamp):
            detail = f"{statement.statement_id} is given to two different statements of this request"
            raise _invalid([FieldError("id", detail)])
    return list(found.values())


def _path(number: int | None, field: str) -> str:
    return field if number is None else f"[{number}].{field}".rstrip(".")


def _invalid(errors: Sequence[FieldError]) -> InvalidRequest:
    first = f"{errors[0].field or 'statement'}: {errors[0].detail}"
    return InvalidRequest(f"no statement was stored, because {first}", errors=tuple(errors))
