"""Queries an index file: filters, sorts and pages through courses.

Each page continues from the last key of the one before, not from an offset. So pages neither repeat nor skip courses,
and the last one costs no more than the first.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from coursebridge.catalog.filters import linkedin_locale
from coursebridge.catalog.search.words import folded, match_expression
from coursebridge.storage.courses import Labels, StoredCourse

if TYPE_CHECKING:
    from pathlib import Path

Sort = Literal[
    "relevance",
    "title",
    "-title",
    "updated_at",
    "-updated_at",
    "published_at",
    "-published_at",
    "duration",
    "-duration",
]
"""The sort orders; ``-`` means descending."""
SORTS = {
    "title": "course.title",
    "updated_at": "coalesce(course.updated_at, '')",
    "published_at": "coalesce(course.published_at, '')",
    "duration": "coalesce(course.duration, -1)",
}
_FOUND = "(SELECT rowid AS id, bm25(words, 10.0, 1.0) AS score FROM words WHERE words MATCH ?)"
"""The courses with the keywords; a word in the title weighs ten times as much as one in the description."""

_IN_LIST = "IN (SELECT value FROM json_each(?))"
_HAS_TERM = f"course.id IN (SELECT course FROM term WHERE kind = ? AND value {_IN_LIST})"  # noqa: S608  (a constant)
_IS_CLASSIFIED = (
    "course.id IN (SELECT course FROM term WHERE kind = ? AND value IN "  # noqa: S608  (a constant)
    f"(SELECT value FROM json_each(?) UNION ALL SELECT urn FROM name WHERE value {_IN_LIST}))"
)


@dataclass(frozen=True)
class Question:
    """A search for courses. Values of one filter are ORed, and filters are ANDed; an empty one has no effect.

    Attributes:
        q: keywords.
        language: languages, such as ``en`` or ``en_US``.
        level: LinkedIn's levels.
        type: asset types.
        subject: libraries, subjects or topics, by URN or by name in any language; each also finds the courses below it.
        skill: skills, by URN or name.
        status: ``active``, ``archived``.
        tag: synced or manual tags.
        tagged: URNs of the courses that have one of the tags manually.
        updated_since: RFC 3339; LinkedIn's time of the last update.
        synced_since: RFC 3339; the time the course was last written here.
        min_duration: seconds.
        max_duration: seconds.
        sort: the sort order; if empty, by relevance if there are keywords, else by title.
        after: the ``next`` of the previous page.
        limit: the most courses on the page.
    """

    q: str = ""
    language: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    subject: tuple[str, ...] = ()
    skill: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    tagged: frozenset[str] = frozenset()
    updated_since: str | None = None
    synced_since: str | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    sort: Sort | Literal[""] = ""
    after: tuple[Any, str] | None = None
    limit: int = 50


@dataclass(frozen=True)
class Answer:
    """A page of courses, the key of each to continue from, and whether more follow."""

    courses: list[StoredCourse]
    keys: list[tuple[Any, str]]
    more: bool

    @property
    def next(self) -> tuple[Any, str] | None:
        """Return the key to continue from, ``None`` at the end."""
        return self.after(len(self.courses))

    def after(self, number: int) -> tuple[Any, str] | None:
        """Return the key to continue from after the first ``number`` courses, ``None`` at the end."""
        return self.keys[number - 1] if self.more or number < len(self.courses) else None


@dataclass
class _Statement:
    """The conditions of a query and their values, in order."""

    conditions: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, condition: str, *values: Any) -> None:  # noqa: ANN401  (whatever SQLite binds)
        self.conditions.append(condition)
        self.values.extend(values)

    @property
    def where(self) -> str:
        return "WHERE " + " AND ".join(self.conditions) if self.conditions else ""


class SearchIndex:
    """An index file, opened for reading.

    Args:
        file: a file written by :func:`coursebridge.catalog.search.building.build`.
        integration_id: the integration of its courses.
    """

    def __init__(self, file: Path, integration_id: str) -> None:
        self._database = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        self._integration_id = integration_id

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def ask(self, question: Question) -> Answer:
        """Return a page of the courses that match."""
        match = match_expression(question.q) if question.q else None
        if question.q and match is None:
            return Answer([], [], more=False)
        rows = self._rows(question, match)
        page = rows[: question.limit]
        keys = [(row["key"], row["urn"]) for row in page]
        return Answer([course_in(row, self._integration_id) for row in page], keys, more=len(rows) > question.limit)

    def _rows(self, question: Question, match: str | None) -> list[sqlite3.Row]:
        key, descending = _order(question, ranked=match is not None)
        statement = _Statement([], [match] if match else [])
        _filter(statement, question)
        if question.after is not None:
            statement.add(f"({key}, course.urn) {'<' if descending else '>'} (?, ?)", *question.after)
        source = f"{_FOUND} AS found CROSS JOIN course ON course.id = found.id" if match else "course"
        direction = "DESC" if descending else "ASC"
        # No user input is in this text: values are bound, and names and conditions are constants of this module.
        ordered = (
            f"SELECT course.id AS id, {key} AS key FROM {source} {statement.where} "  # noqa: S608
            f"ORDER BY {key} {direction}, course.urn {direction} LIMIT ?"
        )
        # The inner query sorts and filters on small columns; full rows are fetched only for the page.
        text = (
            f"SELECT course.*, body.body, page.key FROM ({ordered}) AS page "  # noqa: S608
            "CROSS JOIN course ON course.id = page.id CROSS JOIN body ON body.id = page.id "
            f"ORDER BY page.key {direction}, course.urn {direction}"
        )
        cursor = self._database.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(text, [*statement.values, question.limit + 1]).fetchall()


def course_in(row: sqlite3.Row, integration_id: str) -> StoredCourse:
    """Return the course in a row of the tables ``course`` and ``body``."""
    return StoredCourse(
        integration_id=integration_id,
        urn=row["urn"],
        status=row["status"],
        archived_reason=row["archived_reason"],
        hash=row["hash"],
        labels=Labels(bool(row["tags_enabled"]), row["team"], row["author_email"]),
        run_id="",
        action="",
        synced_at=row["synced_at"],
        body=row["body"],
    )


def _order(question: Question, *, ranked: bool) -> tuple[str, bool]:
    """Return the expression to sort by, and whether the order is descending."""
    name = question.sort or ("relevance" if ranked else "title")
    if name == "relevance":
        return ("found.score", False) if ranked else (SORTS["title"], False)
    return SORTS[name.removeprefix("-")], name.startswith("-")


def _filter(statement: _Statement, question: Question) -> None:
    for column in ("level", "type", "status"):
        _among(statement, f"course.{column}", getattr(question, column))
    if question.language:
        listed = json.dumps([linkedin_locale(language) for language in question.language])
        either = f"(course.language {_IN_LIST} OR course.locale {_IN_LIST})"
        statement.add(either, listed, listed)
    for kind in ("subject", "skill"):
        wanted = getattr(question, kind)
        if wanted:
            names = [folded(value) for value in wanted]
            statement.add(_IS_CLASSIFIED, kind, json.dumps([*wanted, *names]), json.dumps(names))
    if question.tag:
        tags = json.dumps([folded(tag) for tag in question.tag])
        either = f"({_HAS_TERM} OR course.urn {_IN_LIST})"
        statement.add(either, "tag", tags, json.dumps(sorted(question.tagged)))
    _within(statement, question)


def _among(statement: _Statement, column: str, values: tuple[str, ...]) -> None:
    if values:
        statement.add(f"{column} {_IN_LIST}", json.dumps(values))


def _within(statement: _Statement, question: Question) -> None:
    bounds = (
        ("course.updated_at >= ?", question.updated_since),
        ("course.synced_at >= ?", question.synced_since),
        ("course.duration >= ?", question.min_duration),
        ("course.duration <= ?", question.max_duration),
    )
    for condition, value in bounds:
        if value is not None:
            statement.add(condition, value)
