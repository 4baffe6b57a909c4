"""The criteria of a finder, and whether an asset meets them."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.catalogue.facts import Facts
from sandbox.dice import Dice


@dataclass(frozen=True)
class Criteria:
    """A filter over the catalogue. All parts are optional; parts are ANDed, the values within a part are ORed.

    Attributes:
        types: asset types.
        locales: `en_US`, or `en` for any country.
        licensed_only: leave out assets that the licence does not cover.
        modified_after: epoch milliseconds; only assets changed, released or retired later.
        curated: only curated videos.
        classifications: URNs.
        levels: difficulty levels.
        keyword: text that the title has to contain, ignoring case.
        include_retired: include retired assets.
        modified_before: epoch milliseconds; with `modified_after`, only assets changed no later.
        leakage: with `modified_after`, the share of older assets that pass nevertheless.
        sort_by: `RECENCY` (newest first) or `POPULARITY`; anything else keeps the catalogue's order.
    """

    types: tuple[str, ...] = ()
    locales: tuple[str, ...] = ()
    licensed_only: bool = False
    modified_after: int | None = None
    curated: bool = False
    classifications: frozenset[str] = frozenset()
    levels: tuple[str, ...] = ()
    keyword: str = ""
    include_retired: bool = False
    modified_before: int | None = None
    leakage: float = 0.0
    sort_by: str = ""

    def tests(self) -> list[Callable[[Facts], bool]]:
        """Return the checks that an asset has to pass, one for each part that is set."""
        return [check for wanted, check in self._table() if wanted]

    def _table(self) -> list[tuple[bool, Callable[[Facts], bool]]]:
        keyword = self.keyword.casefold()
        return [
            (bool(self.types), lambda facts: facts.type in self.types),
            (bool(self.locales), lambda facts: self._speaks(facts.locale)),
            (not self.include_retired, lambda facts: facts.retired_at is None),
            (self.licensed_only, lambda facts: facts.licensed),
            (self.modified_after is not None, self._is_recent),
            (self.curated, lambda facts: facts.curated),
            (bool(self.classifications), lambda facts: facts.is_classified(self.classifications)),
            (bool(self.levels), lambda facts: facts.level in self.levels),
            (bool(keyword), lambda facts: keyword in facts.title.casefold()),
        ]

    def _is_recent(self, facts: Facts) -> bool:
        changed = max(facts.updated_at, facts.retired_at or 0)
        if self.modified_before is not None and changed > self.modified_before:
            return False
        after = self.modified_after or 0
        return changed > after or (self.leakage > 0 and Dice(facts.title, changed).chance(self.leakage))

    def _speaks(self, locale: str) -> bool:
        return locale in self.locales or locale.partition("_")[0] in self.locales
