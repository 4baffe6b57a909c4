"""Plans: who learns what and when, and which statements report it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from sandbox.activity import Activity, ActivityBook, Content, Engagement, Learner
from sandbox.catalogue.layout import Kind
from sandbox.catalogue.store import Catalogue
from sandbox.clock import DAY_MS, now_ms
from sandbox.dice import Dice
from sandbox.settings import Json
from sandbox.statements.shape import ACTORS, Moment, statement
from sandbox.statements.variants import parse_shares, varied

GENERATED_CONTENT = (("courses", Kind.COURSE), ("paths", Kind.LEARNING_PATH), ("videos", Kind.VIDEO))


@dataclass(frozen=True)
class Plan:
    """How much learners learn, and how reliably LinkedIn reports it. Shares are from 0.0 to 1.0.

    Attributes:
        learners: number of learners; their addresses are `learner<n>@<domain>`.
        first_learner: number of the first learner.
        domain: domain of their addresses.
        courses: number of courses that they choose from.
        paths: number of learning paths that they choose from.
        videos: number of single videos that they choose from.
        urns: if given, they choose from exactly these assets instead.
        per_learner: number of assets that each learner takes up.
        completed: share of these that are completed; the others are abandoned midway.
        days: length of the period in which they learn, which ends at `until`; at least as long as the assets take.
        until: epoch milliseconds; now by default.
        seed: seed of everything else; with the same seed and `until`, a plan gives the same statements again.
        withhold_completed: share of completions that are never sent.
        withhold_progress: share of other statements that are never sent.
        repeats: share of statements that are sent twice.
        disorder: share of statements that are sent out of order.
        actor: how actors are identified, `mbox` or `account`.
        variants: variants (see `sandbox.statements.variants`) as a list of names or a dict of shares by name.
    """

    learners: int = 10
    first_learner: int = 0
    domain: str = "example.com"
    courses: int = 5
    paths: int = 0
    videos: int = 0
    urns: list[str] = field(default_factory=list)
    per_learner: int = 2
    completed: float = 0.5
    days: float = 7.0
    until: int | None = None
    seed: int = 1
    withhold_completed: float = 0.0
    withhold_progress: float = 0.0
    repeats: float = 0.0
    disorder: float = 0.0
    actor: str = "mbox"
    variants: list[str] | dict[str, float] = field(default_factory=list)


@dataclass(frozen=True)
class _Study:
    """An asset to study, with the length in seconds of each of its parts; a statement follows each part."""

    content: Content
    parts: list[int]


def statements(plan: Plan, catalogue: Catalogue, book: ActivityBook) -> list[Json]:
    """Carry out a plan: record what learners do in the book, and return the statements to send, in order.

    Raises:
        ValueError: the plan names an unknown variant, asset or kind of actor.
    """
    if plan.actor not in ACTORS:
        raise ValueError(f"actor is one of {', '.join(ACTORS)}.")
    shares = parse_shares(plan.variants)
    until = now_ms() if plan.until is None else plan.until
    studies = _studies(plan, catalogue)
    moments = sorted(_moments(plan, studies, book, until), key=lambda moment: (moment.at, moment.id))
    dice = Dice(plan.seed, until, "sending")
    sent = [
        form
        for moment in moments
        for form in varied(statement(moment, plan.actor), shares, Dice(moment.id, "variants"))
    ]
    twice = [copy for one in sent for copy in ([one, one] if dice.chance(plan.repeats) else [one])]
    return _disordered(twice, plan.disorder, dice)


def _moments(plan: Plan, studies: list[_Study], book: ActivityBook, until: int) -> Iterator[Moment]:
    for number in range(plan.first_learner, plan.first_learner + plan.learners):
        learner = Learner(number, f"learner{number}@{plan.domain}", f"E{100_000 + number}")
        dice = Dice(plan.seed, until, "learner", number)
        choices = list(studies)
        for _ in range(min(plan.per_learner, len(choices))):
            study = choices.pop(dice.throw(len(choices)))
            yield from _journey(plan, study, book.of(learner, study.content), until)


def _journey(plan: Plan, study: _Study, activity: Activity, until: int) -> Iterator[Moment]:
    """Let a learner continue with an asset, and yield the moments that LinkedIn reports."""
    done = len(activity.engagements)
    dice = Dice(plan.seed, until, activity.learner.number, study.content.urn)
    finishes = dice.chance(plan.completed)
    left = len(study.parts) - done
    if activity.completed_at is not None or left < (1 if finishes else 2):
        return
    last = done + (left if finishes else 1 + dice.throw(left - 1))
    parts = range(done, last)
    times = _times(plan, dice, until, [study.parts[part] for part in parts])
    for part, at in zip(parts, times, strict=True):
        moment = _moment(study, activity, part, at, dice)
        activity.engagements.append(Engagement(at, study.parts[part], moment.progress))
        if moment.completed:
            activity.completed_at = at
        kept_back = plan.withhold_completed if moment.completed else plan.withhold_progress
        withheld = dice.chance(kept_back)
        (activity.withheld if withheld else activity.pushed).append(moment.id)
        if not withheld:
            yield moment


def _moment(study: _Study, activity: Activity, part: int, at: int, dice: Dice) -> Moment:
    total = sum(study.parts)
    completed = part == len(study.parts) - 1
    progress = 100 if completed else min(99, sum(study.parts[: part + 1]) * 100 // max(total, 1))
    identity = UUID(int=dice.throw(1 << 128), version=4)
    return Moment(str(identity), activity.learner, study.content, at, progress, completed, total)


def _times(plan: Plan, dice: Dice, until: int, parts: list[int]) -> list[int]:
    """Return when each part is finished: one after the other, with pauses, the last one by `until`."""
    span = max(int(plan.days * DAY_MS), sum(parts) * 1000)
    spare = span - sum(parts) * 1000
    pauses = sorted(dice.throw(spare + 1) for _ in parts)
    start = until - span
    return [start + pause + sum(parts[: number + 1]) * 1000 for number, pause in enumerate(pauses)]


def _studies(plan: Plan, catalogue: Catalogue) -> list[_Study]:
    if plan.urns:
        return [_study(catalogue, _found(catalogue, urn)) for urn in plan.urns]
    found = []
    for name, kind in GENERATED_CONTENT:
        wanted = getattr(plan, name)
        found += [_study(catalogue, asset) for asset in _sample(plan, catalogue, kind, wanted)]
    return found


def _found(catalogue: Catalogue, urn: str) -> int:
    asset = catalogue.find(urn, removed_too=True)
    if asset is None:
        raise ValueError(f"There is no {urn}.")
    return asset


def _sample(plan: Plan, catalogue: Catalogue, kind: Kind, wanted: int) -> list[int]:
    """Return assets that learners can take up, always the same ones for the same seed."""
    available = (
        [
            asset
            for asset in catalogue.handles(kind)
            if not catalogue.is_removed(asset) and (facts := catalogue.facts(asset)).licensed and not facts.retired_at
        ]
        if wanted
        else []
    )
    dice = Dice(plan.seed, "content", kind.name)
    return [available.pop(dice.throw(len(available))) for _ in range(min(wanted, len(available)))]


def _study(catalogue: Catalogue, asset: int) -> _Study:
    facts = catalogue.facts(asset)
    element = catalogue.element(asset, 3)
    content = Content(catalogue.urn(asset), facts.type, facts.title, facts.locale)
    return _Study(content, _parts(element))


def _parts(element: Json) -> list[int]:
    """Return the length in seconds of each video of a course, each course of a path, or the asset itself."""
    leaves = list(_leaves(element))
    total = _seconds(element) or 600 * len(leaves)
    return [_seconds(leaf) or total // len(leaves) for leaf in leaves]


def _leaves(node: Json) -> Iterator[Json]:
    contents = node.get("contents") or []
    if not contents:
        yield node
    for entry in contents:
        yield from _leaves(entry["asset"])


def _seconds(node: Json) -> int:
    seconds: int = node.get("details", {}).get("timeToComplete", {}).get("duration", 0)
    return seconds


def _disordered(sent: list[Json], share: float, dice: Dice) -> list[Json]:
    """Return the statements with this share of them shuffled."""
    moved = [place for place in range(len(sent)) if dice.chance(share)]
    targets = list(moved)
    result = list(sent)
    for place in moved:
        result[targets.pop(dice.throw(len(targets)))] = sent[place]
    return result
