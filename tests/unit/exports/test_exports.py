"""Exports: ordered, written in parts, taken over, given up, fetched."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto.s3.exceptions import NoSuchUpload
from moto.s3.models import S3Backend

import exports_handler
from coursebridge import clients
from coursebridge.clock import utc_now
from coursebridge.exports import formats, rows, runner
from coursebridge.exports.jobs import Job, JobStore
from coursebridge.exports.runner import MOST_TRIES, Runner, link
from coursebridge.exports.service import Exports
from coursebridge.records.evidence import Evidence
from coursebridge.settings import settings
from coursebridge.storage import wiring
from coursebridge.storage.courses import CourseStore
from coursebridge.storage.record_store import RecordStore
from learning_lab import ACME, AT, EXCEL, NOW, WORD, put_course, put_learner
from unit.conftest import TABLE_NAME
from unit.conftest import Context as BareContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.storage.table import Table

BUCKET = "exports-bucket"


@dataclass(frozen=True)
class Context(BareContext):
    """An invocation with this much time left."""

    left: int = 900_000

    def get_remaining_time_in_millis(self) -> int:
        return self.left


@pytest.fixture
def store(table: Table, monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    """The table, a bucket and a queue."""
    clients.s3().create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for name, value in {
        "TABLE_NAME": TABLE_NAME,
        "BUCKET_NAME": BUCKET,
        "EXPORT_QUEUE_URL": clients.sqs().create_queue(QueueName="exports")["QueueUrl"],
        "POWERTOOLS_SERVICE_NAME": "exports",
        "POWERTOOLS_METRICS_NAMESPACE": "Coursebridge",
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    wiring.table.cache_clear()
    yield table
    settings.cache_clear()
    wiring.table.cache_clear()


def order(table: Table, what: Any = "courses", format_: Any = "ndjson") -> Job:
    return Exports(table, clients.sqs(), settings().export_queue_url).order(ACME, what, format_, NOW)


def messages() -> list[Any]:
    found = clients.sqs().receive_message(QueueUrl=settings().export_queue_url, MaxNumberOfMessages=10)
    return [json.loads(one["Body"]) for one in found.get("Messages", [])]


def handle(job: Job, *, tries: int = 1, left: int = 900_000) -> list[Any]:
    body = json.dumps({"integration_id": job.integration_id, "job_id": job.id})
    record = {"messageId": "m1", "body": body, "attributes": {"ApproximateReceiveCount": str(tries)}}
    answer = exports_handler.lambda_handler({"Records": [record]}, Context(left=left))
    return list(answer["batchItemFailures"])


def now(table: Table, job: Job) -> Job:
    found = JobStore(table).get(ACME, job.id)
    assert found is not None
    return found


def content(job: Job) -> str:
    return clients.s3().get_object(Bucket=BUCKET, Key=job.key)["Body"].read().decode()


def finished(table: Table, what: str, format_: str) -> str:
    job = order(table, what, format_)
    assert handle(job) == []
    assert now(table, job).status == "succeeded"
    return content(job)


def attempts(table: Table, learners: int) -> None:
    for number in range(learners):
        put_learner(table, f"learner-{number:03d}")
        for urn in (EXCEL, WORD):
            RecordStore(table, ACME).add(
                f"learner-{number:03d}", urn, f"learner-{number:03d}", Evidence(launches=frozenset({AT})), 60, AT
            )


def test_an_order_is_written_down_and_queued(store: Table) -> None:
    job = order(store)

    assert now(store, job).status == "queued"
    assert messages() == [{"integration_id": ACME, "job_id": job.id}]


def test_courses_come_as_the_api_shows_them(store: Table) -> None:
    put_course(store, EXCEL, title="日本語")
    put_course(store, WORD, archived="retired")
    CourseStore(store, ACME).set_manual_tags(WORD, ["mine"])

    lines = [json.loads(line) for line in finished(store, "courses", "ndjson").splitlines()]

    assert [(line["urn"], line["status"], line["tags"]["manual"]) for line in lines] == [
        (EXCEL, "active", []), (WORD, "archived", ["mine"]),
    ]  # fmt: skip
    assert lines[0]["title"] == "日本語"


def test_courses_in_csv_are_flat(store: Table) -> None:
    put_course(store, EXCEL, title='a "quoted", one')

    (row,) = csv.DictReader(io.StringIO(finished(store, "courses", "csv").lstrip("\ufeff")))

    assert tuple(row) == formats.COURSE_COLUMNS
    assert (row["title"], row["authors"], row["tags_synced"]) == ('a "quoted", one', "A. Author", "Spreadsheets")
    assert row["retired_at"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(store: Table, start: str) -> None:
    put_course(store, EXCEL, title=f'{start}HYPERLINK("https://evil.example.com")')

    (row,) = csv.DictReader(io.StringIO(finished(store, "courses", "csv").lstrip("\ufeff"), newline=""))

    assert row["title"].startswith(f"'{start}")


def test_attempts_of_every_learner_are_in_the_file(store: Table) -> None:
    attempts(store, 30)

    table = list(csv.DictReader(io.StringIO(finished(store, "attempts", "csv").lstrip("\ufeff"))))

    assert tuple(table[0]) == formats.ATTEMPT_COLUMNS
    assert {(row["learner_id"], row["course_urn"]) for row in table} == {
        (f"learner-{number:03d}", urn) for number in range(30) for urn in (EXCEL, WORD)
    }


def test_an_export_of_nothing_is_an_empty_file(store: Table) -> None:
    assert finished(store, "attempts", "ndjson") == ""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let parts have any size, in moto too, and let a page hold one learner."""
    monkeypatch.setattr(runner, "PART_BYTES", 1)
    monkeypatch.setattr(rows, "LEARNERS_A_PAGE", 1)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    upload_part = S3Backend.upload_part

    def refusing(self: S3Backend, bucket_name: str, multipart_id: str, *part: Any) -> Any:
        """Refuse a part of an upload that is over, as S3 does; moto itself would fail."""
        if multipart_id not in self.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return upload_part(self, bucket_name, multipart_id, *part)

    monkeypatch.setattr(S3Backend, "upload_part", refusing)


