"""Keeps the people a run mentions, and the learners they match, in a file, so that memory use does not grow with them.

LinkedIn names a person by up to three identifiers, and not by the same ones in every row. All people are therefore
gathered first, and those who share an identifier, directly or through others, become one person. After that, any of
their identifiers can find the learner, and every task that records rows looks them up in the same file.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from coursebridge.activity.matching import Match, Someone, identifiers_of
from coursebridge.records.identifiers import Identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    from coursebridge.activity.mapper import Person
    from coursebridge.records.identifiers import Identification

PAGE = 200
CACHE_KIB = 8192
ORDER = ("profile_urn", "username", "external_id", "email")
SCHEMA = """
    CREATE TABLE person (
        number INTEGER PRIMARY KEY, name TEXT, groups TEXT, who TEXT, learner_id TEXT, origin TEXT, version INTEGER
    );
    CREATE TABLE identifier (awaited TEXT PRIMARY KEY, person INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX of_person ON identifier (person);
    CREATE INDEX of_learner ON person (learner_id) WHERE learner_id <> '';
"""


class Roster:
    """The people of one run.

    Args:
        path: the file; if it does not exist, an empty roster is created there.
    """

    def __init__(self, path: Path) -> None:
        is_new = not path.exists()
        self._path = path
        self._db = sqlite3.connect(path)
        # The file need not survive its task: if a task dies, it is repeated with a new file.
        self._db.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-{CACHE_KIB};")
        if is_new:
            self._db.executescript(SCHEMA)

    @classmethod
    @contextmanager
    def opened(cls, saved: Iterable[bytes] | None = None) -> Iterator[Roster]:
        """Open a new roster, or a saved one, for the duration of the context."""
        with TemporaryDirectory() as folder:
            path = Path(folder, "roster")
            if saved is not None:
                with path.open("wb") as file:
                    file.writelines(saved)
            roster = cls(path)
            try:
                yield roster
            finally:
                roster._db.close()

    @contextmanager
    def saved(self) -> Iterator[BinaryIO]:
        """Open the file in its current state, for saving it elsewhere."""
        self._db.commit()
        with self._path.open("rb") as file:
            yield file

    def tell(self, person: Person, identification: Identification) -> None:
        """Add a person, or anything new about a known one.

        Args:
            person: the person as a row names them, with at least one identifier.
            identification: how the integration identifies learners.
        """
        mine = [identifier.awaited for identifier in identifiers_of(person, identification)]
        sought = (mine + [""] * 3)[:3]
        rows = self._db.execute("SELECT DISTINCT person FROM identifier WHERE awaited IN (?, ?, ?)", sought)
        known = sorted(number for (number,) in rows)
        number = known[0] if known else self._db.execute("INSERT INTO person (groups) VALUES ('[]')").lastrowid
        for other in known[1:]:
            name, groups = self._db.execute("SELECT name, groups FROM person WHERE number = ?", (other,)).fetchone()
            self._describe(number, name, json.loads(groups))
            self._db.execute("UPDATE identifier SET person = ? WHERE person = ?", (number, other))
            self._db.execute("DELETE FROM person WHERE number = ?", (other,))
        self._db.executemany("INSERT OR IGNORE INTO identifier VALUES (?, ?)", [(awaited, number) for awaited in mine])
        self._describe(number, person.name, person.groups)

    def _describe(self, number: int | None, name: str | None, groups: Iterable[str]) -> None:
        before = self._db.execute("SELECT name, groups FROM person WHERE number = ?", (number,)).fetchone()
        after = (before[0] or name, json.dumps(sorted({*json.loads(before[1]), *groups})))
        if after != before:
            self._db.execute("UPDATE person SET name = ?, groups = ? WHERE number = ?", (*after, number))

    def people(self) -> Iterator[Someone]:
        """Yield all people; :meth:`found` may be called meanwhile."""
        after = 0
        while page := self._db.execute(
            "SELECT number, name, groups FROM person WHERE number > ? ORDER BY number LIMIT ?", (after, PAGE)
        ).fetchall():
            for number, name, groups in page:
                identifiers = dict.fromkeys(self.identifiers(number))
                yield Someone(identifiers, name, tuple(json.loads(groups)), number)
            after = page[-1][0]

    def identifiers(self, number: int) -> list[Identifier]:
        """Return a person's identifiers: LinkedIn's own first, then the customer's, then the e-mail address."""
        rows = self._db.execute("SELECT awaited FROM identifier WHERE person = ?", (number,))
        found = [Identifier.awaiting(awaited) for (awaited,) in rows]
        return sorted(found, key=lambda identifier: (ORDER.index(identifier.kind), identifier.value))

    def found(self, number: int, match: Match) -> None:
        """Store the match of a person."""
        told = (match.who, match.learner_id, match.origin, match.version, number)
        self._db.execute("UPDATE person SET who = ?, learner_id = ?, origin = ?, version = ? WHERE number = ?", told)

    def raised(self, learner_id: str, version: int) -> None:
        """Keep up to date the matches of a learner whose version this run itself has raised by one."""
        told = (version, learner_id, version - 1)
        self._db.execute(
            "UPDATE person SET version = ? WHERE learner_id <> '' AND learner_id = ? AND version = ?", told
        )

    def who(self, identifier: Identifier) -> tuple[int, Match]:
        """Return the number and the match of the person with an identifier."""
        query = (
            "SELECT number, who, learner_id, origin, version FROM person"
            " WHERE number = (SELECT person FROM identifier WHERE awaited = ?)"
        )
        number, *match = self._db.execute(query, (identifier.awaited,)).fetchone()
        return number, Match(*match)
