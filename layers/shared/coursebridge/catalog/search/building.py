"""Builds the index file in one pass over the courses, or amends it, with a few hundred of them in memory at a time.

While it is built, only the lists of the courses that have a term grow with the catalogue, by four bytes per entry. They
are written term by term at the end, because SQLite is fastest, and its file smallest, when rows come in the order of
their key.

A course names the classifications it has, but of those above them it knows only the URNs. So the file also holds the
names of all classifications, anew in each version of it.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections import defaultdict
from contextlib import closing
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

from coursebridge.catalog.search.querying import course_in
from coursebridge.catalog.search.words import folded, indexed
from coursebridge.catalog.tags import synced_tags
from coursebridge.linkedin.reading import LONGEST_SECONDS
from coursebridge.storage.table import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from coursebridge.storage.course_shapes import Course
    from coursebridge.storage.courses import StoredCourse
    from coursebridge.storage.table import Item

Terms = dict[tuple[str, str], "array[int]"]
"""The numbers of the courses that have a term, ascending and without duplicates, by the term's kind and value."""
# All courses share some hundreds of classification names.
_folded_name = lru_cache(maxsize=4096)(folded)

# The last word of a query is a prefix. A single letter occurs in half of all courses, hence the prefix index.
SCHEMA = """
CREATE TABLE course (
    id INTEGER PRIMARY KEY, urn TEXT NOT NULL, type TEXT, status TEXT, archived_reason TEXT, level TEXT,
    locale TEXT, language TEXT, title TEXT, duration INTEGER, published_at TEXT, updated_at TEXT, hash TEXT,
    tags_enabled INTEGER, team TEXT, author_email TEXT, synced_at TEXT
);
CREATE TABLE body (id INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE term (kind TEXT, value TEXT, course INTEGER, PRIMARY KEY (kind, value, course)) WITHOUT ROWID;
CREATE TABLE name (value TEXT, urn TEXT, PRIMARY KEY (value, urn)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
    title, description, content='', prefix='1', tokenize='unicode61 remove_diacritics 2'
);
"""
# Segments of the full-text index are merged once at the end, not while rows are inserted; pending data may take 4 MB.
UNMERGED = """
INSERT INTO words (words, rank) VALUES ('automerge', 0);
INSERT INTO words (words, rank) VALUES ('crisismerge', 1999);
INSERT INTO words (words, rank) VALUES ('hashsize', 4194304);
"""
# Run before terms and indexes are written, so that they fill the pages that merging frees.
MERGED = "INSERT INTO words (words) VALUES ('optimize')"
# An amended file gets a segment at each change; a few are merged now and then (these are SQLite's defaults).
MERGING = """
INSERT INTO words (words, rank) VALUES ('automerge', 4);
INSERT INTO words (words, rank) VALUES ('crisismerge', 16);
"""
# Each index is over the exact expression of a sort order, so that a sorted query reads only one page of rows.
INDEXES = """
CREATE UNIQUE INDEX by_urn ON course (urn);
CREATE INDEX by_title ON course (title, urn);
CREATE INDEX by_updated_at ON course (coalesce(updated_at, ''), urn);
CREATE INDEX by_published_at ON course (coalesce(published_at, ''), urn);
CREATE INDEX by_duration ON course (coalesce(duration, -1), urn);
"""
# No durability is needed: an unfinished file is discarded and built again.
QUICK = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -8000;
"""
WHOLE = "SELECT * FROM course JOIN body USING (id) WHERE urn IN (SELECT value FROM json_each(?))"
FORGOTTEN = "INSERT INTO words (words, rowid, title, description) VALUES ('delete', ?, ?, ?)"
COLUMNS = 17
AT_ONCE = 250
"""How many courses are inserted together."""


def build(file: Path, courses: Iterable[StoredCourse], classifications: Iterable[Item] = ()) -> int:
    """Write the index of these courses to a new file; return how many courses it holds.

    Args:
        file: the file.
        courses: the courses.
        classifications: the items of all classifications, by whose names courses can be found.
    """
    terms = _no_terms()
    number = 0
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.executescript("PRAGMA page_size = 16384;" + QUICK + SCHEMA + UNMERGED)
        database.execute("BEGIN")
        for some in chunks(enumerate(courses, start=1), AT_ONCE):
            _insert(database, some, terms)
            number += len(some)
        database.execute(MERGED)
        _insert_terms(database, terms)
        _insert_names(database, classifications)
        database.execute("COMMIT")
        database.executescript(INDEXES)
    return number


def amend(
    file: Path, integration_id: str, courses: Iterable[StoredCourse], classifications: Iterable[Item] = ()
) -> int:
    """Replace these courses in an index file, or add them to it; return how many courses it holds then.

    Args:
        file: the file.
        integration_id: the integration of its courses.
        courses: the courses that have changed.
        classifications: as for :func:`build`; they replace those in the file.
    """
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.executescript(QUICK + MERGING)
        database.execute("BEGIN")
        [(last,)] = database.execute("SELECT coalesce(max(id), 0) FROM course")
        new = count(last + 1)
        for some in chunks(courses, AT_ONCE):
            numbers = _taken_out(database, integration_id, [stored.urn for stored in some])
            terms = _no_terms()
            _insert(database, [(numbers.get(stored.urn) or next(new), stored) for stored in some], terms)
            _insert_terms(database, terms)
        database.execute("DELETE FROM name")
        _insert_names(database, classifications)
        database.execute("COMMIT")
        [(number,)] = database.execute("SELECT count(*) FROM course")
    return int(number)


def _taken_out(database: sqlite3.Connection, integration_id: str, urns: list[str]) -> dict[str, int]:
    """Remove courses from an index; return the numbers of those that were in it, by URN."""
    cursor = database.cursor()
    cursor.row_factory = sqlite3.Row
    found = cursor.execute(WHOLE, (json.dumps(urns),)).fetchall()
    for row in found:
        stored = course_in(row, integration_id)
        course = stored.course
        # The full-text index keeps no texts. To remove a course from it, tell it the very words it was given.
        database.execute(FORGOTTEN, (row["id"], *_texts(course)))
        terms = ((kind, value, row["id"]) for kind, value in _terms(stored, course))
        database.executemany("DELETE FROM term WHERE kind = ? AND value = ? AND course = ?", terms)
        database.execute("DELETE FROM course WHERE id = ?", (row["id"],))
        database.execute("DELETE FROM body WHERE id = ?", (row["id"],))
    return {row["urn"]: row["id"] for row in found}


def _no_terms() -> Terms:
    return defaultdict(lambda: array("I"))


def _insert(database: sqlite3.Connection, some: list[tuple[int, StoredCourse]], terms: Terms) -> None:
    rows, texts = [], []
    for number, stored in some:
        course = stored.course
        rows.append(_row(number, stored, course))
        texts.append((number, *_texts(course)))
        for term in _terms(stored, course):
            numbers = terms[term]
            if not numbers or numbers[-1] != number:
                numbers.append(number)
    marks = ", ".join("?" * COLUMNS)
    database.executemany(f"INSERT INTO course VALUES ({marks})", rows)  # noqa: S608  (question marks)
    database.executemany("INSERT INTO body VALUES (?, ?)", ((number, stored.body) for number, stored in some))
    database.executemany("INSERT INTO words (rowid, title, description) VALUES (?, ?, ?)", texts)


def _texts(course: Course) -> tuple[str, str]:
    """Return the words of a course's title and of its descriptions, as they are indexed."""
    description = " ".join(filter(None, (course["short_description"], course["description"])))
    return indexed(course["title"]), indexed(description)


