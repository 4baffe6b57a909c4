"""Every key of the table, and nothing else.

``i`` is an integration's id. PK starts with the entity, so that IAM conditions on leading keys can tell the
functions apart. Ids are read back from their own attributes, not by cutting a key. A function named after an item
returns its whole key; one that ends in ``_partition`` returns the partition key alone, for a query.

| entity          | PK                        | SK             | GSI1PK        | GSI1SK          |
| --------------- | ------------------------- | -------------- | ------------- | --------------- |
| Integration     | INTEGRATION#i             | INTEGRATION    | INTEGRATIONS  | created         |
| SyncState       | INTEGRATION#i             | SYNC#kind      |               |                 |
| Client          | CLIENT#client_id          | CLIENT         | CLIENTS       | created         |
| Refusals        | CLIENT#digest             | REFUSALS       |               |                 |
| Audit entry     | AUDIT#month               | time#id        | AUDIT#i       | time#id         |
| Run             | RUN#i                     | RUN#run        |               |                 |
| Run lock        | RUN#i                     | LOCK#kind      |               |                 |
| Run range       | RANGE#i#run               | RANGE#number   |               |                 |
| Course          | COURSE#i#share            | urn            |               |                 |
| Course detail   | DETAIL#i#share            | urn            |               |                 |
| Course overlay  | OVERLAY#i                 | urn            |               |                 |
| Classification  | CLASSIFICATION#i          | urn            |               |                 |
| Learner         | LEARNER#i#learner         | LEARNER        | LEARNERS#i    | learner         |
|  (unlisted)     |                           |                | LEARNERS#i#unlisted | learner   |
| Record          | LEARNER#i#learner         | RECORD#urn     | RECORDS#i#urn | learner         |
| Reengagement    | LEARNER#i#learner         | REENGAGED#urn  |               |                 |
| Identity        | IDENTITY#i#type#value     | IDENTITY       |               |                 |
| Tombstone       | TOMBSTONE#i#digest        | TOMBSTONE      |               |                 |
| Unplaced people | STRANGERS#i               | STRANGERS      |               |                 |
| Statement       | STATEMENT#i#statement     | STATEMENT      | STATEMENTS#i  | stored#statement |
| Voiding         | STATEMENT#i#statement     | VOIDED         |               |                 |
| Launch session  | AICC#digest               | AICC           |               |                 |
| AICC data       | LEARNER#i#learner         | AICC#urn       |               |                 |
| Library entry   | LIBRARY#i                 | group#urn      |               |                 |
| Path            | PATH#i                    | path           | PATHS#i#group | path            |
| Path override   | LEARNER#i#learner         | OVERRIDE#path  |               |                 |
| Webhook target  | WEBHOOK#i                 | TARGET#id      |               |                 |
| Webhook delivery| WEBHOOK#i                 | DELIVERY#id    |               |                 |
| Export          | EXPORT#i                  | export         |               |                 |

Courses are spread over sixteen shares by their URN: DynamoDB writes no more than a thousand units a second to one
partition key, and a sync, or a change of filters, writes a catalogue at once. A share is read like any partition,
the catalogue as sixteen of them.

A record holds one learner's attempts at one course. GSI1 projects everything and lists; the two other
indexes project keys, the statement's id and what it waits for, and exist for statements alone:

| index | PK              | SK                                       | answers                                      |
| ----- | --------------- | ---------------------------------------- | -------------------------------------------- |
| GSI2  | ACTOR#i#digest  | stored#statement                         | what one person's identifier sent (xAPI GET) |
| GSI3  | PENDING#i       | outcome#reason#awaited#timestamp#statement | what is not applied: to sweep, list, replay  |

GSI3 is sparse: a statement leaves it when it is applied or ignored. The timestamp of a ``received`` one is the time
since when it waits to be applied, so that a sweep reads only what waits too long.
"""

