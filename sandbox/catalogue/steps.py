"""Repeatable changes to a catalogue, made between two runs of a client."""

from dataclasses import dataclass

from sandbox.catalogue.layout import Kind
from sandbox.catalogue.store import Catalogue
from sandbox.clock import now_ms
from sandbox.dice import Dice


@dataclass(frozen=True)
class Step:
    """How many courses to change in which way.

    Attributes:
        seed: seed for the choice of courses; the same seed on the same catalogue chooses the same courses.
        create: courses to add.
        update: courses to change.
        retire: courses to retire.
        remove: courses to make disappear without a trace.
        restore: courses to bring back, starting with those retired or removed while running.
        at: time of the changes in epoch milliseconds; now by default.
    """

    seed: int = 1
    create: int = 0
    update: int = 0
    retire: int = 0
    remove: int = 0
    restore: int = 0
    at: int | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is None and name == "at":
                continue
            if not isinstance(value, int) or value < 0:
                raise ValueError(f"{name} is a number, 0 or more.")


def take(catalogue: Catalogue, step: Step, generation: int) -> dict[str, list[str]]:
    """Change a catalogue and return the URNs of the courses changed, by kind of change; none is changed twice."""
    at = now_ms() if step.at is None else step.at
    dice = Dice(step.seed, "step", generation)
    gone = _gone(catalogue)[: step.restore]
    pool = _available(catalogue)
    updated, retired, removed = (
        [_draw(pool, dice) for _ in range(min(count, len(pool)))] for count in (step.update, step.retire, step.remove)
    )
    created = [catalogue.create(at) for _ in range(step.create)]
    for asset in updated:
        catalogue.update(asset, at)
    for asset in retired:
        catalogue.retire(asset, at)
    for asset in removed:
        catalogue.remove(asset)
    for asset in gone:
        catalogue.restore(asset, at)
    touched = {
        "created": created,
        "updated": updated,
        "retired": retired,
        "removed": removed,
        "restored": gone,
    }
    return {change: [catalogue.urn(asset) for asset in assets] for change, assets in touched.items()}


def _available(catalogue: Catalogue) -> list[int]:
    """Return the courses that a client can see: licensed, and neither removed nor retired."""
    return [
        asset
        for asset in catalogue.handles(Kind.COURSE)
        if not catalogue.is_removed(asset) and (facts := catalogue.facts(asset)).licensed and not facts.retired_at
    ]


def _gone(catalogue: Catalogue) -> list[int]:
    """Return the courses that can be restored, those taken away while running before those retired from the start."""
    courses = catalogue.handles(Kind.COURSE)
    gone = [asset for asset in courses if catalogue.is_removed(asset) or catalogue.facts(asset).retired_at]
    return sorted(gone, key=lambda asset: not catalogue.is_changed(asset))


def _draw(pool: list[int], dice: Dice) -> int:
    """Remove a random course from the pool, without shifting those behind it."""
    place = dice.throw(len(pool))
    pool[place], pool[-1] = pool[-1], pool[place]
    return pool.pop()
