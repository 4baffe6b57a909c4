"""A course as callers of the API see it."""

from catalog_builders import stored
from catalog_lab import integration
from coursebridge.catalog.presenting import presented, presented_alone
from coursebridge.catalog.tags import labels_of, synced_tags
from coursebridge.storage.courses import Labels

SHAPE = {
    "urn",
    "type",
    "status",
    "archived_reason",
    "title",
    "description",
    "short_description",
    "thumbnail_url",
    "authors",
    "classifications",
    "duration_seconds",
    "level",
    "locale",
    "available_locales",
    "published_at",
    "updated_at",
    "retired_at",
    "launch_urls",
    "tags",
    "group",
    "author_email",
    "synced_at",
}


def test_every_field_of_the_contract_is_there_and_nothing_internal() -> None:
    assert set(presented(stored())) == SHAPE


def test_tags_are_the_names_of_the_classifications_while_they_are_switched_on() -> None:
    on = stored(labels=Labels(tags_enabled=True))

    assert presented(on, ["mine"])["tags"] == {"synced": ["Excel"], "manual": ["mine"]}
    assert presented(stored(), ["mine"])["tags"] == {"synced": [], "manual": ["mine"]}


def test_a_name_that_occurs_twice_is_one_tag() -> None:
    twice = [
        {"urn": f"urn:{number}", "type": "TOPIC", "name": name, "paths": []}
        for number, name in enumerate(["A", "A", ""])
    ]

    assert synced_tags(stored(classifications=twice).course, Labels(tags_enabled=True)) == ["A"]


def test_group_and_author_are_those_of_the_settings() -> None:
    labels = labels_of(integration(target_group="sales", author_email="author@example.com"))

    shown = presented(stored(labels=labels))

    assert (shown["group"], shown["author_email"]) == ("sales", "author@example.com")


def test_a_single_course_has_its_contents_and_its_html() -> None:
    element = {
        "details": {"descriptionIncludingHtml": {"value": "<em>x</em><script>y</script>"}},
        "contents": [{"asset": {"urn": "urn:c", "type": "CHAPTER", "title": {"value": "One"}}}],
    }

    shown = presented_alone(stored(), element)

    assert shown["description_html"] == "<em>x</em>"
    assert shown["short_description_html"] is None
    assert [one["title"] for one in shown["contents"]] == ["One"]
    assert presented_alone(stored(), None)["contents"] == []
