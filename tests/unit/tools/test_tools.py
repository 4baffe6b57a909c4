"""The tools that operators run by hand, and the documents that quote them."""

from __future__ import annotations

import json

import pytest

import cfn
from cfn import ROOT
from tools import cost, key_distribution, sbom
from tools.redrive import matches

CHANGE = {"Keys": {"PK": {"S": "COURSE#acme"}}, "NewImage": {"outcome": {"S": "held"}}}
RECORD = {"eventName": "INSERT", "dynamodb": CHANGE}


def test_the_document_on_costs_says_what_the_script_says() -> None:
    assert cost.report() in (ROOT / "docs" / "cost.md").read_text()


def test_a_bill_is_the_sum_of_its_parts() -> None:
    made = cost.costs()

    assert made.statements(2_000_000).total == pytest.approx(2 * made.statements(1_000_000).total)
    assert made.month(2_000).total > made.month(1_000).total > 0


def test_the_costs_count_what_the_template_makes() -> None:
    counted = json.loads((ROOT / "tools" / "cost_inputs.json").read_text())["measured"]["stack"]

    assert counted["alarms"] == len(cfn.resources("AWS::CloudWatch::Alarm"))
    assert counted["secrets"] == len(cfn.resources("AWS::SecretsManager::Secret"))
    sources = [
        source["Type"]
        for function in cfn.resources("AWS::Serverless::Function").values()
        for source in function.get("Events", {}).values()
    ]
    assert counted["queues_read"] == sources.count("SQS")


def test_every_input_of_the_costs_is_measured_or_assumed() -> None:
    assert json.loads((ROOT / "tools" / "cost_inputs.json").read_text()).keys() == {"comment", "measured", "assumed"}


@pytest.mark.parametrize(
    ("thing", "name", "figure"),
    [
        ("statement", "write_units_taken", "taking a statement: write units"),
        ("statement", "write_units_applied", "applying a statement: write units a statement"),
        ("statement", "read_units_applied", "applying a statement: read units a statement"),
        ("course", "write_units", "first sync: write units a course"),
        ("course", "bytes_kept", "first sync: bytes kept a course"),
    ],
)
def test_what_the_costs_take_for_measured_was_recorded(thing: str, name: str, figure: str) -> None:
    measured = json.loads((ROOT / "tools" / "cost_inputs.json").read_text())["measured"]
    recorded = json.loads((ROOT / "benchmarks" / "recorded.json").read_text())["figures"]

    assert measured[thing][name] == pytest.approx(recorded[figure], rel=0.02)


def test_no_key_is_hot_at_the_size_the_documents_promise() -> None:
    loads = key_distribution.simulate()

    assert max(load.busiest_partition for load in loads) < key_distribution.WRITE_UNITS_A_SECOND
    assert max(load.busiest for load in loads) < key_distribution.WRITE_UNITS_A_SECOND


def test_the_document_on_limits_quotes_the_simulation() -> None:
    text = (ROOT / "docs" / "limits.md").read_text()

    assert key_distribution.report() in text


def test_the_bill_of_materials_names_every_package_that_ships_with_its_hashes() -> None:
    bill = sbom.bill()
    shipped = {line.partition("==")[0] for line in sbom.LOCK.read_text().splitlines() if "==" in line}

    assert {component.name for component in bill.components} == shipped
    assert all(component.hashes and component.purl for component in bill.components)


def test_a_package_that_is_not_pinned_has_no_place_in_the_bill() -> None:
    with pytest.raises(ValueError, match="loose is not pinned"):
        list(sbom.components("loose>=1\n"))


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["MODIFY"]}, False),
        ({"dynamodb": {"Keys": {"PK": {"S": [{"prefix": "COURSE#"}]}}}}, True),
        ({"dynamodb": {"Keys": {"PK": {"S": [{"prefix": "RUN#"}]}}}}, False),
        ({"dynamodb": {"NewImage": {"outcome": {"S": ["received"]}}}}, False),
        ({"dynamodb": {"OldImage": {"outcome": {"S": ["held"]}}}}, False),
    ],
)
def test_the_redrive_hands_on_what_the_streams_filters_let_through(pattern: object, fits: bool) -> None:
    assert matches(pattern, RECORD) is fits
