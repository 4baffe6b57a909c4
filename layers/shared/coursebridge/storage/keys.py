"""Every key of the table, and nothing else.

``i`` is an integration's id. PK starts with the entity, so that IAM conditions on leading keys can limit what each
function may access. Ids are read from their own attributes, never parsed out of a key. A function named after an item
returns its whole key; one that ends in ``_partition`` returns only the partition key, for a query.

| entity          | PK                        | SK             | GSI1PK        | GSI1SK          |
| --------------- | ------------------------- | -------------- | ------------- | --------------- |
| Integration     | INTEGRATION#i             | INTEGRATION    | INTEGRATIONS  | created         |
| SyncState       | INTEGRATION#i             | SYNC#kind      |               |                 |
| Unknown courses | INTEGRATION#i             | UNKNOWN_COURSES |              |                 |
| Client          | CLIENT#client_id          | CLIENT         | CLIENTS       | created         |
| Refusals        | CLIENT#digest             | REFUSALS       |               |                 |
| Audit entry     | AUDIT#month               | time#id        | AUDIT#i       | time#id         |
| Run             | RUN#i                     | RUN#run        |               |                 |
| Run lock        | RUN#i                     | LOCK#kind      |               |                 |
| Run range       | RANGE#i#run               | RANGE#number   |               |                 |
| Course          | COURSE#i#share            | urn            |               |                 |
| Course detail   | DETAIL#i#share            | urn            |               |                 |
| Course bundle   | DETAIL#i#share            | BUNDLE#id      |               |                 |
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
| Webhook targets | WEBHOOK#i                 | TARGETS        |               |                 |
| Webhook target  | WEBHOOK#i                 | TARGET#id      |               |                 |
| Webhook delivery| WEBHOOK#i                 | DELIVERY#id    |               |                 |
| Export          | EXPORT#i                  | export         |               |                 |

Courses are spread over sixteen shares by their URN: DynamoDB writes at most a thousand units per second to one
partition key, but a sync or a change of filters writes a whole catalogue at once. Each share is a partition of its own;
reading the catalogue means reading all sixteen.

A record holds one learner's attempts at one course. GSI1 projects all attributes and serves lists; the other two
indexes exist for statements only, and project the keys, the statement's id and what it waits for:

| index | PK              | SK                                       | answers                                      |
| ----- | --------------- | ---------------------------------------- | -------------------------------------------- |
| GSI2  | ACTOR#i#digest  | stored#statement                         | what one person's identifier sent (xAPI GET) |
| GSI3  | PENDING#i       | outcome#reason#awaited#timestamp#statement | what is not applied: to sweep, list, replay  |

GSI3 is sparse: a statement leaves it when it is applied or ignored. The timestamp of a ``received`` statement is the
time since which it has waited to be applied, so that a sweep reads only those that have waited too long.
"""

import hashlib
import zlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from coursebridge.errors import InvalidRequest

# DynamoDB allows 2,048 bytes in a partition key and 1,024 in a sort key; names from senders can be longer.
MOST_PK_BYTES, MOST_SK_BYTES = 2048, 1024
MOST_BYTES = 400

COURSE_SHARES = 16
"""Must never change: courses would be looked up under other keys than those they were written under."""

PK, SK = "PK", "SK"
GSI1, GSI2, GSI3 = "GSI1", "GSI2", "GSI3"

INTEGRATIONS_PARTITION, CLIENTS_PARTITION = "INTEGRATIONS", "CLIENTS"
"""GSI1 partitions that list all integrations and all clients."""
RUN_PREFIX, RECORD_PREFIX = "RUN#", "RECORD#"
WEBHOOK_TARGET_PREFIX, WEBHOOK_DELIVERY_PREFIX = "TARGET#", "DELIVERY#"
"""Prefixes of sort keys that share their partition with other items."""


class Key(NamedTuple):
    """A primary key, or the key of an index."""

    pk: str
    sk: str

    def item(self, index: str = "") -> dict[str, str]:
        """Return the key's two attributes, for the table or for ``index``.

        Raises:
            coursebridge.errors.InvalidRequest: the key is longer than DynamoDB allows.
        """
        if len(self.pk.encode()) > MOST_PK_BYTES or len(self.sk.encode()) > MOST_SK_BYTES:
            raise InvalidRequest("the identifier is too long")
        return {f"{index}PK": self.pk, f"{index}SK": self.sk}


