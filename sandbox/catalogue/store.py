"""The catalogue that a sandbox serves: generated on demand and overlaid with the changes made since the start."""

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sandbox.catalogue import layout
from sandbox.catalogue.criteria import Criteria
from sandbox.catalogue.elements import course_element, path_element, path_slots, video_element
from sandbox.catalogue.facts import Facts, course_facts, facts_of_element, path_facts, video_facts
from sandbox.catalogue.layout import Kind
from sandbox.dice import Dice
from sandbox.settings import Json, Settings

COURSES_PER_PATH = 20
REMEMBERED_SEARCHES = 32


@dataclass(frozen=True)
class State:
    """The state of an asset that was changed, or added, since the start.

    Attributes:
        updated_at: epoch milliseconds of the last change.
        published_at: epoch milliseconds.
        retired_at: epoch milliseconds, or None while it is available.
        revision: how often it has been changed.
        removed: whether the API denies that it exists.
        element: the element to serve as it is, in place of a generated one.
    """

    updated_at: int
    published_at: int
    retired_at: int | None
    revision: int = 0
    removed: bool = False
    element: Json | None = None


class Catalogue:
    """All assets, by handle.

    Memory grows with the number of changed assets, not with the size of the catalogue: nothing is stored for others.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.base_slots = layout.slots(settings.size)
        self.created = 0
        self.version = 0
        self._states: dict[int, State] = {}
        self._others: dict[str, int] = {}
        self._searches: OrderedDict[tuple[int, Criteria], array[int]] = OrderedDict()

    def __len__(self) -> int:
        return sum(self.count(kind) for kind in Kind)

    def count(self, kind: Kind) -> int:
        """Return how many assets of a kind there are, including removed ones."""
        courses = self.base_slots + self.created
        return {
            Kind.COURSE: courses,
            Kind.LEARNING_PATH: -(-self.settings.size // COURSES_PER_PATH),
            Kind.VIDEO: layout.videos_before(courses),
            Kind.OTHER: len(self._others),
        }[kind]

    def handles(self, *kinds: Kind) -> Iterator[int]:
        """Yield the handles of these kinds (by default, of all kinds) in the order in which the API lists them."""
        for kind in kinds or Kind:
            yield from (layout.handle(kind, ordinal) for ordinal in range(self.count(kind)))

    def find(self, urn: str, *, removed_too: bool = False) -> int | None:
        """Return the handle of the asset with this URN, or None; removed assets are found only with `removed_too`."""
        asset = self._others.get(urn)
        if asset is None:
            asset = layout.handle_of(urn)
        if asset is None or layout.ordinal_of(asset) >= self.count(layout.kind_of(asset)):
            return None
        return asset if removed_too or not self.is_removed(asset) else None

    def is_changed(self, asset: int) -> bool:
        """Return whether the asset has been changed since the start."""
        return asset in self._states

    def is_removed(self, asset: int) -> bool:
        """Return whether the asset, or the course it is part of, has been removed."""
        states = (self._states.get(asset), self._course_state(asset))
        return any(state is not None and state.removed for state in states)

    def urn(self, asset: int) -> str:
        """Return the URN of an asset."""
        state = self._states.get(asset)
        if state is not None and state.element is not None:
            urn: str = state.element["urn"]
            return urn
        return layout.urn_of(asset)

    def facts(self, asset: int) -> Facts:
        """Return the current facts of an asset."""
        state = self._states.get(asset)
        if state is not None and state.element is not None:
            return facts_of_element(state.element)
        return _overlaid(self._generated(asset), state)

    def element(self, asset: int, depth: int = 1) -> Json:
        """Return an asset's element with `details` down to a depth; parts of it are shared, so do not change it."""
        state = self._states.get(asset)
        if state is not None and state.element is not None:
            return state.element
        kind, ordinal, facts = layout.kind_of(asset), layout.ordinal_of(asset), self.facts(asset)
        if kind is Kind.COURSE:
            return course_element(self.settings, ordinal, facts, state.revision if state else 0, depth)
        if kind is Kind.LEARNING_PATH:
            return path_element(self.settings, ordinal, facts, self._path_courses(ordinal), depth)
        slot, number = layout.place_of_video(ordinal)
        return video_element(self.settings, slot, number, facts, depth)

    def search(self, criteria: Criteria) -> "array[int]":
        """Return the handles of matching assets, sorted as the criteria ask; recent searches are cached."""
        key = (self.version, criteria)
        found = self._searches.get(key)
        if found is None:
            found = array("q", self._sorted(self._matching(criteria), criteria.sort_by))
            self._searches[key] = found
            if len(self._searches) > REMEMBERED_SEARCHES:
                self._searches.popitem(last=False)
        self._searches.move_to_end(key)
        return found

    def _matching(self, criteria: Criteria) -> Iterator[int]:
        tests = criteria.tests()
        for asset in self.handles(*_kinds(criteria.types)):
            facts = self.facts(asset)
            if all(test(facts) for test in tests) and not self.is_removed(asset):
                yield asset

    def _sorted(self, assets: Iterator[int], order: str) -> Iterable[int]:
        if order == "RECENCY":
            return sorted(assets, key=lambda asset: -self.facts(asset).published_at)
        if order == "POPULARITY":
            return sorted(assets, key=lambda asset: Dice(self.settings.seed, "views", asset).throw(10**9))
        return assets

    def put(self, element: Json) -> None:
        """Add an element as it is, replacing the asset with its URN if there is one."""
        urn: str = element["urn"]
        asset = self.find(urn, removed_too=True)
        if asset is None:
            asset = layout.handle(Kind.OTHER, len(self._others))
            self._others[urn] = asset
        self._change(asset, State(0, 0, facts_of_element(element).retired_at, element=element))

    def create(self, at: int) -> int:
        """Add a generated course published at this time, and return its handle."""
        asset = layout.handle(Kind.COURSE, self.count(Kind.COURSE))
        self.created += 1
        self._change(asset, State(updated_at=at, published_at=at, retired_at=None))
        return asset

    def update(self, asset: int, at: int) -> None:
        """Change an asset's content."""
        state = self._state(asset)
        self._change(asset, _told(replace(state, updated_at=at, revision=state.revision + 1)))

    def retire(self, asset: int, at: int) -> None:
        """Retire an asset: it has no launch URLs any more, and only calls that ask for retired assets return it."""
        self._change(asset, _told(replace(self._state(asset), updated_at=at, retired_at=at)))

    def remove(self, asset: int) -> None:
        """Make the API deny that an asset exists."""
        self._change(asset, replace(self._state(asset), removed=True))

    def restore(self, asset: int, at: int) -> None:
        """Make a retired or removed asset available again."""
        state = replace(self._state(asset), updated_at=at, retired_at=None, removed=False)
        self._change(asset, _told(state))

    def _change(self, asset: int, state: State) -> None:
        self._states[asset] = state
        self.version += 1

    def _state(self, asset: int) -> State:
        facts = self.facts(asset)
        return self._states.get(asset) or State(facts.updated_at, facts.published_at, facts.retired_at)

    def _course_state(self, asset: int) -> State | None:
        if layout.kind_of(asset) is not Kind.VIDEO or not self._states:
            return None
        slot, _ = layout.place_of_video(layout.ordinal_of(asset))
        return self._states.get(layout.handle(Kind.COURSE, slot))

    def _generated(self, asset: int) -> Facts:
        kind, ordinal = layout.kind_of(asset), layout.ordinal_of(asset)
        if kind is Kind.COURSE:
            return course_facts(self.settings, ordinal, self.base_slots)
        if kind is Kind.LEARNING_PATH:
            return path_facts(self.settings, ordinal)
        slot, number = layout.place_of_video(ordinal)
        course = course_facts(self.settings, slot, self.base_slots)
        return video_facts(_overlaid(course, self._course_state(asset)), ordinal, number)

    def _path_courses(self, ordinal: int) -> list[tuple[int, Facts]]:
        slots = path_slots(self.settings, ordinal, self.base_slots)
        return [(slot, self.facts(layout.handle(Kind.COURSE, slot))) for slot in slots]


def _kinds(types: tuple[str, ...]) -> list[Kind]:
    """Return the kinds to search for these types; elements added by hand can be of any type."""
    return [kind for kind in Kind if kind is Kind.OTHER or not types or kind.name in types]


def _overlaid(facts: Facts, state: State | None) -> Facts:
    """Return generated facts with the changes made since the start."""
    if state is None or state.element is not None:
        return facts
    return facts._replace(updated_at=state.updated_at, published_at=state.published_at, retired_at=state.retired_at)


def _told(state: State) -> State:
    """Return the state with its own element, if it has one, updated to match."""
    if state.element is None:
        return state
    told = {"availability": "AVAILABLE", "lastUpdatedAt": state.updated_at}
    if state.retired_at is not None:
        told |= {"availability": "RETIRED", "retiredAt": state.retired_at, "urls": {}}
    kept = {key: value for key, value in state.element.get("details", {}).items() if key != "retiredAt"}
    return replace(state, element=state.element | {"details": kept | told})
