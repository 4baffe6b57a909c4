"""The policies in the template allow what the functions do, checked against their real calls."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from coursebridge import secret_values
from coursebridge.aicc.hacp import Call
from coursebridge.aicc.service import Receiver
from coursebridge.aicc.sessions import SessionStore
from coursebridge.apply.sweep import Sweep, integrations
from coursebridge.records.evidence import Completion, Evidence
from coursebridge.storage import keys
from coursebridge.storage.record_store import RecordStore
from learning_lab import ACME, AT, EXCEL, NOW, put_course, put_learner
from people_lab import Lab, completion
from policies import kept_to_policy, refused, watched

if TYPE_CHECKING:
    from coursebridge.storage.table import Table


def test_courses_may_report_over_aicc_and_turn_what_statements_told(table: Table) -> None:
    put_course(table)
    put_learner(table)
    told = Evidence(completions={"s1": Completion("2026-03-02T10:00:00.000Z")})
    RecordStore(table, ACME).add("ann", EXCEL, "ann", told, 3600, AT)
    session = SessionStore(table).open(ACME, "ann", EXCEL, NOW)

    with watched(table) as calls:
        for command in ("getparam", "putparam", "exitau"):
            Receiver(table).answer(Call(command, session, "[Core]\r\nLesson_Status=Completed"), NOW)

    assert ("ConditionCheckItem", "", f"LEARNER#{ACME}#ann") in calls
    assert ("BatchGetItem", "", f"STATEMENT#{ACME}#s1") in calls
    assert refused("AiccFunction", calls) == []


def test_the_sweep_may_look_at_whoever_statements_wait_for(table: Table) -> None:
    lab = Lab(table)
    lab.configure(learner_matching="directory")
    lab.take(completion(1))
    learner = lab.learner(email="ada@example.com")

    with watched(table) as calls:
        [item] = integrations(table)
        Sweep(table, item, lab.now + timedelta(hours=1), timedelta(minutes=15)).run()

    assert ("BatchGetItem", "", f"LEARNER#{lab.id}#{learner.id}") in calls
    assert refused("SweepFunction", calls) == []


def test_a_function_that_reads_what_its_policy_does_not_name_fails_its_test(table: Table) -> None:
    read = kept_to_policy("WebhooksFunction", table.get)

    read(keys.webhook_target(ACME, "t1"))
    with pytest.raises(AssertionError, match="COURSE"):
        read(keys.course(ACME, EXCEL))


def test_a_function_that_reads_a_secret_its_policy_does_not_name_fails_its_test(
    deployed: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_PREFIX", "stack/")
    read = kept_to_policy("WebhooksFunction", secret_values.read_or_empty)

    read("stack/integrations/acme/webhooks/t1")
    for other in ("stack/integrations/acme/credentials/content", "signing"):
        with pytest.raises(AssertionError, match="GetSecretValue"):
            read(other)


@pytest.mark.parametrize("function", ["CatalogSyncFunction", "ActivitySyncFunction"])
def test_a_sync_reads_key_pairs_and_writes_tokens_alone(
    deployed: Table, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    monkeypatch.setenv("SECRET_PREFIX", "stack/")
    read = kept_to_policy(function, secret_values.read_or_empty)
    write = kept_to_policy(function, secret_values.write)

    read("stack/integrations/acme/credentials/report")
    write("stack/integrations/acme/tokens", {})
    write("stack/integrations/acme/tokens", {})
    with pytest.raises(AssertionError, match="PutSecretValue"):
        write("stack/integrations/acme/credentials/report", {})
    with pytest.raises(AssertionError, match="GetSecretValue"):
        read("stack/integrations/acme/webhooks/t1")