import hashlib
import zlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from coursebridge.errors import InvalidRequest

# DynamoDB allows 2,048 bytes in a partition key and 1,024 in a sort key, and a sender may name anything.
MOST_PK_BYTES, MOST_SK_BYTES = 2048, 1024
MOST_BYTES = 400

COURSE_SHARES = 16
"""Fixed for good: with another number, courses would be looked up under other keys than they were written under."""

PK, SK = "PK", "SK"
GSI1, GSI2, GSI3 = "GSI1", "GSI2", "GSI3"

INTEGRATIONS_PARTITION, CLIENTS_PARTITION = "INTEGRATIONS", "CLIENTS"
"""GSI1 partitions that list all integrations and all clients."""
RUN_PREFIX, RECORD_PREFIX = "RUN#", "RECORD#"
WEBHOOK_TARGET_PREFIX, WEBHOOK_DELIVERY_PREFIX = "TARGET#", "DELIVERY#"
"""How the sort keys of these begin, beside others of their partition."""


class Key(NamedTuple):
    """A primary key, or the key of one index."""

    pk: str
    sk: str

    def item(self, index: str = "") -> dict[str, str]:
        """Return the key's two attributes, of the table or of the index named.

        Raises:
            coursebridge.errors.InvalidRequest: nothing can stand there, for DynamoDB takes no key of this length.
        """
        if len(self.pk.encode()) > MOST_PK_BYTES or len(self.sk.encode()) > MOST_SK_BYTES:
            raise InvalidRequest("the identifier is too long")
        return {f"{index}PK": self.pk, f"{index}SK": self.sk}


def bounded(text: str) -> str:
    """Return a text that fits into a key: itself, or its digest when it is longer than any real identifier."""
    encoded = text.encode()
    return text if len(encoded) <= MOST_BYTES else f"sha256:{hashlib.sha256(encoded).hexdigest()}"


def integration(integration_id: str) -> Key:
    """Key of an integration with its settings."""
    return Key(f"INTEGRATION#{integration_id}", "INTEGRATION")


def integrations(created_at: str) -> Key:
    """GSI1 key that lists integrations by age."""
    return Key(INTEGRATIONS_PARTITION, created_at)


def sync_state(integration_id: str, kind: str) -> Key:
    """Key of what one kind of sync remembers between runs: watermark, last success, throttling."""
    return Key(f"INTEGRATION#{integration_id}", f"SYNC#{kind}")


def client(client_id: str) -> Key:
    """Key of an OAuth client."""
    return Key(f"CLIENT#{client_id}", "CLIENT")


def clients(created_at: str) -> Key:
    """GSI1 key that lists clients by age."""
    return Key(CLIENTS_PARTITION, created_at)


def refusals(digest: str) -> Key:
    """Key of how often one caller was refused a token for one client id."""
    return Key(f"CLIENT#{digest}", "REFUSALS")


def audit_partition(month: str) -> str:
    """Partition key of the audit of one month, ``2026-01``."""
    return f"AUDIT#{month}"


def audit(time: str, entry_id: str) -> Key:
    """Key of an audit entry; one partition a month."""
    return Key(audit_partition(time[:7]), f"{time}#{entry_id}")


def audit_of_partition(integration_id: str) -> str:
    """GSI1 partition key of the audit of one integration."""
    return f"AUDIT#{integration_id}"


def audit_of(integration_id: str, time: str, entry_id: str) -> Key:
    """GSI1 key that lists the audit of one integration."""
    return Key(audit_of_partition(integration_id), f"{time}#{entry_id}")


def run_partition(integration_id: str) -> str:
    """Partition key of an integration's runs and their locks."""
    return f"RUN#{integration_id}"


def run(integration_id: str, run_id: str) -> Key:
    """Key of a run; run ids sort by time."""
    return Key(run_partition(integration_id), f"{RUN_PREFIX}{run_id}")


