"""The parameters of ``GET /xapi/statements`` (xAPI 1.0.3, Communication 2.1.3)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.clock import rfc3339
from coursebridge.errors import FieldError, InvalidRequest
from coursebridge.xapi import actors, values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Format = Literal["ids", "exact", "canonical"]
FORMATS: dict[str, Format] = {"ids": "ids", "exact": "exact", "canonical": "canonical"}
BESIDE_ID = frozenset({"attachments", "format"})


@dataclass(frozen=True)
class Query:
    """A query for statements; ``None`` does not filter.

    Attributes:
        statement_id: only the statement with this id.
        voided_statement_id: only the voided statement with this id.
        agent: an agent or identified group as JSON.
        verb: a verb's IRI.
        activity: an activity's IRI.
        registration: a registration's UUID, in lower case.
        related_activities: also search context activities and sub-statements.
        related_agents: also search object, authority, instructor, team, members and sub-statements.
        since: stored after this time (RFC 3339).
        until: stored at or before this time (RFC 3339).
        limit: the maximum number of statements; 0 leaves it to the server.
        ascending: oldest first.
        format: how much of agents, activities and verbs to return.
        attachments: include the contents of attachments.
    """

    statement_id: str | None = None
    voided_statement_id: str | None = None
    agent: dict[str, Any] | None = None
    verb: str | None = None
    activity: str | None = None
    registration: str | None = None
    related_activities: bool = False
    related_agents: bool = False
    since: str | None = None
    until: str | None = None
    limit: int = 0
    ascending: bool = False
    format: Format = "exact"
    attachments: bool = False

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Query:
        """Read the parameters of a request.

        Raises:
            InvalidRequest: a parameter is unknown, unreadable or cannot be combined with another.
        """
        unknown = sorted(set(parameters) - set(READERS))
        if unknown:
            raise _invalid(*(FieldError(name, "is not a parameter of this resource") for name in unknown))
        found: dict[str, Any] = {}
        errors = []
        for name, text in parameters.items():
            attribute, reader, expected = READERS[name]
            found[attribute] = reader(text)
            if found[attribute] is None:
                errors.append(FieldError(name, f"is not {expected}"))
        if errors:
            raise _invalid(*errors)
        _check_single(set(parameters))
        return cls(**found)


def _check_single(names: set[str]) -> None:
    for name in sorted(names & {"statementId", "voidedStatementId"}):
        if names - BESIDE_ID - {name}:
            raise _invalid(FieldError(name, "can only be combined with format and attachments"))


def _invalid(*errors: FieldError) -> InvalidRequest:
    named = "; ".join(f"{error.field} {error.detail}" for error in errors)
    return InvalidRequest(f"the request cannot be answered: {named}", errors=errors)


def _text(text: str) -> str | None:
    return text if text and values.is_text(text) else None


def _iri(text: str) -> str | None:
    return _text(text) if ":" in text else None


def _id(text: str) -> str | None:
    return values.uuid_or_same(text) if _text(text) else None


def _uuid(text: str) -> str | None:
    return text.lower() if values.UUID.fullmatch(text) else None


def _time(text: str) -> str | None:
    # an offset's plus sign that was not percent-encoded arrives as a space
    moment = values.instant(text.strip().replace(" ", "+"))
    return rfc3339(moment) if moment else None


def _limit(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None  # noqa: PLR2004  (digits)


def _boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


def _agent(text: str) -> dict[str, Any] | None:
    try:
        agent = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return agent if isinstance(agent, dict) and actors.identifier(agent) else None


READERS: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "statementId": ("statement_id", _id, "a statement's id"),
    "voidedStatementId": ("voided_statement_id", _id, "a statement's id"),
    "agent": ("agent", _agent, "an agent or identified group as JSON"),
    "verb": ("verb", _iri, "an IRI"),
    "activity": ("activity", _iri, "an IRI"),
    "registration": ("registration", _uuid, "a UUID"),
    "related_activities": ("related_activities", _boolean, "true or false"),
    "related_agents": ("related_agents", _boolean, "true or false"),
    "since": ("since", _time, "an ISO 8601 time"),
    "until": ("until", _time, "an ISO 8601 time"),
    "limit": ("limit", _limit, "a number that is not negative"),
    "ascending": ("ascending", _boolean, "true or false"),
    "format": ("format", FORMATS.get, "ids, exact or canonical"),
    "attachments": ("attachments", _boolean, "true or false"),
}
