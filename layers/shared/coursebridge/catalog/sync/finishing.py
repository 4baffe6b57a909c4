"""The last task of a run: archive unless the brake holds, update the index, and move the watermark if all was clean."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING

from coursebridge.catalog.conform import Wish
from coursebridge.catalog.indexing import is_current, publish, publish_latest
from coursebridge.catalog.search.publishing import FORM, Changes
from coursebridge.catalog.settings_change import UNFINISHED, apply_settings
from coursebridge.catalog.sync import archiving, awaiting, problems, ranges
from coursebridge.catalog.sync.outcomes import Tally, changes_in, reasons_in
from coursebridge.catalog.sync.settling import is_suspect, is_unfinished, listing_groups, tears
from coursebridge.clock import rfc3339
from coursebridge.integrations import day_limit
from coursebridge.linkedin.errors import DAY_LIMIT, LinkedInError, Retryable
from coursebridge.observability import count, logger
from coursebridge.storage.runs import ended
from coursebridge.syncs.problems import gathered, problem_of, switched_off
from coursebridge.syncs.stopping import RetryLater

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.catalog.sync.archiving import Candidates
    from coursebridge.catalog.sync.context import Context
    from coursebridge.integrations.models import Integration
    from coursebridge.linkedin.assets import Listing
    from coursebridge.storage.run_shapes import Problem, Range, Remembered, Run, RunStatus

CHANGES = ("created", "updated", "archived", "restored")
MISSING = "looking for what is missing"


def finish(context: Context, run_id: str) -> str:
    """Finish a run and return its status; a run that has ended or was replaced by another is left as it is.

    If the integration is no longer active, the run fails.

    Raises:
        RetryLater: LinkedIn failed in a way that may pass; the task is to be repeated.
    """
    if not context.runs.renew_lock(run_id, context.now()):
        return str(context.runs.get(run_id)["status"])
    if context.integration().status != "active":
        fail(context, run_id, switched_off())
        return "failed"
    return _Finish(context, run_id).run()


class _Finish:
    def __init__(self, context: Context, run_id: str) -> None:
        self._context = context
        self._run = context.runs.get(run_id)
        self._ranges = list(context.runs.ranges(run_id))
        self._integration = context.integration()
        self._tally = Tally(range_.get("outcomes", b"") for range_ in self._ranges)
        self._lost = max(self._run.get("ranges", 0) - len(self._ranges), 0)
        doubts = list(_doubts(self._ranges, set(self._run.get("checked", []))))
        if self._lost:
            doubts.append(problems.ranges_lost(self._lost))
        self._problems = [*_problems_of(self._run, self._ranges), *doubts]
        self._clean = not doubts and all(_is_sound(range_) for range_ in self._ranges)

    def run(self) -> str:
        found = self._candidates()
        brake = found.exceed(self._integration.archive_limit_percent) and not self._run.get("confirmed")
        if not brake:
            archiving.archive(self._context, self._run["id"], found.reasons)
        counts = self._counts(found, archived=not brake)
        status: RunStatus = "needs_confirmation" if brake else self._status()
        self._conform_and_index(counts)
        awaiting.remember(self._context, self._run, self._ranges)
        covers = self._clean and not brake and self._was_read_as_planned()
        remembered: Remembered = self._covered(found) if covers else {}
        self._close(status, counts, remembered, pending=len(found.reasons) if brake else 0)
        return status

    def _candidates(self) -> Candidates:
        told = {urn: why for range_ in self._ranges for urn, why in reasons_in(range_.get("archive", b"")).items()}
        checked = set(self._run.get("checked", []))
        complete = _complete_listings(self._ranges, checked) if self._is_full and not self._lost else []
        found = archiving.candidates(self._context, self._run, told, complete, self._tally)
        try:
            unread = archiving.possibly_unread(self._context, found, _curated_and_cut_short(self._ranges))
            archiving.verify(self._context, found, self._context.runs.state().get("unlisted", []), unread)
        except Retryable as error:
            self._context.runs.change(self._run["id"], last_problem=problem_of(error, MISSING))
            raise RetryLater(error.reason) from error
        except LinkedInError as error:
            day_limit.note(self._context.runs, error, self._context.now())
            self._clean = False
            self._problems.append(problem_of(error, MISSING))
            found.reasons = {urn: reason for urn, reason in found.reasons.items() if reason != "missing"}
        if found.unlisted:
            self._problems.append(problems.still_available(len(found.unlisted)))
        return found

    @property
    def _is_full(self) -> bool:
        return bool(self._run["mode"] == "full")

    def _counts(self, found: Candidates, *, archived: bool) -> dict[str, int]:
        """Return the run's counts, which add up to ``read`` (docs/decisions, counts of a run)."""
        if not archived:
            return _counts_without_archiving(self._tally)
        counts = self._tally.counts()
        gone = found.archived_before + sum(urn not in self._tally for urn in found.reasons)
        counts["archived"] += gone
        counts["read"] += gone
        return counts

    def _status(self) -> RunStatus:
        failed = self._run.get("stopped") or any(range_["status"] == "failed" for range_ in self._ranges)
        limited = any(problem["code"] == DAY_LIMIT for problem in self._problems)
        return "failed" if failed or limited else "succeeded"

    def _conform_and_index(self, counts: dict[str, int]) -> None:
        """Conform courses that no range has read to changed settings, and bring the index up to date."""
        runs = self._context.runs
        state, integration = runs.state(), self._context.integration()
        changed = any(counts[name] for name in CHANGES)
        if not changed and self._is_conform(state, integration) and is_current(self._context, state):
            return
        before, state, integration = state, runs.outdate_index(), self._context.integration()
        changes = self._changes_between(before, state)
        if not self._is_conform(state, integration):
            apply_settings(self._context)
        elif not publish(self._context, state["generation"], changes, labels=asdict(Wish.of(integration).labels)):
            publish_latest(self._context)

    def _changes_between(self, before: Remembered, after: Remembered) -> Changes | None:
        """Return all that has changed since the index was current; ``None`` if that is not known for certain.

        A full run also archives what no range names, a range that did not end well may have written more than it has
        noted, and others who change courses make the generation grow, too.
        """
        since = before.get("generation", 0)
        is_known = not self._is_full and self._clean and after["generation"] == since + 1
        if not is_known or before.get("index_form") != FORM:
            return None
        written = (urn for range_ in self._ranges for urn in changes_in(range_.get("changes", b"")))
        archived = (urn for range_ in self._ranges for urn in reasons_in(range_.get("archive", b"")))
        return Changes(since, frozenset(chain(written, archived)))

    def _is_conform(self, state: Remembered, integration: Integration) -> bool:
        """Whether courses that no range has read are known to conform to the settings."""
        labels = asdict(Wish.of(integration).labels)
        return bool(state.get("labels", labels) == labels and self._run["settings_version"] == integration.version)

    def _was_read_as_planned(self) -> bool:
        """Whether every range judged assets by the filters that the run was planned with.

        Filters can be changed, and changed back, while a run is under way. What they left out meanwhile is not here.
        """
        planned = self._run["filters"]
        return all(range_.get("filters", planned) == planned for range_ in self._ranges)

    def _covered(self, found: Candidates) -> Remembered:
        """Return what to remember of a clean run."""
        fields: Remembered = {"watermark": self._run["started_at"]}
        if self._is_full:
            fields |= {"filters": self._run["filters"], "unlisted": found.unlisted}
        return fields

    def _close(self, status: RunStatus, counts: dict[str, int], remembered: Remembered, pending: int) -> None:
        now = rfc3339(self._context.now())
        run_id = self._run["id"]
        throttled = sum(range_.get("throttled", 0) for range_ in self._ranges)
        outcome = ended(run_id, status, now, clean=self._clean) | {"last_throttled": throttled}
        closed = self._context.runs.close(
            run_id,
            {**remembered, **outcome},
            status=status,
            finished_at=now,
            counts=counts,
            progress={"done": self._run["progress"]["total"], "total": self._run["progress"]["total"]},
            errors=gathered(self._problems),
            throttled=throttled,
            clean=self._clean,
            pending_archive=pending,
        )
        if not closed:
            return
        count("CatalogSyncsFailed" if status == "failed" else "CatalogSyncsFinished")
        for outcome_of_course, courses in counts.items():
            if outcome_of_course != "read":
                count(f"Courses{outcome_of_course.capitalize()}", courses)
        logger.info("catalog sync finished", run=run_id, status=status, clean=self._clean, counts=counts)