def run_lock(integration_id: str, kind: str) -> Key:
    """Key of the lock that lets one run of a kind go at a time."""
    return Key(run_partition(integration_id), f"LOCK#{kind}")


def run_range_partition(integration_id: str, run_id: str) -> str:
    """Partition key of the ranges of a run."""
    return f"RANGE#{integration_id}#{run_id}"


def run_range(integration_id: str, run_id: str, number: int) -> Key:
    """Key of one range of a run: a span of pages or a report window."""
    return Key(run_range_partition(integration_id, run_id), f"RANGE#{number:06d}")


def course(integration_id: str, urn: str) -> Key:
    """Key of the small course item that lists, diffs and statements read."""
    return Key(f"COURSE#{integration_id}#{_share(urn)}", bounded(urn))


def course_partitions(integration_id: str) -> list[str]:
    """Return the partition keys that hold an integration's courses, in the order in which they are read."""
    return [f"COURSE#{integration_id}#{share:x}" for share in range(COURSE_SHARES)]


def course_detail(integration_id: str, urn: str) -> Key:
    """Key of a course's contents tree and LinkedIn's element, compressed."""
    return Key(f"DETAIL#{integration_id}#{_share(urn)}", urn)


def course_detail_partitions(integration_id: str) -> list[str]:
    """Return the partition keys that hold the details of an integration's courses."""
    return [f"DETAIL#{integration_id}#{share:x}" for share in range(COURSE_SHARES)]


def course_overlay_partition(integration_id: str) -> str:
    """Partition key of what is kept locally for an integration's courses."""
    return f"OVERLAY#{integration_id}"


def course_overlay(integration_id: str, urn: str) -> Key:
    """Key of what is kept locally for a course and no sync touches: manual tags."""
    return Key(course_overlay_partition(integration_id), urn)


def classification_partition(integration_id: str) -> str:
    """Partition key of an integration's classifications."""
    return f"CLASSIFICATION#{integration_id}"


def classification(integration_id: str, urn: str) -> Key:
    """Key of a classification."""
    return Key(classification_partition(integration_id), urn)


def learner_partition(integration_id: str, learner_id: str) -> str:
    """Partition key of a learner and of everything that lies with them: records, AICC data, overrides."""
    return f"LEARNER#{integration_id}#{learner_id}"


def learner(integration_id: str, learner_id: str) -> Key:
    """Key of a learner."""
    return Key(learner_partition(integration_id, learner_id), "LEARNER")


def learners_partition(integration_id: str) -> str:
    """GSI1 partition key of the list of an integration's learners."""
    return f"LEARNERS#{integration_id}"


def learners(integration_id: str, learner_id: str) -> Key:
    """GSI1 key that lists the learners of an integration."""
    return Key(learners_partition(integration_id), learner_id)


def unlisted_learners_partition(integration_id: str) -> str:
    """GSI1 partition key of the learners who are in no list."""
    return f"LEARNERS#{integration_id}#unlisted"


def unlisted_learners(integration_id: str, learner_id: str) -> Key:
    """GSI1 key by which those are found who are nobody of their own: merged into another, or being erased."""
    return Key(unlisted_learners_partition(integration_id), learner_id)


def record(integration_id: str, learner_id: str, urn: str) -> Key:
    """Key of one learner's attempts at one course."""
    return Key(learner_partition(integration_id, learner_id), f"{RECORD_PREFIX}{urn}")


def records_partition(integration_id: str, urn: str) -> str:
    """GSI1 partition key of the records of one course."""
    return f"RECORDS#{integration_id}#{urn}"


def records(integration_id: str, urn: str, learner_id: str) -> Key:
    """GSI1 key that lists the records of one course."""
    return Key(records_partition(integration_id, urn), learner_id)


def reengagement(integration_id: str, learner_id: str, urn: str) -> Key:
    """Key of the note that a learner completed a course again, which changes no record."""
    return Key(learner_partition(integration_id, learner_id), f"REENGAGED#{urn}")