def _insert_terms(database: sqlite3.Connection, terms: Terms) -> None:
    for (kind, value), numbers in sorted(terms.items()):
        values = (kind, value, json.dumps(numbers.tolist()))
        database.execute("INSERT INTO term SELECT ?, ?, value FROM json_each(?)", values)


def _insert_names(database: sqlite3.Connection, classifications: Iterable[Item]) -> None:
    names = {(folded(name), item["urn"]) for item in classifications for name in item["names"].values()}
    database.executemany("INSERT INTO name VALUES (?, ?)", sorted(names))


def _row(number: int, stored: StoredCourse, course: Course) -> tuple[Any, ...]:
    locale = course["locale"]
    return (
        number,
        stored.urn,
        course["type"],
        stored.status,
        stored.archived_reason,
        course["level"],
        locale,
        locale.partition("_")[0] if locale else None,
        folded(course["title"]),
        _bounded(course["duration_seconds"]),
        course["published_at"],
        course["updated_at"],
        stored.hash,
        stored.labels.tags_enabled,
        stored.labels.group,
        stored.labels.author_email,
        stored.synced_at,
    )


def _bounded(seconds: int | None) -> int | None:
    """Return a duration; ``None`` if it is too large for the column, as older versions could store."""
    return seconds if seconds is None or seconds <= LONGEST_SECONDS else None


def _terms(stored: StoredCourse, course: Course) -> Iterator[tuple[str, str]]:
    """Yield a course's terms: URNs and names of its subjects and skills, URNs of their ancestors, and names of tags."""
    for classification in course["classifications"]:
        kind = "skill" if classification["type"] == "SKILL" else "subject"
        yield kind, classification["urn"]
        yield kind, _folded_name(classification["name"])
        for path in classification["paths"]:
            for urn in path:
                yield kind, urn
    for tag in synced_tags(course, stored.labels):
        yield "tag", _folded_name(tag)