def bounded(text: str) -> str:
    """Return a text that fits into a key: the text itself, or its digest if it is longer than any real identifier."""
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


def unknown_courses(integration_id: str) -> Key:
    """Key of the courses that learning waits for and that LinkedIn did not give."""
    return Key(f"INTEGRATION#{integration_id}", "UNKNOWN_COURSES")


def client(client_id: str) -> Key:
    """Key of an OAuth client."""
    return Key(f"CLIENT#{client_id}", "CLIENT")


def clients(created_at: str) -> Key:
    """GSI1 key that lists clients by age."""
    return Key(CLIENTS_PARTITION, created_at)


def refusals(digest: str) -> Key:
    """Key of the count of refused token requests by one caller for one client id."""
    return Key(f"CLIENT#{digest}", "REFUSALS")


def audit_partition(month: str) -> str:
    """Partition key of the audit of one month, ``2026-01``."""
    return f"AUDIT#{month}"


def audit(time: str, entry_id: str) -> Key:
    """Key of an audit entry; there is one partition per month."""
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
    """Key of the lock that allows only one run of a kind at a time."""
    return Key(run_partition(integration_id), f"LOCK#{kind}")


def run_range_partition(integration_id: str, run_id: str) -> str:
    """Partition key of the ranges of a run."""
    return f"RANGE#{integration_id}#{run_id}"


def run_range(integration_id: str, run_id: str, number: int) -> Key:
    """Key of one range of a run, such as a span of pages or a report window."""
    return Key(run_range_partition(integration_id, run_id), f"RANGE#{number:06d}")


def course(integration_id: str, urn: str) -> Key:
    """Key of a course's small item, which lists, diffs and statements read."""
    return Key(f"COURSE#{integration_id}#{_share(urn)}", bounded(urn))


def course_partitions(integration_id: str) -> list[str]:
    """Return the partition keys of an integration's courses, in the order in which they are read."""
    return [f"COURSE#{integration_id}#{share:x}" for share in range(COURSE_SHARES)]


def course_detail(integration_id: str, urn: str) -> Key:
    """Key of a course's detail: LinkedIn's element with the contents tree, compressed."""
    return Key(f"DETAIL#{integration_id}#{_share(urn)}", urn)


def course_bundle(integration_id: str, bundle_id: str) -> Key:
    """Key of a bundle of such elements, of courses that were new together."""
    return Key(f"DETAIL#{integration_id}#{_share(bundle_id)}", f"BUNDLE#{bundle_id}")


def course_detail_partitions(integration_id: str) -> list[str]:
    """Return the partition keys of the details of an integration's courses, and of their bundles."""
    return [f"DETAIL#{integration_id}#{share:x}" for share in range(COURSE_SHARES)]


def course_overlay_partition(integration_id: str) -> str:
    """Partition key of the overlays of an integration's courses."""
    return f"OVERLAY#{integration_id}"


def course_overlay(integration_id: str, urn: str) -> Key:
    """Key of a course's overlay: local data that no sync touches (manual tags)."""
    return Key(course_overlay_partition(integration_id), urn)


def classification_partition(integration_id: str) -> str:
    """Partition key of an integration's classifications."""
    return f"CLASSIFICATION#{integration_id}"


def classification(integration_id: str, urn: str) -> Key:
    """Key of a classification."""
    return Key(classification_partition(integration_id), urn)


def learner_partition(integration_id: str, learner_id: str) -> str:
    """Partition key of a learner and of everything stored with them: records, AICC data, overrides."""
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
    """GSI1 partition key of the learners who appear in no list."""
    return f"LEARNERS#{integration_id}#unlisted"


def unlisted_learners(integration_id: str, learner_id: str) -> Key:
    """GSI1 key of a learner who appears in no list: merged into another learner, or being erased."""
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
    """Key of the note that a learner completed a course again; it changes no record."""
    return Key(learner_partition(integration_id, learner_id), f"REENGAGED#{urn}")


def identity(integration_id: str, kind: str, value: str) -> Key:
    """Key of an identifier; ``value`` must be normalised (``records.identifiers``)."""
    return Key(f"IDENTITY#{integration_id}#{kind}#{bounded(value)}", "IDENTITY")