def identity(integration_id: str, kind: str, value: str) -> Key:
    """Key of an identifier; ``value`` is already normalised (``records.identifiers``)."""
    return Key(f"IDENTITY#{integration_id}#{kind}#{bounded(value)}", "IDENTITY")


def tombstone(integration_id: str, digest: str) -> Key:
    """Key of the keyed digest of an erased person's identifier."""
    return Key(f"TOMBSTONE#{integration_id}#{digest}", "TOMBSTONE")


def unplaced_people(integration_id: str) -> Key:
    """Key of the people in activity reports who cannot be placed among the learners."""
    return Key(f"STRANGERS#{integration_id}", "STRANGERS")


def statement(integration_id: str, statement_id: str) -> Key:
    """Key of an xAPI statement."""
    return Key(f"STATEMENT#{integration_id}#{statement_id}", "STATEMENT")


def voiding(integration_id: str, statement_id: str) -> Key:
    """Key of the mark that another statement voids this one, whether it is here yet or not."""
    return Key(f"STATEMENT#{integration_id}#{statement_id}", "VOIDED")


def statements_partition(integration_id: str) -> str:
    """GSI1 partition key of an integration's statements."""
    return f"STATEMENTS#{integration_id}"


def statements(integration_id: str, stored_at: str, statement_id: str) -> Key:
    """GSI1 key that lists statements in the order they were stored."""
    return Key(statements_partition(integration_id), f"{stored_at}#{statement_id}")


def actor_partition(integration_id: str, digest: str) -> str:
    """GSI2 partition key of the statements of one identifier."""
    return f"ACTOR#{integration_id}#{digest}"


def actor(integration_id: str, digest: str, stored_at: str, statement_id: str) -> Key:
    """GSI2 key that lists the statements of one identifier."""
    return Key(actor_partition(integration_id, digest), f"{stored_at}#{statement_id}")


def pending_partition(integration_id: str) -> str:
    """GSI3 partition key of an integration's statements that are ``received`` or ``held``."""
    return f"PENDING#{integration_id}"


def pending(integration_id: str, outcome: str, reason: str, awaited: str, timestamp: str, statement_id: str) -> Key:
    """GSI3 key of a statement that is ``received`` or ``held``.

    ``awaited`` names what would release a held one: a course URN or an identity (``email:a@example.com``).
    """
    return Key(
        pending_partition(integration_id), "#".join((outcome, reason, bounded(awaited), timestamp, statement_id))
    )


def timestamp_of_pending(item: Mapping[str, str]) -> str:
    """Return when a statement happened that was read from GSI3, which carries no more of it than its keys."""
    return item["GSI3SK"].removesuffix(f"#{item['statement_id']}").rpartition("#")[2]


def pending_prefix(outcome: str, reason: str | None = None, awaited: str | None = None) -> str:
    """Return how the GSI3 sort keys of statements with this outcome begin; of one reason, and awaiting one thing."""
    given = (outcome, reason, awaited if awaited is None else bounded(awaited))
    return "".join(f"{part}#" for part in given if part is not None)


def received_until(time: str) -> tuple[str, str]:
    """Return the bounds of the GSI3 sort keys of statements that are ``received`` since before a time (RFC 3339)."""
    return pending_prefix("received"), f"{pending_prefix('received', '', '')}{time}"


def launch_session(digest: str) -> Key:
    """Key of an AICC session, by the digest of its id: the id itself is a secret."""
    return Key(f"AICC#{digest}", "AICC")


def aicc_data(integration_id: str, learner_id: str, urn: str) -> Key:
    """Key of what a course keeps for a learner over AICC: where they are, and its own data."""
    return Key(learner_partition(integration_id, learner_id), f"AICC#{urn}")


def library_partition(integration_id: str) -> str:
    """Partition key of the libraries of an integration's groups."""
    return f"LIBRARY#{integration_id}"


