"""Compute what running Coursebridge costs: `python -m tools.cost` prints Markdown.

The costs follow from `prices.json`, which is dated, and from the measured or assumed requests, units and durations in
`cost_inputs.json`. Run it again after a change to either: `docs/cost.md` contains the output, and a test compares them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GIGABYTE = 1e9
MILLION = 1_000_000
LEARNERS = (1_000, 50_000, 1_000_000)
WEEKS, DAYS, HOURS = 52 / 12, 365 / 12, 730


class Bill(dict[str, float]):
    """Dollars by service; bills can be added."""

    def __missing__(self, _service: str) -> float:
        return 0.0

    def __add__(self, other: Bill) -> Bill:
        return Bill({name: self[name] + other[name] for name in self.keys() | other.keys()})

    @property
    def total(self) -> float:
        """The sum over all services."""
        return sum(self.values())


class Costs:
    """Computes costs in dollars.

    Args:
        prices: dollars by unit.
        measured: what statements, courses and the stack consume.
        assumed: how a deployment is used.
    """

    def __init__(self, prices: dict[str, float], measured: dict[str, Any], assumed: dict[str, Any]) -> None:
        self._prices = prices
        self._statement, self._course, self._stack = measured["statement"], measured["course"], measured["stack"]
        self._assumed = assumed

    def statements(self, number: float) -> Bill:
        """Return the cost of receiving, applying and publishing statements sent one by one, without storage."""
        one, assumed = self._statement, self._assumed
        batches = number / assumed["statements_an_invocation_of_apply"]
        bill = self._invocations("statements", number) + self._invocations("apply", batches)
        bill += self._invocations("events", batches)
        bill["API Gateway"] = number * self._prices["api_request"]
        bill["DynamoDB"] = self._units(
            number * (one["write_units_taken"] + one["write_units_applied"]),
            number * one["read_units_applied"] + batches * one["read_units_told"],
        )
        bill["EventBridge"] = number * one["events"] * self._prices["event"]
        bill["CloudWatch"] = number * one["log_bytes"] / GIGABYTE * self._logs()
        bill["X-Ray"] = number * 3 * assumed["share_traced"] * self._prices["trace"]
        return bill

    def sync(self, courses: float, changed: float, pages: float) -> Bill:
        """Return the cost of a sync that reads this many courses and pages and finds `changed` courses changed."""
        seconds = pages * self._assumed["milliseconds_billed"]["page_of_courses"] / 1000
        tasks = pages / 10 + 5
        return Bill(
            {
                "Lambda": seconds * self._assumed["memory_gb"]["catalog_sync"] * self._prices["lambda_gb_second_arm"]
                + tasks * self._prices["lambda_request"],
                "DynamoDB": self._units(changed * self._course["write_units"], courses / 2),
                "EventBridge": changed * self._prices["event"],
                "Step Functions": (2 * tasks + 10) * self._prices["state_transition"],
                "S3": (20 + tasks) * self._prices["s3_put"],
            }
        )

    def full_sync(self, courses: float, changed: float) -> Bill:
        """Return the cost of a full sync."""
        pages = courses / self._course["page_size"] * self._course["calls_overhead"] + self._course["calls_fixed"]
        return self.sync(courses, changed, pages)

    def incremental_sync(self, changed: float) -> Bill:
        """Return the cost of an incremental sync."""
        return self.sync(changed, changed, changed / self._course["page_size"] + self._course["calls_fixed"])

    def month(self, learners: int) -> Bill:
        """Return the cost of a month with this many learners."""
        assumed = self._assumed
        number: float = learners * assumed["courses_a_learner_and_month"] * assumed["statements_a_course"]
        calls: float = learners * assumed["calls_of_the_platform_a_learner_and_month"]
        bill = self.statements(number) + self._calls(calls) + self._kept(number * assumed["months_kept"])
        for sync, times in (
            (self.incremental_sync(assumed["changed_courses_a_day"]), DAYS - WEEKS),
            (self.full_sync(assumed["courses"], assumed["changed_courses_a_day"]), WEEKS),
        ):
            bill += Bill({name: dollars * times * assumed["integrations"] for name, dollars in sync.items()})
        return bill + self._reports(learners) + self._always()

    def _calls(self, calls: float) -> Bill:
        """Return the cost of the platform's API calls and of two token requests an hour."""
        bill = self._invocations("learning", calls) + self._invocations("token", 2 * HOURS)
        bill["API Gateway"] = (calls + 2 * HOURS) * self._prices["api_request"]
        bill["DynamoDB"] = self._units(0, calls * self._assumed["read_units_a_call"])
        bill["Data transfer"] = calls * self._assumed["bytes_an_answer"] / GIGABYTE * self._prices["transfer_out_gb"]
        bill["CloudWatch"] = calls * self._statement["log_bytes"] / 2 / GIGABYTE * self._logs()
        bill["X-Ray"] = calls * self._assumed["share_traced"] * self._prices["trace"]
        return bill

    def _kept(self, statements: float) -> Bill:
        """Return the cost of storing statements and the catalogue for a month, with point-in-time recovery."""
        kept = statements * self._statement["bytes_kept"] + self._assumed["courses"] * self._course["bytes_kept"]
        price = self._prices["dynamodb_gb_month"] + self._prices["dynamodb_pitr_gb_month"]
        return Bill({"DynamoDB": kept / GIGABYTE * price})

    def _reports(self, learners: int) -> Bill:
        rows = learners * self._assumed["report_rows_a_learner_and_month"] * 2
        changed = rows * self._assumed["share_of_report_rows_changed"]
        seconds = rows / 1000 * 2 + DAYS * 20
        return Bill(
            {
                "Lambda": seconds * self._assumed["memory_gb"]["activity_sync"] * self._prices["lambda_gb_second_arm"],
                "DynamoDB": self._units(changed * self._assumed["write_units_a_report_row_changed"], rows),
                "Step Functions": DAYS * 25 * self._prices["state_transition"],
            }
        )

    def _always(self) -> Bill:
        """Return the fixed cost of a month, due even if nothing happens."""
        sweeps = self._stack["sweeps_a_month"]
        integrations = self._assumed["integrations"]
        milliseconds = 40 + integrations * self._assumed["milliseconds_billed"]["sweep_an_integration"]
        seconds = sweeps * milliseconds / 1000
        polls = HOURS * 3600 / self._assumed["seconds_a_poll"] * self._assumed["pollers_a_queue"]
        secrets = self._stack["secrets"] + integrations * self._stack["secrets_an_integration"]
        return Bill(
            {
                "Lambda": seconds * self._assumed["memory_gb"]["sweep"] * self._prices["lambda_gb_second_arm"],
                "DynamoDB": self._units(0, sweeps * (1 + 7 * integrations)),
                "SQS": self._stack["queues_read"] * polls * self._prices["sqs_request"],
                "Secrets Manager": secrets * self._prices["secret_month"] + 20_000 * self._prices["secret_call"],
                "CloudWatch": self._stack["alarms"] * self._prices["alarm_month"]
                + self._stack["custom_metrics"] * self._prices["custom_metric_month"],
            }
        )

    def _invocations(self, function: str, number: float) -> Bill:
        seconds = number * self._assumed["milliseconds_billed"][function] / 1000
        duration = seconds * self._assumed["memory_gb"][function] * self._prices["lambda_gb_second_arm"]
        return Bill({"Lambda": number * self._prices["lambda_request"] + duration})

    def _units(self, written: float, read: float) -> float:
        return written * self._prices["dynamodb_write_unit"] + read * self._prices["dynamodb_read_unit"]

    def _logs(self) -> float:
        months: float = self._assumed["log_months_kept"]
        return self._prices["log_gb"] + months * self._prices["log_gb_month"]


