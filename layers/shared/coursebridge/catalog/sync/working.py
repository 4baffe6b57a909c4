"""The task of one range: reads it, applies it and records the result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from coursebridge.catalog.classification_graph import merge_nodes
from coursebridge.catalog.classifications import classifications_of, merged, node_of
from coursebridge.catalog.diff import Outcome
from coursebridge.catalog.sync import outcomes, problems, ranges
from coursebridge.catalog.sync.applying import Applier
from coursebridge.catalog.sync.planning import filters_digest
from coursebridge.integrations import day_limit
from coursebridge.integrations.models import AssetType
from coursebridge.linkedin import assets, pages
from coursebridge.linkedin.errors import (
    CredentialsRefused,
    KeyMissing,
    LinkedInError,
    NoSuchEntity,
    RequestRefused,
    Retryable,
    UnusableAnswer,
)
from coursebridge.linkedin.reading import object_in
from coursebridge.linkedin.walk import Walk
from coursebridge.observability import logger
from coursebridge.syncs.problems import problem_of, switched_off, task_died
from coursebridge.syncs.stopping import STOPPING, RetryLater, SwitchedOff

if TYPE_CHECKING:
    from collections.abc import Callable

    from coursebridge.catalog.sync.context import Context
    from coursebridge.linkedin.assets import Listing
    from coursebridge.linkedin.client import LinkedInClient
    from coursebridge.linkedin.pages import Page
    from coursebridge.storage.course_shapes import Element
    from coursebridge.storage.run_shapes import Problem, Range, RangeStatus, Run

ASSET_TYPES = get_args(AssetType)
NOT_GIVEN = (NoSuchEntity, RequestRefused, KeyMissing, UnusableAnswer)
"""What LinkedIn may answer if it does not give an asset, in a run in which it has given others."""


class RangeWork:
    """Processes one range of a run."""

    def __init__(self, context: Context, client: LinkedInClient, run: Run, range_: Range) -> None:
        self._context = context
        self._client = client
        self._run_id = run["id"]
        self._mode = run["mode"]
        self._range = range_
        self._problems: list[Problem] = []
        self._found: Range = {"ended": False, "shifted": False, "total": 0, "position": 0}
        curated = True if range_.get("listing", {}).get("curated") else None
        sought = frozenset(range_["urns"]) if range_["kind"] == "awaited" else frozenset[str]()
        self._applier = Applier(context, run["id"], curated=curated, sought=sought)

    def run(self) -> str:
        """Do the work and return the range's status: ``done``, ``partial`` or ``failed``.

        Raises:
            RetryLater: LinkedIn failed in a way that may pass. What was done is stored; the task is to be repeated.
        """
        try:
            self._read()
        except Retryable as error:
            self._note_for_retry(error)
            raise RetryLater(error.reason) from error
        except LinkedInError as error:
            day_limit.note(self._context.runs, error, self._context.now())
            problem = problem_of(error, self._range["partition"])
            return self._fail(problem, stops=isinstance(error, STOPPING))
        except SwitchedOff:
            return self._fail(switched_off(), stops=True)
        return self._settle("partial" if self._problems else "done")

    def _read(self) -> None:
        kinds: dict[str, Callable[[], None]] = {
            "listing": self._read_listing,
            "topics": self._read_topics,
            "urns": self._read_urns,
            "awaited": self._read_awaited,
            "classifications": self._read_classifications,
        }
        self._applier.check_active()
        try:
            kinds[self._range["kind"]]()
        finally:
            self._applier.check_active()

    def _fail(self, problem: Problem, *, stops: bool) -> str:
        self._problems.append(problem)
        if stops:
            self._context.runs.change(self._run_id, stopped=problem)
        return self._settle("failed")

    def _read_listing(self) -> None:
        listing = ranges.listing_in(self._range)
        walk = self._walked(
            listing, self._range["start"], self._range["pages"], self._range["partition"], self._range.get("total", 0)
        )
        self._found |= {"ended": walk.ended, "shifted": walk.shifted, "total": walk.total, "position": walk.position}

    def _read_topics(self) -> None:
        """Read the listing once for each topic, to its end."""
        for urn in self._range["topics"]:
            name = f"{self._range['partition']} {urn}"
            listing = replace(ranges.listing_in(self._range), classification=urn)
            walk = self._walked(listing, 0, ranges.PAGES_OF_A_TOPIC, name)
            self._found["shifted"] |= walk.shifted
            if walk.total in pages.SUSPECT_TOTALS or not walk.ended:
                self._problems.append(problems.total_suspect(name, walk.total))
        self._found["ended"] = True

    def _walked(self, listing: Listing, start: int, pages: int, name: str, total: int = 0) -> Walk:
        walk = Walk(lambda at: assets.page(self._client, listing, at), start, pages, total=total)
        for page in walk:
            self._applier.applied.broken += page.broken
            self._applier.apply(self._wanted(page))
        self._problems += [problem_of(error, f"{name}, page at {at}") for at, error in walk.failures]
        return walk

    def _wanted(self, page: Page) -> list[Element]:
        if not self._range.get("topicless_only"):
            return page.elements
        return [element for element in page.elements if not _has_topic(element)]

    def _read_urns(self) -> None:
        for urn in self._range["urns"]:
            try:
                self._applier.apply([self._included(urn)])
            except NoSuchEntity:
                # A filter can name an asset that is gone or never existed; that casts no doubt on the rest of the run.
                self._applier.applied.archive[urn] = "missing"
            except (RequestRefused, UnusableAnswer) as error:
                # One that LinkedIn does not take for an asset does not keep the others from being read.
                self._problems.append(problem_of(error, urn))
            except KeyMissing as error:
                # The run has been planned with this key pair, so it is not the key that is missing.
                self._problems.append(problems.asset_forbidden(urn, error.detail))
        self._found["ended"] = True

    def _included(self, urn: str) -> Element:
        element = assets.asset(self._client, urn)
        if not pages.is_whole(element):
            raise UnusableAnswer("LinkedIn answered 200 with something that is not an asset")
        return element

    def _read_awaited(self) -> None:
        """Request what learning waits for. Whatever a sender names, it casts no doubt on the rest of the run."""
        in_vain = self._found["in_vain"] = []
        for urn in self._range["urns"]:
            element = self._given(urn)
            if element is not None:
                self._applier.apply([element])
            if self._applier.applied.outcomes.get(urn, Outcome.FAILED) is Outcome.FAILED:
                in_vain.append(urn)
        self._found["ended"] = True

    def _given(self, urn: str) -> Element | None:
        """Return an asset as LinkedIn gives it; ``None`` if it gives none of a type that can be a course."""
        try:
            element = assets.asset(self._client, urn)
        except NOT_GIVEN:
            return None
        return element if element.get("urn") == urn and element.get("type") in ASSET_TYPES else None

    def _read_classifications(self) -> None:
        for locale in self._range["locales"]:
            for kind in assets.LISTED_CLASSIFICATIONS:
                self._read_classifications_of(kind, locale)
        self._found["ended"] = True

    def _read_classifications_of(self, kind: str, locale: str) -> None:
        def fetch(start: int) -> Page:
            return assets.classifications_page(self._client, kind, locale, start)

        walk = Walk(fetch, 0, ranges.PAGES + ranges.PAGES_BEYOND)
        nodes = [node for page in walk for element in page.elements if (node := node_of(element))]
        merge_nodes(self._context.classifications, merged(nodes), listed=True)
        self._problems += [problem_of(error, f"{kind} {locale}, page at {at}") for at, error in walk.failures]

    def _applied(self) -> Range:
        """Return the results of what was read, as fields of the range."""
        applied = self._applier.applied
        return {
            "outcomes": outcomes.packed(applied.outcomes),
            "archive": outcomes.packed_reasons(applied.archive),
            # A full run changes too much to amend the search index, so it need not be known what.
            "changes": outcomes.packed_changes(applied.outcomes) if self._mode == "incremental" else b"",
            "broken": applied.broken,
            "filters": filters_digest(self._applier.filters),
            "throttled": self._client.throttled,
        }

    def _note_for_retry(self, error: Retryable) -> None:
        told: Range = {**self._applied(), "problems": [problem_of(error, self._range["partition"])]}
        self._context.runs.change_range(self._run_id, self._range["number"], **told)

    def _settle(self, status: RangeStatus) -> str:
        applied = self._applier.applied
        unusable = applied.broken + sum(outcome is Outcome.FAILED for outcome in applied.outcomes.values())
        if unusable:
            self._problems.append(problems.unusable_elements(unusable))
        told: Range = {"status": status, "problems": self._problems}
        record: Range = {**self._range, **self._found, **self._applied(), **told}
        if self._context.runs.settle_range(self._run_id, record):
            self._context.runs.count(self._run_id, _counts(applied.outcomes), self._context.now())
        logger.info(
            "range settled",
            run=self._run_id,
            number=self._range["number"],
            status=status,
            read=len(applied.outcomes),
            throttled=self._client.throttled,
        )
        return status


def work(context: Context, run_id: str, number: int) -> str:
    """Process a range, unless it is settled already or the run was stopped; return its status.

    Raises:
        RetryLater: the task is to be repeated.
    """
    range_ = context.runs.range(run_id, number)
    if range_["settled"]:
        return str(range_["status"])
    run = context.runs.get(run_id)
    stopped = run.get("stopped")
    if stopped:
        return give_up(context, run_id, range_, stopped)
    try:
        client = context.linkedin()
    except CredentialsRefused as error:
        problem = problem_of(error)
        context.runs.change(run_id, stopped=problem)
        return give_up(context, run_id, range_, problem)
    return RangeWork(context, client, run, range_).run()


def range_failed(context: Context, run_id: str, number: int) -> str:
    """Settle a range whose task has failed on every try."""
    range_ = context.runs.range(run_id, number)
    if range_["settled"]:
        return str(range_["status"])
    noted = range_.get("problems") or [task_died(range_["partition"])]
    return give_up(context, run_id, range_, noted[0])


def give_up(context: Context, run_id: str, range_: Range, problem: Problem) -> str:
    """Settle a range as failed, and keep what was read of it."""
    settled: Range = {"outcomes": b"", "archive": b"", **range_, "status": "failed", "problems": [problem]}
    if context.runs.settle_range(run_id, settled):
        context.runs.count(run_id, {}, context.now())
    return "failed"


def _counts(of: dict[str, Outcome]) -> dict[str, int]:
    """Return the live counts of a range, without assets that are only archived when the run finishes."""
    counts = {"read": len(of)}
    for outcome in of.values():
        if outcome is not Outcome.ARCHIVED:
            counts[outcome.count] = counts.get(outcome.count, 0) + 1
    return counts


def _has_topic(element: Element) -> bool:
    known = classifications_of(object_in(element, "details"))
    return any(classification["type"] == "TOPIC" for classification in known)
