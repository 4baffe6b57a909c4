"""Simulate the load on partition keys: `python -m tools.key_distribution`, 1,000 integrations, 10 million learners.

DynamoDB splits a table's key space among partitions, each of which takes 1,000 write units and 3,000 read units a
second. The hash of the partition key decides where an item is stored, and a single key of the table or of an index
cannot have more than one partition. What matters is therefore the load on the busiest *key*. The simulation
distributes a sample of statements over the keys that they write, scales it to the peak rate, and reports for each
kind of key the load on the busiest key and on the busiest of evenly cut partitions.

Sizes of integrations follow Zipf's law: the largest has about 13 % of all learners.
"""

from __future__ import annotations

import hashlib
import random
import sys
from bisect import bisect
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

INTEGRATIONS, LEARNERS = 1_000, 10_000_000
STATEMENTS_A_LEARNER_AND_DAY = 0.4
PEAK_FACTOR = 5
"""Ratio of the peak hour's load to that of the average hour."""
SAMPLE = 100_000
PARTITIONS = 64
COURSES, POPULAR_SHARE = 25_000, 1.1
WRITE_UNITS_A_SECOND = 1_000
UNITS = {
    "statement": 3.0,
    "learner and records": 4.0,
    "index GSI1: statements of an integration": 3.0,
    "index GSI1: records of a course": 1.0,
    "index GSI2: statements of an actor": 1.0,
    "index GSI3: what waits in an integration": 2.0,
}
"""Write units for storing and applying a statement, by the kind of key written to (see storage/keys.py)."""


@dataclass(frozen=True)
class Load:
    """The load on one kind of key.

    Attributes:
        kind: the kind of key.
        keys: number of keys of this kind that were written to.
        busiest: write units per second of the busiest key.
        busiest_partition: write units per second of the busiest of evenly cut partitions.
    """

    kind: str
    keys: int
    busiest: float
    busiest_partition: float


def zipf(number: int, exponent: float = 1.0) -> list[float]:
    """Return the cumulative weights of `number` things under Zipf's law."""
    return list(accumulate(1 / rank**exponent for rank in range(1, number + 1)))


@cache
def simulate(seed: int = 1) -> list[Load]:
    """Return the load on each kind of key at the peak rate."""
    dice = random.Random(seed)  # noqa: S311  (a simulation, not a secret)
    sizes, courses = zipf(INTEGRATIONS), zipf(COURSES, POPULAR_SHARE)
    people = [
        max(1, round(LEARNERS * (sizes[i] - (sizes[i - 1] if i else 0)) / sizes[-1])) for i in range(INTEGRATIONS)
    ]
    hits: dict[str, Counter[str]] = {kind: Counter() for kind in UNITS}
    for number in range(SAMPLE):
        integration = bisect(sizes, dice.random() * sizes[-1])
        learner = dice.randrange(people[integration])
        course = bisect(courses, dice.random() * courses[-1])
        keys = {
            "statement": f"STATEMENT#{integration}#{number}",
            "learner and records": f"LEARNER#{integration}#{learner}",
            "index GSI1: statements of an integration": f"STATEMENTS#{integration}",
            "index GSI1: records of a course": f"RECORDS#{integration}#{course}",
            "index GSI2: statements of an actor": f"ACTOR#{integration}#{learner}",
            "index GSI3: what waits in an integration": f"PENDING#{integration}",
        }
        for kind, key in keys.items():
            hits[kind][key] += 1
    scale = peak_statements_a_second() / SAMPLE
    return [_load(kind, counted, scale * UNITS[kind]) for kind, counted in hits.items()]


def peak_statements_a_second() -> float:
    """Return how many statements arrive per second at the peak."""
    return LEARNERS * STATEMENTS_A_LEARNER_AND_DAY / 86_400 * PEAK_FACTOR


def _load(kind: str, counted: Counter[str], units: float) -> Load:
    partitions: Counter[int] = Counter()
    for key, number in counted.items():
        partitions[hashlib.sha256(key.encode()).digest()[0] % PARTITIONS] += number
    return Load(kind, len(counted), max(counted.values()) * units, max(partitions.values()) * units)


def report() -> str:
    """Return the result of the simulation as Markdown."""
    lines = [
        f"{INTEGRATIONS:,} integrations, {LEARNERS:,} learners, {peak_statements_a_second():,.0f} statements a second "
        f"at the peak; a partition takes {WRITE_UNITS_A_SECOND:,} write units a second.",
        "",
        "| kind of key | busiest key, write units a second | busiest of "
        f"{PARTITIONS} partitions, write units a second |",
        "| --- | ---: | ---: |",
        *(f"| {load.kind} | {load.busiest:,.1f} | {load.busiest_partition:,.1f} |" for load in simulate()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(report())