def fail(context: Context, run_id: str, problem: Problem) -> None:
    """Close a run that cannot continue; what it wrote stays. The next run conforms it to the settings and indexes it.

    If the integration is not active, there is no next run: its courses are archived and the index is rebuilt now.
    """
    now = rfc3339(context.now())
    run = context.runs.get(run_id)
    errors = gathered([*run.get("errors", []), problem])
    counts = _counts_without_archiving(Tally(range_.get("outcomes", b"") for range_ in context.runs.ranges(run_id)))
    outcome = ended(run_id, "failed", now, clean=False)
    fields: Run = {"status": "failed", "finished_at": now, "counts": counts, "errors": errors, "clean": False}
    if context.integration().status != "active":
        apply_settings(context)
    else:
        outcome |= UNFINISHED
    if not context.runs.close(run_id, outcome, **fields):
        return
    count("CatalogSyncsFailed")
    logger.error("catalog sync failed", run=run_id, code=errors[0]["code"])


def _counts_without_archiving(tally: Tally) -> dict[str, int]:
    """Return counts in which assets to archive are unchanged: an admin's confirmation or the next run archives them."""
    counts = tally.counts()
    counts["unchanged"] += counts["archived"]
    counts["archived"] = 0
    return counts


def _problems_of(run: Run, known: list[Range]) -> Iterator[Problem]:
    found = [problem for range_ in known for problem in range_.get("problems", [])]
    yield from found
    stopped = run.get("stopped")
    if stopped and stopped not in found:
        yield stopped