def tombstone(integration_id: str, digest: str) -> Key:
    """Key of the keyed digest of an erased person's identifier."""
    return Key(f"TOMBSTONE#{integration_id}#{digest}", "TOMBSTONE")


def unplaced_people(integration_id: str) -> Key:
    """Key of the people in activity reports who could not be matched to exactly one active learner."""
    return Key(f"STRANGERS#{integration_id}", "STRANGERS")


def statement(integration_id: str, statement_id: str) -> Key:
    """Key of an xAPI statement."""
    return Key(f"STATEMENT#{integration_id}#{statement_id}", "STATEMENT")


def voiding(integration_id: str, statement_id: str) -> Key:
    """Key of the mark that another statement voids this one, which may not be stored yet."""
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

    ``awaited`` names what would release a held statement: a course URN or an identity (``email:a@example.com``).
    """
    return Key(
        pending_partition(integration_id), "#".join((outcome, reason, bounded(awaited), timestamp, statement_id))
    )


def timestamp_of_pending(item: Mapping[str, str]) -> str:
    """Return the timestamp in an item's GSI3 key: when it happened or, if ``received``, since when it has waited."""
    return item["GSI3SK"].removesuffix(f"#{item['statement_id']}").rpartition("#")[2]


def pending_prefix(outcome: str, reason: str | None = None, awaited: str | None = None) -> str:
    """Return the prefix of the GSI3 sort keys of an outcome, and if given of a reason and of what is awaited."""
    given = (outcome, reason, awaited if awaited is None else bounded(awaited))
    return "".join(f"{part}#" for part in given if part is not None)


def held_prefix(beginning: str) -> str:
    """Return the prefix of the GSI3 sort keys of what is held for reasons that begin like this."""
    return f"{pending_prefix('held')}{beginning}"


def received_until(time: str) -> tuple[str, str]:
    """Return the bounds of the GSI3 sort keys of statements ``received`` before a time (RFC 3339)."""
    return pending_prefix("received"), f"{pending_prefix('received', '', '')}{time}"


def launch_session(digest: str) -> Key:
    """Key of an AICC session, by the digest of its id, as the id itself is a secret."""
    return Key(f"AICC#{digest}", "AICC")


def aicc_data(integration_id: str, learner_id: str, urn: str) -> Key:
    """Key of what a course stores for a learner over AICC: their position, and data of its own."""
    return Key(learner_partition(integration_id, learner_id), f"AICC#{urn}")


def library_partition(integration_id: str) -> str:
    """Partition key of the libraries of an integration's groups."""
    return f"LIBRARY#{integration_id}"


def library_entry(integration_id: str, group: str, urn: str) -> Key:
    """Key of a course in a group's library; ``group`` may contain any characters."""
    return Key(library_partition(integration_id), f"{library_prefix(group)}{urn}")


def library_prefix(group: str) -> str:
    """Return the prefix of the sort keys of a group's library."""
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
    """Key of an admin's overrides for one learner on a path."""
    return Key(learner_partition(integration_id, learner_id), f"OVERRIDE#{path_id}")


def webhook_partition(integration_id: str) -> str:
    """Partition key of an integration's outbound webhooks and their deliveries."""
    return f"WEBHOOK#{integration_id}"


def webhook_target(integration_id: str, target_id: str) -> Key:
    """Key of an outbound webhook endpoint."""
    return Key(webhook_partition(integration_id), f"{WEBHOOK_TARGET_PREFIX}{target_id}")


def webhook_targets(integration_id: str) -> Key:
    """Key of the item that lists the ids of all outbound webhook endpoints and so limits their number."""
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
    """Whether an item is a course; the same test as in the filters of the table's stream."""
    return item[PK].startswith("COURSE#")


def is_identity(item: Mapping[str, str]) -> bool:
    """Whether an item (or its keys) is an identity; the same test as in the filters of the table's stream."""
    return item[PK].startswith("IDENTITY#")


def without_person(key: Mapping[str, str]) -> Mapping[str, str]:
    """Return the keys of an item without personal data: those of an identity contain only a digest."""
    if not is_identity(key):
        return key
    return {**key, PK: f"IDENTITY#sha256:{hashlib.sha256(key[PK].encode()).hexdigest()}"}


def partitions_of(integration_id: str) -> list[str]:
    """Return every partition key that follows from an integration's id alone, that of its own item last.

    Its other items are found through the lists of its learners, statements and runs.
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