def test_when_the_time_is_up_the_next_message_goes_on(store: Table, small_parts: None) -> None:
    attempts(store, 3)
    job = order(store, "attempts")
    messages()

    handle(job, left=1_000)

    half = now(store, job)
    assert (half.status, half.rows, half.leased_until) == ("running", 2, "")
    assert half.upload is not None
    assert len(half.upload.etags) == 1
    while now(store, job).status == "running":
        handle(job, left=1_000)
    assert len(content(job).splitlines()) == now(store, job).rows == 6


def test_after_a_crash_another_goes_on_from_the_last_part(
    store: Table, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts(store, 3)
    job = order(store, "attempts")
    real, seen = rows._attempts, list[Any]()

    def crash_on_the_third(*arguments: Any) -> Any:
        seen.append(arguments)
        if len(seen) == 3:
            raise RuntimeError("killed")
        return real(*arguments)

    monkeypatch.setattr(rows, "_attempts", crash_on_the_third)
    with pytest.raises(RuntimeError, match="killed"):
        handle(job)
    assert handle(job) == [{"itemIdentifier": "m1"}]  # the killed runner's lease has not run out

    later = Runner(store, clients.s3(), BUCKET, lambda: utc_now() + timedelta(hours=1), lambda: False)
    assert later.run(ACME, job.id) == "finished"
    assert len(set(content(job).splitlines())) == 6


def test_a_kill_between_the_end_of_the_upload_and_the_note_of_it_starts_again(
    store: Table, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts(store, 3)
    job = order(store, "attempts")
    handle(job, left=1_000)
    save = JobStore.save

    def killed_at_the_end(self: JobStore, done: Job) -> Job | None:
        if done.is_finished:
            raise RuntimeError("killed")
        return save(self, done)

    monkeypatch.setattr(JobStore, "save", killed_at_the_end)
    with pytest.raises(RuntimeError, match="killed"):
        handle(job)
    monkeypatch.setattr(JobStore, "save", save)

    later = Runner(store, clients.s3(), BUCKET, lambda: utc_now() + timedelta(hours=1), lambda: False)
    assert later.run(ACME, job.id) == "finished"
    assert len(content(job).splitlines()) == now(store, job).rows == 6


def test_a_job_whose_upload_s3_has_forgotten_can_be_given_up(store: Table, small_parts: None) -> None:
    attempts(store, 3)
    job = order(store, "attempts")
    handle(job, left=1_000)
    upload = now(store, job).upload
    assert upload is not None
    clients.s3().abort_multipart_upload(Bucket=BUCKET, Key=job.key, UploadId=upload.id)

    handle(job, tries=MOST_TRIES + 1)

    assert now(store, job).status == "failed"


def test_somebody_who_lost_the_job_stops(store: Table, small_parts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts(store, 3)
    job = order(store, "attempts")
    monkeypatch.setattr(JobStore, "lease", lambda self, found, _now: replace(found, version=99))
    thief = Runner(store, clients.s3(), BUCKET, lambda: NOW, lambda: False)

    assert thief.run(ACME, job.id) == "busy"


def test_a_job_that_failed_often_enough_is_given_up(store: Table, small_parts: None) -> None:
    attempts(store, 3)
    job = order(store, "attempts")
    handle(job, left=1_000)

    handle(job, tries=MOST_TRIES + 1)
    handle(job, tries=MOST_TRIES + 1)

    assert now(store, job).status == "failed"
    assert "3 times" in (now(store, job).error or "")
    assert clients.s3().list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_a_job_that_is_done_or_unknown_is_left_alone(store: Table) -> None:
    job = order(store)
    handle(job)

    assert handle(job) == []
    assert handle(replace(job, id="nobody"), tries=MOST_TRIES + 1) == []


def test_the_link_is_signed_and_names_the_file(store: Table) -> None:
    url = link(clients.s3(), BUCKET, order(store))

    assert "Signature" in url
    assert "courses-2026-03-01.ndjson" in url


def test_a_job_that_never_began_is_given_up_too(store: Table) -> None:
    job = order(store)

    handle(job, tries=MOST_TRIES + 1)

    assert now(store, job).status == "failed"