def _is_sound(range_: Range) -> bool:
    """Whether a range was read completely.

    An element without a URN could be any course. One that is too large to store has a URN, so the range is still sound.
    """
    return range_["status"] == "done" and not range_.get("broken") and not range_.get("shifted")


def _doubts(known: list[Range], checked: set[str]) -> Iterator[Problem]:
    for group in listing_groups(known):
        if _has_gap(group) or any(range_.get("shifted") for range_ in group):
            yield problems.catalogue_shifted()
        if is_unfinished(group):
            yield problems.listing_unfinished(group[0]["partition"])
        if _is_cut_short(group, checked):
            yield problems.total_suspect(group[0]["partition"], max(range_.get("total", 0) for range_ in group))


def _has_gap(group: list[Range]) -> bool:
    """Whether a listing has moved so far that not even reading over a seam has closed the gap.

    Days may pass between two ranges when LinkedIn's daily limit stops a run.
    """
    return any(tears(group))


def _is_cut_short(group: list[Range], checked: set[str]) -> bool:
    listing = ranges.listing_in(group[0])
    return is_suspect(group) and listing.finder == "criteria" and group[0]["partition"] not in checked


def _curated_and_cut_short(known: list[Range]) -> list[Listing]:
    listings = [ranges.listing_in(group[0]) for group in listing_groups(known) if is_suspect(group)]
    return [listing for listing in listings if listing.curated]


def _complete_listings(known: list[Range], checked: set[str]) -> list[Listing]:
    """Return the listings that were read completely and cleanly, second opinions included."""
    doubtful = {range_["partition"] for range_ in known if not _is_sound(range_)}
    found: dict[str, Listing] = {}
    for group in listing_groups(known):
        partition = group[0]["partition"]
        if not group[-1]["ended"] or _has_gap(group) or _is_cut_short(group, checked):
            doubtful.add(partition)
        found.setdefault(partition, ranges.listing_in(group[0]))
    return [listing for partition, listing in found.items() if partition not in doubtful]
