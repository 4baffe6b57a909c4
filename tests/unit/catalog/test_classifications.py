"""Classifications form a graph by URN, built from assets and finders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_builders import LIBRARY, SKILL, SUBJECT, TOPIC
from coursebridge.catalog.classification_graph import TOGETHER, merge_nodes, presented
from coursebridge.catalog.classifications import Node, classifications_of, entries_of, merged, node_of, nodes_of
from coursebridge.graph import model
from coursebridge.storage.classifications import ClassificationStore
from memory_table import MemoryTable

if TYPE_CHECKING:
    from coursebridge.storage.table import Table

OTHER_SUBJECT = "urn:li:lyndaCategory:7201"


def classification(urn: str, kind: str, name: str, language: str = "en", country: str | None = "US") -> dict[str, Any]:
    locale = {"language": language, "country": country}
    owner = {"urn": "urn:li:organization:1337", "name": {"value": "LinkedIn"}}
    return {"urn": urn, "type": kind, "name": {"value": name, "locale": locale}, "owner": owner}


def entry(one: dict[str, Any], *path: Any, **more: Any) -> dict[str, Any]:
    return {"associatedClassification": one, "path": list(path), **more}


def nodes_in(details: dict[str, Any]) -> list[Node]:
    return [node for one in entries_of({"details": details}) for node in nodes_of(one)]


EXCEL = classification(TOPIC, "TOPIC", "Excel")
SPREADSHEETS = classification(SUBJECT, "SUBJECT", "Spreadsheets")
DATA = classification(OTHER_SUBJECT, "SUBJECT", "Data")
BUSINESS = classification(LIBRARY, "LIBRARY", "Business")


def store() -> ClassificationStore:
    table: Any = MemoryTable()
    return ClassificationStore(table, "acme")


def test_a_topic_under_two_subjects_is_one_classification_with_two_paths() -> None:
    details = {
        "classifications": [
            entry(EXCEL, SPREADSHEETS, BUSINESS),
            entry(EXCEL, DATA, BUSINESS),
            entry(EXCEL, SPREADSHEETS, BUSINESS),
        ]
    }

    assert classifications_of(details) == [
        {"urn": TOPIC, "type": "TOPIC", "name": "Excel", "paths": [[SUBJECT, LIBRARY], [OTHER_SUBJECT, LIBRARY]]}
    ]
    assert merged(nodes_in(details))[TOPIC].parents == {SUBJECT, OTHER_SUBJECT}


def test_a_path_gives_each_of_its_links_the_next_one_as_a_parent() -> None:
    known = merged(nodes_of(entry(EXCEL, SPREADSHEETS, BUSINESS)))

    assert {urn: node.parents for urn, node in known.items()} == {
        TOPIC: {SUBJECT},
        SUBJECT: {LIBRARY},
        LIBRARY: set(),
    }


def test_a_path_may_hold_bare_urns_or_wrapped_ones() -> None:
    wrapped = {"associatedClassification": BUSINESS}

    assert classifications_of({"classifications": [entry(EXCEL, SUBJECT, wrapped)]})[0]["paths"] == [[SUBJECT, LIBRARY]]


def test_credits_and_disciplines_of_a_certification_are_kept_whatever_linkedin_calls_them() -> None:
    unit = classification("urn:li:lyndaCredentialingProgram:1", "CONTINUING_EDUCATION_UNIT", "CPE")
    more = {"numberOfCredits": 1.5, "disciplines": [{"value": "Accounting"}, {"name": {"value": "Tax"}}, {}]}

    [one] = classifications_of({"classifications": [entry(unit, **more, creditsExpire=True)]})

    assert one["credits"] == 1.5
    assert one["disciplines"] == ["Accounting", "Tax"]


def test_what_has_no_urn_is_no_classification() -> None:
    odd = {"classifications": [None, {}, entry({"type": "TOPIC"}), {"associatedClassification": EXCEL, "path": "none"}]}

    assert [one["urn"] for one in classifications_of(odd)] == [TOPIC]
    assert [node.urn for node in nodes_in(odd)] == [TOPIC]
    assert node_of({}) is None


def test_names_are_kept_by_locale_and_shown_in_the_one_asked_for() -> None:
    kept = store()
    german = classification(LIBRARY, "LIBRARY", "Wirtschaft", "de", "DE")
    merge_nodes(kept, merged(filter(None, map(node_of, [BUSINESS, german]))))

    [item] = kept.all()

    assert presented(item, "de_DE")["name"] == "Wirtschaft"
    assert presented(item, "fr_FR")["name"] == presented(item)["name"] == "Business"
    assert presented(item)["owner"] == {"urn": "urn:li:organization:1337", "name": "LinkedIn"}


def test_a_classification_known_by_its_urn_alone_gets_its_type_and_name_later() -> None:
    kept = store()
    merge_nodes(kept, {SKILL: Node(SKILL, "UNKNOWN")})

    merge_nodes(kept, merged([Node(SKILL, "SKILL", {"en_US": "Excel"})]))

    [item] = kept.all()
    assert (item["type"], item["names"]) == ("SKILL", {"en_US": "Excel"})


def test_an_owner_that_changes_its_urn_does_not_write_in_turns() -> None:
    kept = store()
    old = {**BUSINESS, "owner": {"urn": "urn:li:company:1337"}}
    for element in (BUSINESS, old, BUSINESS):
        merge_nodes(kept, merged(filter(None, [node_of(element)])))

    [item] = kept.all()
    assert item["version"] == 1


def test_a_name_changes_with_the_list_and_not_with_assets_that_still_have_the_old_one() -> None:
    kept = store()
    renamed = classification(LIBRARY, "LIBRARY", "Business Skills")
    for element, listed in ((BUSINESS, True), (renamed, False), (renamed, True), (BUSINESS, False)):
        merge_nodes(kept, merged(filter(None, [node_of(element)])), listed=listed)

    [item] = kept.all()
    assert (item["names"], item["version"]) == ({"en_US": "Business Skills"}, 2)


@pytest.mark.parametrize("others", [1, TOGETHER, 100], ids=["once", "as often as all are tried at once", "always"])
@pytest.mark.parametrize("number", [1, 2, 100])
def test_those_who_learn_at_once_lose_nothing(monkeypatch: pytest.MonkeyPatch, others: int, number: int) -> None:
    monkeypatch.setattr("coursebridge.catalog.classification_graph.time.sleep", lambda _seconds: None)
    theirs, told = store(), list(range(others))

    class Raced(ClassificationStore):
        """A store in which somebody else writes the library just before each write."""

        def put(self, item: Any) -> Any:
            self._meanwhile()
            return super().put(item)

        def put_all(self, items: Any) -> bool:
            self._meanwhile()
            return super().put_all(items)

        def _meanwhile(self) -> None:
            if told:
                merge_nodes(theirs, {LIBRARY: Node(LIBRARY, "LIBRARY", {f"l{told.pop()}": "Wirtschaft"})})

    raced = Raced(theirs.table, "acme")
    ours = [Node(LIBRARY, "LIBRARY", {"en_US": "Business"}, {"urn:li:parent"})]
    ours += [Node(f"urn:{n}", "TOPIC", {"en_US": "Topic"}) for n in range(1, number)]
    merge_nodes(raced, merged(ours))

    items = {item["urn"]: item for item in raced.all()}
    assert len(items) == number
    assert items[LIBRARY]["names"] == {"en_US": "Business"} | {
        f"l{n}": "Wirtschaft" for n in range(others) if n not in told
    }
    assert items[LIBRARY]["parents"] == ["urn:li:parent"]


def test_what_others_were_faster_to_tell_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coursebridge.catalog.classification_graph.time.sleep", lambda _seconds: None)
    theirs, tried = store(), list[int]()
    ours = merged([Node(LIBRARY, "LIBRARY", {"en_US": "Business"}), Node(SKILL, "SKILL", {"en_US": "Excel"})])

    class Beaten(ClassificationStore):
        """A store in which others always write first, in the end with the same content."""

        def put_all(self, items: Any) -> bool:
            tried.append(len(items))
            if len(tried) == TOGETHER:
                merge_nodes(theirs, ours)
            return False

    assert merge_nodes(Beaten(theirs.table, "acme"), ours) == 0
    assert tried == [2] * TOGETHER
    assert {item["version"] for item in theirs.all()} == {1}


@pytest.mark.parametrize(
    "label",
    ["Business", {"value": "Business"}, {"value": "Business", "locale": {}}, {"value": "Business", "locale": 7}],
)
def test_a_name_without_a_locale_can_be_kept_and_is_shown(table: Table, label: Any) -> None:
    kept = ClassificationStore(table, "acme")

    merge_nodes(kept, merged(filter(None, [node_of({**BUSINESS, "name": label})])))

    [item] = kept.all()
    assert item["names"] == {"und": "Business"}
    assert presented(item)["name"] == "Business"
    assert model.classification("acme", item)["locale"] is None


WORDS = st.sampled_from(["name", "value", "locale", "language", "country", "type", "owner", "urn"])
json = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, json))
def test_whatever_linkedin_sends_no_map_of_a_classification_has_an_empty_key(element: dict[str, Any]) -> None:
    node = node_of({**element, "urn": LIBRARY})

    assert node is not None
    assert all(locale and label for locale, label in node.names.items())


nodes = st.builds(
    Node,
    urn=st.sampled_from([TOPIC, SUBJECT]),
    type=st.sampled_from(["TOPIC", "UNKNOWN"]),
    names=st.dictionaries(st.sampled_from(["en_US", "de_DE"]), st.just("name"), max_size=2),
    parents=st.sets(st.sampled_from([SUBJECT, OTHER_SUBJECT, LIBRARY])),
)


@given(st.lists(nodes, max_size=6))
def test_learning_the_same_again_writes_nothing(told: list[Node]) -> None:
    kept = store()
    for node in told:
        merge_nodes(kept, merged([node]))
    kept.table.writes.clear()  # type: ignore[attr-defined]

    assert sum(merge_nodes(kept, merged([node])) for node in told) == 0
    assert not kept.table.writes  # type: ignore[attr-defined]
