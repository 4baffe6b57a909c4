"""Building the index file: one pass over the courses, memory flat."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from coursebridge.catalog.search.words import folded, indexed
from coursebridge.catalog.tags import synced_tags
from coursebridge.linkedin.reading import LONGEST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from coursebridge.catalog.models import Course
    from coursebridge.storage.courses import StoredCourse

# The last word of a question is a beginning; one letter, as somebody begins to type, is found in half of all courses.
SCHEMA = """
CREATE TABLE course (
    id INTEGER PRIMARY KEY, urn TEXT NOT NULL UNIQUE, type TEXT, status TEXT, archived_reason TEXT, level TEXT,
    locale TEXT, language TEXT, title TEXT, duration INTEGER, published_at TEXT, updated_at TEXT, hash TEXT,
    tags_enabled INTEGER, team TEXT, author_email TEXT, synced_at TEXT
);
CREATE TABLE body (id INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE term (kind TEXT, value TEXT, course INTEGER, PRIMARY KEY (kind, value, course)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5 (
    title, description, content='', prefix='1', tokenize='unicode61 remove_diacritics 2'
);
"""
# Sorting walks an index over the very expression that is sorted by, and stops after a page.
INDEXES = """
CREATE INDEX by_title ON course (title, urn);
CREATE INDEX by_updated_at ON course (coalesce(updated_at, ''), urn);
CREATE INDEX by_published_at ON course (coalesce(published_at, ''), urn);
CREATE INDEX by_duration ON course (coalesce(duration, -1), urn);
INSERT INTO words (words) VALUES ('optimize');
"""
# Nothing is lost with a file that is not finished: it is made anew.
QUICK = """
PRAGMA page_size = 16384;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -8000;
"""
COLUMNS = 17


def build(file: Path, courses: Iterable[StoredCourse]) -> int:
    """Write the index of these courses to a file that is not there yet; return how many there are."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.executescript(QUICK + SCHEMA)
        database.execute("BEGIN")
        number = 0
        for number, stored in enumerate(courses, start=1):
            _insert(database, number, stored, stored.course)
        database.execute("COMMIT")
        database.executescript(INDEXES)
    return number


def _insert(database: sqlite3.Connection, number: int, stored: StoredCourse, course: Course) -> None:
    marks = ", ".join("?" * COLUMNS)
    database.execute(f"INSERT INTO course VALUES ({marks})", _row(number, stored, course))  # noqa: S608  (question marks)
    database.execute("INSERT INTO body VALUES (?, ?)", (number, stored.body))
    description = " ".join(filter(None, (course["short_description"], course["description"])))
    texts = (number, indexed(course["title"]), indexed(description))
    database.execute("INSERT INTO words (rowid, title, description) VALUES (?, ?, ?)", texts)
    terms = {(kind, value, number) for kind, value in _terms(stored, course)}
    database.executemany("INSERT INTO term VALUES (?, ?, ?)", terms)


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
    """Return a duration, unless it is one that older versions kept and no column holds."""
    return seconds if seconds is None or seconds <= LONGEST_SECONDS else None


def _terms(stored: StoredCourse, course: Course) -> Iterator[tuple[str, str]]:
    """Yield what a course can be found by, by URN or by name: subjects with all above them, skills, tags."""
    for one in course["classifications"]:
        kind = "skill" if one["type"] == "SKILL" else "subject"
        yield kind, one["urn"]
        yield kind, folded(one["name"])
        for path in one["paths"]:
            for urn in path:
                yield kind, urn
    for tag in synced_tags(course, stored.labels):
        yield "tag", folded(tag)
