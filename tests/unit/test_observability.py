"""Business metrics, as CloudWatch reads them from the log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from coursebridge.observability import count_by

if TYPE_CHECKING:
    import pytest


def test_a_count_by_reason_is_one_metric_with_a_dimension(capsys: pytest.CaptureFixture[str]) -> None:
    count_by("StatementsHeldByReason", "reason", {"learner_unknown": 2, "course_unknown": 1})

    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["reason"], one["StatementsHeldByReason"]) for one in told] == [
        ("learner_unknown", [2.0]),
        ("course_unknown", [1.0]),
    ]
    assert all(["reason"] in one["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for one in told)