def costs() -> Costs:
    """Return the costs according to `prices.json` and `cost_inputs.json`."""
    inputs = json.loads((HERE / "cost_inputs.json").read_text())
    return Costs(_prices()["prices"], inputs["measured"], inputs["assumed"])


def report() -> str:
    """Return all costs as Markdown."""
    prices, made = _prices(), costs()
    courses = json.loads((HERE / "cost_inputs.json").read_text())["assumed"]["courses"]
    things = {
        "a million statements, sent one by one": made.statements(MILLION),
        f"the first full sync of {courses:,} courses": made.full_sync(courses, courses),
        f"a full sync of {courses:,} courses, nothing changed": made.full_sync(courses, 0),
        "an incremental sync, 50 courses changed": made.incremental_sync(50),
    }
    months = {f"a month with {learners:,} learners": made.month(learners) for learners in LEARNERS}
    head = f"Prices of {prices['as_of']}, {prices['region']}, {prices['currency']}: {prices['source']}."
    return "\n\n".join([head, _table(things), _table(months)]) + "\n"


def _table(bills: dict[str, Bill]) -> str:
    """Return a Markdown table with bills as columns and services as rows."""
    services = sorted(
        {name for bill in bills.values() for name in bill}, key=lambda name: -sum(b[name] for b in bills.values())
    )
    rows = [["", *bills], ["---", *("---:" for _ in bills)]]
    rows += [[service, *(f"{bill[service]:,.2f}" for bill in bills.values())] for service in services]
    rows.append(["**total**", *(f"**{bill.total:,.2f}**" for bill in bills.values())])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _prices() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / "prices.json").read_text())
    return found


if __name__ == "__main__":
    sys.stdout.write(report())
