"""Attempts, checked against a simple model that plays what happened in the order of time."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from coursebridge.records.evidence import Completion, Evidence, Point
from coursebridge.records.fold import Course, fold

COURSE = Course("ada", "urn:li:lyndaCourse:1", 600)
KINDS = ("activity", "completion", "launch")


def at(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}.000Z"


@dataclass
class Model:
    """Attempts as ``[progress, completed?]``, and the number of the attempt that each completion counts for."""

    attempts: list[list[int | bool]] = field(default_factory=list)
    counted: dict[str, int | None] = field(default_factory=dict)

    def live(self, kind: str, value: int, name: str) -> None:
        if kind == "activity":
            if not self.attempts:
                self.attempts.append([0, False])
            self.attempts[-1][0] = max(self.attempts[-1][0], value)
        elif kind == "launch":
            if not self.attempts or self.attempts[-1][1]:
                self.attempts.append([1, False])
            self.attempts[-1][0] = max(self.attempts[-1][0], 1)
        else:
            if not self.attempts:
                self.attempts.append([0, False])
            fits = not self.attempts[-1][1]
            self.counted[name] = len(self.attempts) if fits else None
            self.attempts[-1] = [100, True]


class Attempts(RuleBasedStateMachine):
    """Evidence arrives in any order, some of it twice; the fold agrees with the model at every moment."""

    @initialize()
    def start(self) -> None:
        self.happened: set[tuple[int, str, int]] = set()
        self.evidence = Evidence()

    @rule(second=st.integers(0, 300), kind=st.sampled_from(KINDS), value=st.integers(0, 100))
    def something_arrives(self, second: int, kind: str, value: int) -> None:
        self.happened.add((second, kind, value if kind == "activity" else 0))
        if kind == "launch":
            self.evidence |= Evidence(launches=frozenset({at(second)}))
        elif kind == "activity":
            self.evidence |= Evidence(points={at(second): Point(value)})
        else:
            self.evidence |= Evidence(completions={f"c{second:03d}": Completion(at(second))})

    @rule()
    def everything_arrives_again(self) -> None:
        self.evidence |= self.evidence

    @invariant()
    def the_fold_agrees_with_the_model(self) -> None:
        model = Model()
        for second, kind, value in sorted(self.happened, key=lambda one: (one[0], KINDS.index(one[1]))):
            model.live(kind, value, f"c{second:03d}")
        result = fold(self.evidence, COURSE)

        assert [[a.progress, a.status == "completed"] for a in result.attempts] == model.attempts
        numbers = {attempt.id: n for n, attempt in enumerate(result.attempts, 1)}
        assert {name: numbers.get(i) if i else None for name, i in result.counted.items()} == model.counted


TestAttempts = Attempts.TestCase
TestAttempts.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
