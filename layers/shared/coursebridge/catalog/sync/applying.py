"""Applies the elements of a page to the courses in the table, and writes only what has changed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from coursebridge import json_text
from coursebridge.catalog import filters, fingerprint, mapper
from coursebridge.catalog.classification_graph import merge_nodes
from coursebridge.catalog.classifications import entries_of, merged, nodes_of
from coursebridge.catalog.diff import Decision, Outcome, Read, StoredAsset, decide
from coursebridge.catalog.sync.archiving import archive
from coursebridge.catalog.tags import labels_of
from coursebridge.clock import rfc3339
from coursebridge.storage.courses import StoredCourse, Write
from coursebridge.storage.packing import pack
from coursebridge.syncs.stopping import SwitchedOff, check_active

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from coursebridge.catalog.sync.context import Context
    from coursebridge.integrations.models import Filters
    from coursebridge.storage.course_shapes import Course, Element, Reason


@dataclass
class Applied:
    """The results of the elements applied so far.

    Attributes:
        outcomes: the outcome of each asset, by URN.
        archive: the assets to archive when the run finishes: reasons by URN.
        broken: how many elements were not assets.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    archive: dict[str, Reason] = field(default_factory=dict)
    broken: int = 0


class Applier:
    """Applies elements to the courses of one integration, within one run.

    Args:
        context: the integration.
        run_id: the run.
        curated: whether the query asked for curated videos only; ``None`` if it says nothing about curation.
        sought: the assets that are requested because learning waits for them, although no listing holds them.
    """

    def __init__(
        self,
        context: Context,
        run_id: str,
        *,
        curated: bool | None = None,
        sought: Collection[str] = frozenset(),
    ) -> None:
        self._context = context
        self._courses = context.courses
        self._classifications = context.classifications
        self._known_entries = context.known_entries
        self._integration = context.integration()
        self._labels = labels_of(self._integration)
        self._run_id = run_id
        self._now = rfc3339(context.now())
        self._curated = curated
        self._sought = sought
        self.applied = Applied()

    @property
    def filters(self) -> Filters:
        """Return the filters by which assets are judged."""
        return self._integration.filters

    def apply(self, elements: Iterable[Element]) -> None:
        """Apply elements, skipping those applied before.

        Raises:
            SwitchedOff: the integration is no longer active.
        """
        self.check_active()
        fresh = {element["urn"]: element for element in elements if element["urn"] not in self.applied.outcomes}
        standing = self._courses.get_many(fresh) if fresh else {}
        writes = [write for urn, element in fresh.items() if (write := self._decide(element, standing.get(urn)))]
        # The graph first: wherever a task is killed, the classifications of every stored course are stored, too.
        self._merge_classifications(fresh[write.stored.urn] for write in writes)
        self._courses.write(writes)

    def check_active(self) -> None:
        """Check that the integration is still active; if it is not, archive what has been applied.

        Deactivating an integration archives the courses stored at that time. A task that checked before and writes
        after would leave active courses behind, so call this after the last write, too.

        Raises:
            SwitchedOff: the integration is no longer active.
        """
        try:
            check_active(self._context.integration())
        except SwitchedOff:
            archive(self._context, self._run_id, dict.fromkeys(self.applied.outcomes, "deactivated"))
            raise

    def _merge_classifications(self, elements: Iterable[Element]) -> None:
        """Store what elements say about classifications, except what this process has stored before."""
        entries = (entry for element in elements for entry in entries_of(element))
        said = ((fingerprint.entry_digest(json_text.canonical(entry)), entry) for entry in entries)
        news = {digest: entry for digest, entry in said if digest not in self._known_entries}
        merge_nodes(self._classifications, merged(node for entry in news.values() for node in nodes_of(entry)))
        self._known_entries.update(news)

    def _decide(self, element: Element, stored: StoredCourse | None) -> Write | None:
        """Record the outcome of an element; return what to write, ``None`` if there is nothing."""
        text = json_text.canonical(element)
        course = mapper.course_of(element, curated=self._curated_now(element, stored))
        read = Read(
            retired=course["retired"],
            matches=filters.matches(course, self._integration.filters),
            listed=course["urn"] not in self._sought or bool(stored and stored.is_active),
            hash=fingerprint.fingerprint(text, curated=course["curated"]),
            labels=self._labels,
            run_id=self._run_id,
        )
        if stored is None and read.objection:
            read = replace(read, needed=self._is_needed(course["urn"]))
        decision = decide(_stored_asset(stored), read)
        write = self._write(course, decision, read, text, stored) if decision.writes else None
        if write is not None and write.is_too_large:
            self.applied.outcomes[course["urn"]] = Outcome.FAILED
            return None
        self.applied.outcomes[course["urn"]] = decision.outcome
        if decision.archive is not None:
            self.applied.archive[course["urn"]] = decision.archive
        return write

    def _is_needed(self, urn: str) -> bool:
        return urn in self._sought or urn in self._integration.filters.include_urns or urn in self._awaited

    @cached_property
    def _awaited(self) -> Collection[str]:
        return self._context.awaited()

    def _curated_now(self, element: Element, stored: StoredCourse | None) -> bool | None:
        """Return whether a video is curated, by this query or else an earlier one; ``None`` if that is unknown."""
        if element["type"] != "VIDEO":
            return None
        if self._curated is not None or stored is None:
            return self._curated
        return stored.course["curated"]

    def _write(self, course: Course, decision: Decision, read: Read, text: bytes, stored: StoredCourse | None) -> Write:
        body = pack(json_text.canonical(dict(course)))
        changed = stored is None or stored.hash != read.hash
        written = StoredCourse(
            integration_id=self._integration.id,
            urn=course["urn"],
            status=decision.status,
            archived_reason=decision.reason,
            hash=read.hash,
            labels=self._labels,
            run_id=self._run_id,
            action=decision.outcome.count,
            synced_at=self._now,
            body=body,
            bundle=None if stored is None or changed else stored.bundle,
        )
        return Write(written, course, text if changed else None, is_new=stored is None)


def _stored_asset(stored: StoredCourse | None) -> StoredAsset | None:
    if stored is None:
        return None
    return StoredAsset(stored.status, stored.archived_reason, stored.hash, stored.labels, stored.run_id, stored.action)
