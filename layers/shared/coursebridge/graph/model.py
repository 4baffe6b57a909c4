"""Entities and relationships in JupiterOne's model of LinkedIn Learning, made from stored items. Pure.

The names of types, classes and properties are JupiterOne's. Every property that it documents is present, ``None`` if
unknown, and some are added. Keys contain the integration's id, because several accounts may have the same course.
Times are epoch milliseconds, as in JupiterOne.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coursebridge.catalog.classifications import UNDETERMINED
from coursebridge.clock import parse_rfc3339, to_millis
from coursebridge.records.evidence import union

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coursebridge.integrations.models import Integration
    from coursebridge.records.evidence import Report
    from coursebridge.storage.courses import StoredCourse
    from coursebridge.storage.learners import Learner
    from coursebridge.storage.records import Record
    from coursebridge.storage.table import Item

PREFIX = "linkedin_learning_"
ACCOUNT, CLASSIFICATION, USER = f"{PREFIX}account", f"{PREFIX}classification", f"{PREFIX}user"
TYPE_OF_ASSET = {
    "COURSE": f"{PREFIX}course",
    "LEARNING_PATH": f"{PREFIX}learning_path",
    "VIDEO": f"{PREFIX}video",
}
Entity = dict[str, Any]
Relationship = dict[str, Any]


def entity_key(kind: str, integration_id: str, identity: str) -> str:
    """Return the key of an entity."""
    return f"{kind}:{integration_id}:{identity}"


def account(integration: Integration) -> Entity:
    """Return the account that an integration stands for."""
    pairs = (integration.credentials.content, integration.credentials.report)
    client_id = next((pair.client_id for pair in pairs if pair), None)
    return {
        **_entity(ACCOUNT, "Account", integration.id, integration.id, integration.name),
        "description": integration.description or None,
        "vendor": "LinkedIn",
        "accountKeyRef": client_id or integration.id,
    }


def classification(integration_id: str, item: Item) -> Entity:
    """Return a classification, named in English or else in the first of its locales."""
    names: Mapping[str, str] = item["names"]
    locale = "en_US" if "en_US" in names else min(names, default=None)
    label = names[locale] if locale is not None else None
    return {
        **_entity(CLASSIFICATION, "Group", integration_id, item["urn"], label or item["urn"]),
        "classificationType": item["type"],
        "locale": None if locale == UNDETERMINED else locale,
        "ownerName": item["owner_name"],
        "ownerUrn": item["owner_urn"],
        "urn": item["urn"],
    }


def asset(stored: StoredCourse) -> Entity | None:
    """Return a course, learning path or video, or ``None`` for a type that the model lacks."""
    course = stored.course
    kind = TYPE_OF_ASSET.get(course["type"])
    if kind is None:
        return None
    contributors = [*course["authors"], *course.get("other_contributors", ())]
    published = _millis(course["published_at"])
    updated = _millis(course["updated_at"])
    return {
        **_entity(kind, "Training", stored.integration_id, stored.urn, course["title"]),
        "description": course["description"],
        "status": stored.status,
        "active": stored.is_active,
        "webLink": course["launch_urls"]["web"],
        "createdOn": published,
        "updatedOn": updated,
        "assetType": course["type"],
        "availability": "RETIRED" if course["retired"] else "AVAILABLE",
        "availableLanguages": sorted({locale.partition("_")[0] for locale in course["available_locales"]}) or None,
        "contributorNames": [contributor["name"] for contributor in contributors if contributor["name"]] or None,
        "contributorUrns": [contributor["urn"] for contributor in contributors if contributor["urn"]] or None,
        "durationSeconds": course["duration_seconds"],
        "isCuratedForLms": course["curated"],
        "isRetired": course["retired"],
        "lastUpdatedOn": updated,
        "level": course["level"],
        "primaryImageUrl": course["thumbnail_url"],
        "publishedOn": published,
        "retiredOn": _millis(course["retired_at"]),
        "shortDescription": course["short_description"],
        "ssoLaunchUrl": course["launch_urls"]["sso"],
        "titleLocale": course["locale"],
        "urn": stored.urn,
        "webLaunchUrl": course["launch_urls"]["web"],
    }


def user(learner: Learner) -> Entity:
    """Return a learner."""
    email, username = learner.current("email"), learner.current("username")
    given = learner.current("external_id") or learner.id
    shown = learner.name or email or username or given
    return {
        **_entity(USER, "User", learner.integration_id, learner.id, shown),
        "username": username or email or given,
        "email": email,
        "active": learner.status == "active",
        "createdOn": _millis(learner.created_at),
        "updatedOn": _millis(learner.updated_at or learner.created_at),
        "enterpriseGroupNames": list(learner.enterprise_groups) or None,
        "profileUrn": learner.current("profile_urn"),
        "uniqueUserId": learner.unique_user_id,
    }


def account_has(integration_id: str, kind: str, identity: str) -> Relationship:
    """Return the relationship of an account to an entity that it has."""
    source = (ACCOUNT, entity_key(ACCOUNT, integration_id, integration_id))
    return _relationship("HAS", source, (kind, entity_key(kind, integration_id, identity)))


def classified(stored: StoredCourse) -> Iterator[Relationship]:
    """Yield the relationships of an asset to its classifications.

    Args:
        stored: an asset of a type that the model has.
    """
    course = stored.course
    kind = TYPE_OF_ASSET[course["type"]]
    source = (kind, entity_key(kind, stored.integration_id, stored.urn))
    for classification in course["classifications"]:
        target = (CLASSIFICATION, entity_key(CLASSIFICATION, stored.integration_id, classification["urn"]))
        yield _relationship("HAS", source, target)


def assigned(record: Record, kind: str) -> Relationship:
    """Return the relationship of a user to an assigned training, with the user's results.

    Args:
        record: the learner's attempts.
        kind: the entity type of the training.
    """
    source = (USER, entity_key(USER, record.integration_id, record.learner_id))
    target = (kind, entity_key(kind, record.integration_id, record.course_urn))
    report = union(record.parts.values()).report
    completed = [attempt.completed_at for attempt in record.attempts if attempt.completed_at]
    return {
        **_relationship("ASSIGNED", source, target),
        "status": "completed" if completed else "in_progress",
        "progressPercentage": max((attempt.progress for attempt in record.attempts), default=0),
        "attempts": len(record.attempts),
        "completions": max(len(completed), _total(report, "completions")),
        "views": _total(report, "views") if report else None,
        "secondsViewed": _total(report, "seconds") if report else None,
        "firstEngagedOn": _millis(min((attempt.started_at for attempt in record.attempts), default=None)),
        "lastEngagedOn": _millis(max((attempt.last_activity_at for attempt in record.attempts), default=None)),
        "completedOn": _millis(min(completed, default=None)),
        "source": record.attempts[-1].source if record.attempts else None,
    }


def _entity(kind: str, entity_class: str, integration_id: str, identity: str, shown: str) -> Entity:
    return {
        "_type": kind,
        "_class": entity_class,
        "_key": entity_key(kind, integration_id, identity),
        "id": identity,
        "name": shown,
        "displayName": shown,
    }


def _relationship(verb: str, source: tuple[str, str], target: tuple[str, str]) -> Relationship:
    (from_kind, from_key), (to_kind, to_key) = source, target
    return {
        "_type": f"{from_kind}_{verb.lower()}_{to_kind.removeprefix(PREFIX)}",
        "_class": verb,
        "_key": f"{from_key}|{verb.lower()}|{to_key}",
        "_fromEntityKey": from_key,
        "_toEntityKey": to_key,
        "displayName": verb,
    }


def _total(report: Report | None, measure: str) -> int:
    return sum(getattr(report, measure).values()) if report else 0


def _millis(time: str | None) -> int | None:
    return to_millis(parse_rfc3339(time)) if time else None
