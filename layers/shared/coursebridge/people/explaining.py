"""Explains in words, step by step from receipt to record, why a record does or does not exist."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from coursebridge.apply.judge import REASONS, Rules
from coursebridge.errors import FieldError, InvalidRequest, NotFound
from coursebridge.people.erasure import is_theirs
from coursebridge.records.evidence import Evidence, union
from coursebridge.records.identifiers import KINDS, Identifier, normalised, usable
from coursebridge.storage import keys
from coursebridge.storage.identities import read_identity
from coursebridge.storage.learners import Learner, LearnerStore, family, read_learners
from coursebridge.storage.records import Record
from coursebridge.storage.statements import StatementStore, sent_as
from coursebridge.storage.tombstones import erased_among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from coursebridge.records.fold import Attempt
    from coursebridge.storage.identities import IdentityItem
    from coursebridge.storage.table import Item, Table

MOST_EXAMINED, PAGE = 1000, 100
HELP = {
    "learner_unknown": "add the learner, or assign the identifier to one: POST /admin/integrations/{id}/identities",
    "learner_ambiguous": "merge the learners, or assign the identifier to one of them",
    "learner_inactive": "set the learner's status to active",
    "actor_mismatch": "choose the User Type in LinkedIn that learner_identification requires, or change that setting",
    "actor_unidentified": "choose the User Type in LinkedIn that learner_identification requires",
    "course_unknown": "wait for the next catalogue sync: it requests the course from LinkedIn; if that is retired or "
    "filtered out, it is added as archived, and the statement counts; if LinkedIn does not give it, the status says so",
    "record_full": "nothing is lost, but nothing more can be recorded: compare the record with what LinkedIn shows",
    "before_configuration": "activity reports fill in what happened before; start a run of kind activity",
}
CHECK = (
    "check the URN, such as urn:li:lyndaCourse:252; a course that LinkedIn lists and the filters allow comes with the "
    "next catalogue sync"
)
ERASED = "the identifier belonged to a person who was erased: statements that arrive with it are emptied and ignored"
AGAIN = "if the person is back, add the learner or assign the identifier with after_erasure=true"
PREFIXED = ", ".join(f"{kind}:..." for kind in KINDS)
BY_WHAT = f"is a learner's id or one of {PREFIXED}"
WAITING = "it was received and is about to be processed"


class Step(NamedTuple):
    """One step of an explanation: what was checked, whether it is fine, what was found, and what would help."""

    step: str
    ok: bool
    detail: str
    help: str | None = None


NOTHING_KEPT = Step("statements", False, "what was sent about an erased person is no longer kept")


@dataclass(frozen=True)
class Explanation:
    """Everything relevant to the record of one learner and one course."""

    learner: Learner | None
    course: Item | None
    steps: list[Step]
    statements: list[dict[str, Any]]
    evidence: dict[str, Any]
    attempts: tuple[Attempt, ...]


def explain(table: Table, integration: Item, who: str, urn: str, pseudonym_key: Callable[[], str]) -> Explanation:
    """Explain the record of a learner and a course.

    Args:
        table: the application's table.
        integration: the integration's item.
        who: a learner's id, an e-mail address, or an identifier such as ``username:a.learner``.
        urn: the course's URN.
        pseudonym_key: returns the key for the digests of erased identifiers.

    Raises:
        InvalidRequest: ``who`` is not a valid identifier.
        NotFound: there is no learner with this id.
    """
    integration_id = integration["id"]
    learners, identity = _learners(table, integration_id, who)
    given = [identity.identifier] if identity else []
    erased = bool(given and not learners and erased_among(table, integration_id, given, pseudonym_key()))
    learner = learners[0] if len(learners) == 1 else None
    people = family(table, learner) if learner else []
    identifiers = given or list(dict.fromkeys(dated.identifier for person in people for dated in person.identifiers))
    course = table.get(keys.course(integration_id, urn))
    item = table.get(keys.record(integration_id, learner.id, urn)) if learner else None
    record = Record.of(item, integration_id, learner.id if learner else "", urn)
    ids = frozenset(person.id for person in people)
    found, complete = _statements(table, integration_id, identifiers, ids, urn)
    steps = [
        _identified(Rules.of(integration), identifiers, given),
        Step("learner", False, ERASED, AGAIN) if erased else _learner_step(learners, identity, integration),
        _course_step(course, is_awaited=bool(found)),
        NOTHING_KEPT if erased and not found else _statements_step(found, complete=complete),
        *_trouble(found),
        *_attempts(record),
    ]
    statements = [_shown(statement, record) for statement in found]
    return Explanation(learner, course, steps, statements, _evidence(record), record.attempts)


def _learners(table: Table, integration_id: str, who: str) -> tuple[list[Learner], IdentityItem | None]:
    """Return the learners that ``who`` means, and the identity if ``who`` is an identifier."""
    kind, colon, value = who.partition(":")
    if not colon and "@" in who:
        # Ids contain no "@".
        kind, value = "email", who
    elif not colon:
        learner = LearnerStore(table, integration_id).find_surviving(who)
        if learner is None:
            raise NotFound(f"there is no learner with this id; to ask by identifier, use {PREFIXED}")
        return [learner], None
    if kind not in KINDS or not usable(value):
        raise InvalidRequest(f"learner {BY_WHAT}", errors=(FieldError("learner", BY_WHAT),))
    identifier = normalised(kind, value)
    identity = read_identity(table, integration_id, identifier)
    return list(read_learners(table, integration_id, identity.meant_now).values()), identity


def _statements(
    table: Table, integration_id: str, identifiers: Sequence[Identifier], ids: frozenset[str], urn: str
) -> tuple[list[Item], bool]:
    """Return the statements of these identifiers about a course, oldest first, and whether all were examined."""
    store = StatementStore(table, integration_id)
    found: dict[str, Item] = {}
    complete = True
    for identifier in identifiers:
        for actor in sent_as(identifier):
            after: Item | None = None
            for _ in range(MOST_EXAMINED // PAGE):
                page = store.list_of_actor(actor.digest(), limit=PAGE, after=after)
                about = (item for item in page.items if item["object_id"] == urn)
                found |= {
                    item["statement_id"]: item
                    for item in about
                    if is_theirs(item, identifier, ids, own=True) or not ids
                }
                after = page.last_key
                if after is None:
                    break
            else:
                complete = False
    return sorted(found.values(), key=lambda item: (item["timestamp"], item["statement_id"])), complete


def _identified(rules: Rules, identifiers: Sequence[Identifier], given: Sequence[Identifier]) -> Step:
    kinds = {identifier.kind for identifier in identifiers}
    if rules.identification in kinds:
        return Step("identifier", True, f"people are matched by {rules.identification}, which is known here")
    what = "what was asked for" if given else "the learner"
    return Step(
        "identifier",
        False,
        f"people are matched by {rules.identification}, and {what} has none",
        f"give the learner a {rules.identification}, or change the integration's learner_identification",
    )


def _learner_step(learners: Sequence[Learner], identity: IdentityItem | None, integration: Item) -> Step:
    if len(learners) > 1:
        return Step("learner", False, f"{len(learners)} learners have this identifier", HELP["learner_ambiguous"])
    if not learners:
        return _nobody_step(identity, integration)
    if learners[0].status != "active":
        return Step("learner", False, "the learner is inactive", HELP["learner_inactive"])
    if identity and not identity.live:
        return Step("learner", True, "the learner is known and active; this is a former identifier of theirs")
    return Step("learner", True, "the learner is known and active")


def _nobody_step(identity: IdentityItem | None, integration: Item) -> Step:
    if identity and not identity.never_held:
        return Step("learner", False, "nobody has this identifier any more", HELP["learner_unknown"])
    help_ = HELP["learner_unknown"] if integration["learner_matching"] == "directory" else None
    return Step("learner", False, "nobody has this identifier", help_ or "the first applied statement adds the learner")


def _course_step(course: Item | None, *, is_awaited: bool) -> Step:
    if course is None:
        # A sync asks LinkedIn by URN only for what statements or reports wait for.
        return Step(
            "course", False, "the course is not in the catalogue", HELP["course_unknown"] if is_awaited else CHECK
        )
    if course.get("status") == "archived":
        return Step("course", True, f"the course is archived ({course.get('archived_reason')}); statements still count")
    return Step("course", True, "the course is in the catalogue")


def _statements_step(found: Sequence[Item], *, complete: bool) -> Step:
    part = "" if complete else f" among the latest {MOST_EXAMINED} of each identifier"
    if not found:
        return Step(
            "statements",
            False,
            f"LinkedIn has sent nothing about this learner and this course{part}",
            "check whether LinkedIn sends any statements; a run of kind activity repairs what was missed",
        )
    latest = max(item["stored_at"] for item in found)
    return Step("statements", True, f"{len(found)} statements arrived{part}, the last at {latest}")


def _trouble(found: Sequence[Item]) -> Iterator[Step]:
    """Yield one step for each outcome and reason of the statements that were not applied."""
    reasons = Counter((item["outcome"], item["reason"]) for item in found if item["outcome"] != "applied")
    for (outcome, reason), number in reasons.items():
        detail = f"{number} {outcome}: {_words(reason)}"
        yield Step("outcome", outcome == "ignored" and reason == "already_completed", detail, HELP.get(reason or ""))


def _attempts(record: Record) -> Iterator[Step]:
    if not record.attempts:
        yield Step("attempt", False, "there is no attempt, because there is no evidence of any activity")
    evidence = union(record.parts.values())
    for number, attempt in enumerate(record.attempts, 1):
        yield Step("attempt", True, f"attempt {number} {_story(attempt, evidence)}")


def _story(attempt: Attempt, evidence: Evidence) -> str:
    by = "a launch" if attempt.started_at in evidence.launches else "the first activity"
    opened = f"was opened at {attempt.started_at} by {by}"
    if attempt.status == "in_progress":
        return f"{opened} and stands at {attempt.progress} %: no completion has arrived since"
    how = {
        "xapi": f"statement {attempt.completion_statement_id}",
        "aicc": "the course itself, over AICC",
        "report": "an activity report (no statement arrived)",
    }
    return f"{opened} and completed at {attempt.completed_at} by {how.get(attempt.source, attempt.source)}"


def _evidence(record: Record) -> dict[str, Any]:
    """Return the evidence of a record, with reports summarised."""
    whole = union(record.parts.values())
    return {
        "launches": sorted(whole.launches),
        "activity": [
            {"at": at, "progress": point.progress, "source": point.source} for at, point in sorted(whole.points.items())
        ],
        "completions": [
            {"at": completion.at, "source": completion.source, "by": name, "attempt_id": record.counted.get(name)}
            for name, completion in sorted(whole.completions.items(), key=lambda entry: entry[1].at)
        ],
        "report": (
            {
                "progress": whole.report.progress,
                "completed_at": whole.report.completed_at,
                "seconds_viewed": sum(whole.report.seconds.values()),
            }
            if whole.report
            else None
        ),
    }


def _shown(item: Item, record: Record) -> dict[str, Any]:
    reason = item["reason"]
    known = {attempt.id for attempt in record.attempts}
    attempt_id = item["attempt_id"]
    if item["outcome"] == "applied" and attempt_id not in known:
        attempt_id = record.attempt_at(item["timestamp"])
    return {
        "id": item["statement_id"],
        "stored_at": item["stored_at"],
        "timestamp": item["timestamp"],
        "verb": item["verb"],
        "object_id": item["object_id"],
        "actor": item["actor"],
        "outcome": item["outcome"],
        "reason": reason,
        "learner_id": item["learner_id"],
        "attempt_id": attempt_id,
        "explanation": WAITING if item["outcome"] == "received" else _words(reason) if reason else "it was applied",
        "help": HELP.get(reason or ""),
    }


def _words(reason: str | None) -> str:
    return REASONS.get(reason or "", WAITING)