def library_entry(integration_id: str, group: str, urn: str) -> Key:
    """Key of a course in a group's library; ``group`` may hold anything."""
    return Key(library_partition(integration_id), f"{library_prefix(group)}{urn}")


def library_prefix(group: str) -> str:
    """Return how the sort keys of a group's library begin."""
    return f"{bounded(quote(group, safe=''))}#"


def path_partition(integration_id: str) -> str:
    """Partition key of an integration's paths."""
    return f"PATH#{integration_id}"


def path(integration_id: str, path_id: str) -> Key:
    """Key of a path."""
    return Key(path_partition(integration_id), path_id)


def paths_of_group_partition(integration_id: str, group: str) -> str:
    """GSI1 partition key of the paths of a group."""
    return f"PATHS#{integration_id}#{bounded(quote(group, safe=''))}"


def paths_of_group(integration_id: str, group: str, path_id: str) -> Key:
    """GSI1 key that lists the paths of a group."""
    return Key(paths_of_group_partition(integration_id, group), path_id)


def path_override(integration_id: str, learner_id: str, path_id: str) -> Key:
    """Key of an admin's overrides of one learner's way through a path."""
    return Key(learner_partition(integration_id, learner_id), f"OVERRIDE#{path_id}")


def webhook_partition(integration_id: str) -> str:
    """Partition key of an integration's outbound webhooks and their deliveries."""
    return f"WEBHOOK#{integration_id}"


def webhook_target(integration_id: str, target_id: str) -> Key:
    """Key of an outbound webhook endpoint."""
    return Key(webhook_partition(integration_id), f"{WEBHOOK_TARGET_PREFIX}{target_id}")


def webhook_targets(integration_id: str) -> Key:
    """Key of the item that holds the ids of all outbound webhook endpoints, which bounds their number."""
    return Key(webhook_partition(integration_id), "TARGETS")


def webhook_delivery(integration_id: str, delivery_id: str) -> Key:
    """Key of one outbound delivery; delivery ids sort by time."""
    return Key(webhook_partition(integration_id), f"{WEBHOOK_DELIVERY_PREFIX}{delivery_id}")


def export_partition(integration_id: str) -> str:
    """Partition key of an integration's export jobs."""
    return f"EXPORT#{integration_id}"


def export(integration_id: str, export_id: str) -> Key:
    """Key of an export job."""
    return Key(export_partition(integration_id), export_id)


def is_course(item: Mapping[str, str]) -> bool:
    """Whether an item is a course, as the filters of the table's stream know it."""
    return item[PK].startswith("COURSE#")


def is_identity(item: Mapping[str, str]) -> bool:
    """Whether an item, or its keys alone, is an identity, as the filters of the table's stream know it."""
    return item[PK].startswith("IDENTITY#")


def without_person(key: Mapping[str, str]) -> Mapping[str, str]:
    """Return the keys of an item so that they name no person: that of an identity is known by its digest alone."""
    if not is_identity(key):
        return key
    return {**key, PK: f"IDENTITY#sha256:{hashlib.sha256(key[PK].encode()).hexdigest()}"}


def partitions_of(integration_id: str) -> list[str]:
    """Return every partition key that follows from an integration's id alone, its own item's last.

    What else belongs to it is found by the lists of its learners, statements and runs.
    """
    return [
        *course_partitions(integration_id),
        *course_detail_partitions(integration_id),
        course_overlay_partition(integration_id),
        classification_partition(integration_id),
        library_partition(integration_id),
        path_partition(integration_id),
        webhook_partition(integration_id),
        export_partition(integration_id),
        run_partition(integration_id),
        unplaced_people(integration_id).pk,
        integration(integration_id).pk,
    ]


def _share(urn: str) -> str:
    return f"{zlib.crc32(urn.encode()) % COURSE_SHARES:x}"
