"""Matches statements against a query: the filters of xAPI 1.0.3, Communication 2.1.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.xapi import actors
from coursebridge.xapi.values import uuid_or_same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.xapi.query import Query

AGENTS = ("actor", "object", "authority")


def matches(statement: dict[str, Any], query: Query) -> bool:
    """Whether a statement passes a query's filters, except those of time, which apply when the table is read."""
    return (
        _is(query.verb, [_object(statement.get("verb")).get("id")])
        and _is(query.registration, [_registration(statement)])
        and _is(query.activity, _activities(statement, related=query.related_activities))
        and _has_agent(statement, query)
    )


def _is(wanted: str | None, found: list[Any]) -> bool:
    return wanted is None or wanted in found


def _registration(statement: dict[str, Any]) -> str | None:
    registration = _object(statement.get("context")).get("registration")
    return uuid_or_same(registration) if isinstance(registration, str) else None


def _activities(statement: dict[str, Any], *, related: bool) -> list[Any]:
    target = _object(statement.get("object"))
    found = [target.get("id")] if target.get("objectType", "Activity") == "Activity" else []
    if related:
        for group in _object(_object(statement.get("context")).get("contextActivities")).values():
            found += [_object(activity).get("id") for activity in (group if isinstance(group, list) else [group])]
        if target.get("objectType") == "SubStatement":
            found += _activities(target, related=True)
    return found


def _has_agent(statement: dict[str, Any], query: Query) -> bool:
    if query.agent is None:
        return True
    wanted = _identity(query.agent)
    people = _related_agents(statement) if query.related_agents else iter([statement.get("actor")])
    return any(_identity(person) == wanted for person in people)


def _related_agents(statement: dict[str, Any]) -> Iterator[Any]:
    context = _object(statement.get("context"))
    for holder in (*(statement.get(name) for name in AGENTS), context.get("instructor"), context.get("team")):
        yield holder
        members = _object(holder).get("member")
        yield from members if isinstance(members, list) else ()
    target = _object(statement.get("object"))
    if target.get("objectType") == "SubStatement":
        yield from _related_agents(target)


def _identity(agent: Any) -> tuple[str, ...] | None:  # noqa: ANN401  (whatever the statement contains)
    """Return what equal agents have in common: type and value of the identifier, and the home page of an account."""
    found = actors.identifier(agent)
    if found is None:
        return None
    if found.type == "account":
        return (found.type, found.value, str(agent["account"].get("homePage")))
    return (found.type, found.value.casefold() if found.type == "email" else found.value)


def _object(value: Any) -> dict[str, Any]:  # noqa: ANN401
    return value if isinstance(value, dict) else {}
