"""Every MUST of a statement, with the number of the conformance requirement that tests it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursebridge.xapi import strict
from xapi_builders import changed, statement, voiding

UUID = "6a9fefbb-3517-4b92-9d5e-5710aaba924f"
AGENT = {"mbox": "mailto:a@example.com"}
ACCOUNT = {"account": {"homePage": "https://example.com", "name": "a"}}
GROUP = {"objectType": "Group", "member": [AGENT]}
MAP = {"en-US": "text"}
NO_NULL = "is null, which only extensions may hold"
ATTACHMENT = {
    "usageType": "http://adlnet.gov/expapi/attachments/signature",
    "display": MAP,
    "contentType": "application/pdf",
    "length": 10,
    "sha2": "a" * 64,
    "fileUrl": "https://example.com/file.pdf",
}
SUB_STATEMENT = {
    "objectType": "SubStatement",
    "actor": AGENT,
    "verb": {"id": "http://example.com/planned"},
    "object": {"id": "http://example.com/website"},
}
INTERACTION: dict[str, Any] = {"id": "https://example.com/q", "definition": {"interactionType": "choice"}}


def errors(whole: object) -> list[str]:
    return [error.field for error in strict.errors(json.dumps(whole))]


def of_member(path: str, value: object) -> list[str]:
    return errors(changed(statement(), path, value))


def of_object(value: object, **members: Any) -> list[str]:
    return errors(statement(object=value, **members))


def of_definition(**members: object) -> list[str]:
    return of_member("object.definition", members)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("actor", GROUP),
        ("actor", {**GROUP, **ACCOUNT, "name": "Team"}),
        ("actor", {"objectType": "Group", **ACCOUNT}),
        ("actor", {"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"}),
        ("actor", {"openid": "https://openid.example.com/a"}),
        ("actor", {**ACCOUNT, "name": "A"}),
        ("object", {"id": "urn:li:lyndaCourse:1"}),
        ("object", {"objectType": "Agent", **AGENT}),
        ("object", {"objectType": "Group", **ACCOUNT}),
        ("object", {"objectType": "StatementRef", "id": UUID}),
        ("object", SUB_STATEMENT),
        (
            "object",
            {
                **SUB_STATEMENT,
                "object": {"objectType": "StatementRef", "id": UUID},
                "timestamp": "2099-01-01T00:00:00Z",
            },
        ),
        ("result", {"score": {"scaled": -1, "raw": 5, "min": 0, "max": 10.5}, "success": True, "response": ""}),
        ("result", {"score": {"raw": 0, "min": 0, "max": 10}}),
        ("result", {"score": {"raw": 10, "min": 0, "max": 10}}),
        ("result", {"extensions": {"https://example.com/x": None}, "duration": "P1Y2M10DT2H30M"}),
        ("context", {"registration": UUID.upper(), "instructor": GROUP, "team": GROUP, "language": "en-GB-oed"}),
        ("context", {"revision": "1", "platform": "web", "statement": {"objectType": "StatementRef", "id": UUID}}),
        ("context", {"contextActivities": {"parent": {"id": "https://example.com/p"}, "other": []}}),
        ("attachments", [ATTACHMENT]),
        ("authority", AGENT),
        ("authority", {"objectType": "Group", "member": [ACCOUNT, AGENT]}),
        ("version", "1.0"),
        ("version", "1.0.9"),
        ("timestamp", "2021-08-22T19:49:27+02:00"),
        ("timestamp", "20210822T194927Z"),
        ("timestamp", "2021-08-22t19:49:27z"),
        ("stored", "2021-08-22T19:49:27Z"),
        ("id", ...),
        ("timestamp", ...),
        ("verb.display", ...),
    ],
)
def test_what_the_specification_allows_passes(path: str, value: object) -> None:
    assert of_member(path, value) == []


@pytest.mark.parametrize(
    "path",
    [
        "actor", "verb", "object", "verb.display", "result.duration", "context.platform", "context.extensions",
        "object.definition.extensions",
    ],
)  # fmt: skip
def test_null_stands_in_extensions_only(path: str) -> None:
    """XAPI-00001: a null value is refused."""
    assert [(error.field, error.detail) for error in strict.errors(json.dumps(changed(statement(), path, None)))] == [
        (path, NO_NULL)
    ]


def test_null_in_a_list_is_named_by_its_place() -> None:
    """XAPI-00001."""
    assert of_member("actor", {"objectType": "Group", "member": [AGENT, None]}) == ["actor.member[1]"]


@pytest.mark.parametrize("name", ["actor", "verb", "object"])
def test_actor_verb_and_object_are_required(name: str) -> None:
    """XAPI-00003, XAPI-00004, XAPI-00005."""
    assert of_member(name, ...) == [name]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", 7),
        ("actor.name", 7),
        ("result.completion", "true"),
        ("result.success", 1),
        ("result.response", 7),
        ("result.score", {"raw": "5"}),
        ("result.score", {"raw": True}),
        ("result", []),
        ("context", "web"),
        ("attachments", {}),
        ("verb.display", "completed"),
    ],
)
def test_a_value_of_another_type_is_refused(path: str, value: object) -> None:
    """XAPI-00006: strings are neither numbers nor booleans."""
    assert of_member(path, value)[0].startswith(path)


@pytest.mark.parametrize(
    "path", ["ID", "Actor", "actor.Mbox", "verb.Id", "object.definition.moreinfo", "result.Completion"]
)
def test_the_case_of_a_key_matters(path: str) -> None:
    """XAPI-00008."""
    assert of_member(path, "x") == [path]


@pytest.mark.parametrize(("path", "value"), [("actor.objectType", "agent"), ("object.objectType", "activity")])
def test_the_case_of_an_enumerated_value_matters(path: str, value: str) -> None:
    """XAPI-00009, XAPI-00031, XAPI-00046."""
    assert of_member(path, value) == [path.split(".", maxsplit=1)[0]]


@pytest.mark.parametrize(
    "path", ["extra", "actor.extra", "verb.extra", "object.extra", "result.extra", "context.extra"]
)
def test_an_unknown_property_is_refused(path: str) -> None:
    """XAPI-00010."""
    assert of_member(path, "x") == [path]


@pytest.mark.parametrize(
    "iri", ["", "course", "//example.com/a", "/a", "http://exa mple.com", "1http://example.com", ":a", "a:"]
)
@pytest.mark.parametrize("path", ["verb.id", "object.id", "object.definition.type", "object.definition.moreInfo"])
def test_an_iri_has_a_scheme_and_no_spaces(path: str, iri: str) -> None:
    """XAPI-00007, XAPI-00011, XAPI-00044, XAPI-00047, XAPI-00060, XAPI-00061."""
    assert of_member(path, iri) == [path]


@pytest.mark.parametrize(
    "tag", ["", "e", "en_US", "en-", "-en", "en--US", "en US", "en-US-x", "abcdefghi", "i-", "en-a", "12"]
)
def test_a_language_tag_has_the_lengths_of_rfc_5646(tag: str) -> None:
    """XAPI-00013, XAPI-00045, XAPI-00091."""
    assert of_member("verb.display", {tag: "x"}) == [f"verb.display.{tag}"]
    assert of_member("context.language", tag) == ["context.language"]


@pytest.mark.parametrize(
    "tag",
    [
        "de",
        "en-US",
        "zh-Hant-TW",
        "es-419",
        "sl-rozaj-biske",
        "de-CH-1996",
        "x-own",
        "i-klingon",
        "sgn-BE-FR",
        "en-u-ca-gregory",
        "zh-cmn-Hans-CN",
        "en-x-a",
    ],
)
def test_every_kind_of_language_tag_passes(tag: str) -> None:
    """XAPI-00013."""
    assert of_member("verb.display", {tag: "x"}) == []


def test_a_voiding_statement_points_to_a_statement() -> None:
    """XAPI-00017, XAPI-00020."""
    assert errors(voiding(UUID)) == []
    assert errors(changed(voiding(UUID), "object", {"id": "https://example.com/a"})) == [""]


def test_a_property_is_given_once() -> None:
    """XAPI-00021: a duplicate key is refused."""
    text = json.dumps(statement()).replace('"verb"', '"actor": {}, "verb"')

    assert [(error.field, error.detail) for error in strict.errors(text)] == [("actor", "is given more than once")]


@pytest.mark.parametrize("name", ["timestamp", "stored"])
@pytest.mark.parametrize(
    "time",
    [
        "",
        "yesterday",
        "2021-08-22",
        "2021-13-22T00:00:00Z",
        "2021-08-22T19:49:27-00:00",
        "2021-08-22T19:49:27-00",
        "2021-08-22T19:49:27-0000",
        "T10:00",
    ],
)
def test_a_timestamp_is_a_date_and_time(name: str, time: str) -> None:
    """XAPI-00022, XAPI-00023."""
    assert of_member(name, time) == [name]


@pytest.mark.parametrize(
    "uuid", ["", "s1", UUID[:-1], UUID + "0", UUID.replace("-", ""), f"{{{UUID}}}", UUID[:-1] + "g"]
)
def test_a_uuid_is_in_its_standard_form(uuid: str) -> None:
    """XAPI-00027, XAPI-00029, XAPI-00072, XAPI-00087."""
    assert of_member("id", uuid) == ["id"]
    assert of_member("context.registration", uuid) == ["context.registration"]
    assert of_object({"objectType": "StatementRef", "id": uuid}) == ["object.id"]


@pytest.mark.parametrize(
    "agent",
    [
        {},
        {"name": "A"},
        {**AGENT, **ACCOUNT},
        {**AGENT, "openid": "https://example.com"},
    ],
)
@pytest.mark.parametrize("path", ["actor", "authority", "context.instructor"])
def test_an_agent_has_exactly_one_identifier(path: str, agent: dict[str, Any]) -> None:
    """XAPI-00034."""
    assert of_member(path, agent) == [path]


@pytest.mark.parametrize(
    ("group", "field"),
    [
        ({"objectType": "Group"}, ""),
        ({"objectType": "Group", "member": []}, ""),
        ({"objectType": "Group", **AGENT, **ACCOUNT}, ""),
        ({"objectType": "Group", "member": AGENT}, ".member"),
        ({"objectType": "Group", "member": [GROUP]}, ".member[0].objectType"),
        ({"objectType": "Group", "member": [{}]}, ".member[0]"),
    ],
)
def test_a_group_is_identified_or_has_agents_as_members(group: dict[str, Any], field: str) -> None:
    """XAPI-00036, XAPI-00037."""
    found = of_member("actor", group)

    assert found
    assert f"actor{field}" in found


def test_only_a_group_has_members() -> None:
    """XAPI-00035."""
    assert of_member("actor.member", [AGENT]) == ["actor.member"]


@pytest.mark.parametrize(
    "mbox",
    [
        "",
        "a@example.com",
        "mailto:",
        "mailto:a",
        "mailto:@example.com",
        "mailto:a@",
        "mailto:a b@example.com",
        "http://a@example.com",
    ],
)
def test_an_mbox_is_a_mailto_iri(mbox: str) -> None:
    """XAPI-00038."""
    assert of_member("actor.mbox", mbox) == ["actor.mbox"]


@pytest.mark.parametrize(
    ("identifier", "field"),
    [
        ({"mbox_sha1sum": "abc"}, "mbox_sha1sum"),
        ({"mbox_sha1sum": 1}, "mbox_sha1sum"),
        ({"openid": "a"}, "openid"),
        ({"account": "a"}, "account"),
        ({"account": {"name": "a"}}, "account.homePage"),
        ({"account": {"homePage": "https://example.com"}}, "account.name"),
        ({"account": {"homePage": "example", "name": "a"}}, "account.homePage"),
        ({"account": {"homePage": "https://example.com", "name": 1}}, "account.name"),
    ],
)
def test_the_other_identifiers_have_their_formats(identifier: dict[str, Any], field: str) -> None:
    """XAPI-00039, XAPI-00040, XAPI-00041, XAPI-00042, XAPI-00043."""
    assert of_member("actor", identifier) == [f"actor.{field}"]


@pytest.mark.parametrize(
    ("kind", "lists"),
    [
        ("true-false", []),
        ("choice", ["choices"]),
        ("fill-in", []),
        ("long-fill-in", []),
        ("matching", ["source", "target"]),
        ("performance", ["steps"]),
        ("sequencing", ["choices"]),
        ("likert", ["scale"]),
        ("numeric", []),
        ("other", []),
    ],
)
def test_every_interaction_type_has_its_components(kind: str, lists: list[str]) -> None:
    """XAPI-00049 to XAPI-00055."""
    components = {name: [{"id": "a", "description": MAP}, {"id": "b"}] for name in lists}

    assert of_definition(interactionType=kind, correctResponsesPattern=["a"], **components) == []


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"interactionType": "Choice"}, ".interactionType"),
        ({"interactionType": "choice", "correctResponsesPattern": "a"}, ".correctResponsesPattern"),
        ({"interactionType": "choice", "correctResponsesPattern": [1]}, ".correctResponsesPattern[0]"),
        ({"interactionType": "choice", "choices": {"id": "a"}}, ".choices"),
        ({"interactionType": "choice", "choices": ["a"]}, ".choices[0]"),
        ({"interactionType": "choice", "choices": [{}]}, ".choices[0].id"),
        ({"interactionType": "choice", "choices": [{"id": 1}]}, ".choices[0].id"),
        ({"interactionType": "choice", "choices": [{"id": "a"}, {"id": "a"}]}, ".choices"),
        ({"interactionType": "choice", "choices": [{"id": "a", "description": "x"}]}, ".choices[0].description"),
        ({"interactionType": "choice", "scale": [{"id": "a"}]}, ""),
        ({"correctResponsesPattern": ["a"]}, ""),
        ({"choices": [{"id": "a"}]}, ""),
        ({"name": "x"}, ".name"),
        ({"description": {"en": 1}}, ".description.en"),
        ({"extensions": {"x": 1}}, ".extensions.x"),
        ({"extensions": []}, ".extensions"),
    ],
)
def test_a_definition_is_of_the_right_shape(members: dict[str, Any], field: str) -> None:
    """XAPI-00048, XAPI-00049 to XAPI-00064."""
    assert of_definition(**members) == [f"object.definition{field}"]


@pytest.mark.parametrize("target", [AGENT, {"member": [AGENT]}, {**SUB_STATEMENT, "objectType": "Activity"}])
def test_an_object_that_is_no_activity_says_so(target: dict[str, Any]) -> None:
    """XAPI-00065, XAPI-00073."""
    assert of_object(target) != []


@pytest.mark.parametrize("name", ["id", "stored", "version", "authority"])
def test_a_sub_statement_has_nothing_that_a_receiver_assigns(name: str) -> None:
    """XAPI-00067, XAPI-00068, XAPI-00069, XAPI-00070."""
    assert of_object({**SUB_STATEMENT, name: statement().get(name, "1.0.3")}) == [f"object.{name}"]


def test_a_sub_statement_keeps_the_rules_of_statements() -> None:
    """XAPI-00066."""
    assert of_object({**SUB_STATEMENT, "verb": {}}) == ["object.verb.id"]
    assert of_object(
        {**SUB_STATEMENT, "object": {"objectType": "StatementRef", "id": UUID}, "context": {"platform": "x"}}
    ) == ["object"]


def test_sub_statements_do_not_nest() -> None:
    """XAPI-00071."""
    assert of_object({**SUB_STATEMENT, "object": SUB_STATEMENT}) == ["object.object"]


@pytest.mark.parametrize("duration", ["", "P", "PT", "4M30S", "P1H", "PT1D", "P1W2D", "PT4M30", "-PT1S", "P1YT"])
def test_a_duration_is_of_iso_8601(duration: str) -> None:
    """XAPI-00077."""
    assert of_member("result.duration", duration) == ["result.duration"]


@pytest.mark.parametrize("extensions", [{"x": 1}, {"": 1}, [], "x"])
@pytest.mark.parametrize("path", ["result.extensions", "context.extensions"])
def test_extensions_are_named_by_iris(path: str, extensions: object) -> None:
    """XAPI-00057, XAPI-00078."""
    assert of_member(path, extensions)[0].startswith(path)


@pytest.mark.parametrize(
    ("score", "field"),
    [
        ({"scaled": 1.01}, ".scaled"),
        ({"scaled": -1.01}, ".scaled"),
        ({"min": 5, "max": 5}, ""),
        ({"min": 6, "max": 5}, ""),
        ({"raw": 11, "max": 10}, ""),
        ({"raw": -1, "min": 0}, ""),
        ({"max": "10"}, ".max"),
        ([], ""),
    ],
)
def test_a_score_keeps_within_its_bounds(score: object, field: str) -> None:
    """XAPI-00079 to XAPI-00083."""
    assert of_member("result.score", score) == [f"result.score{field}"]


@pytest.mark.parametrize(
    "target", [{"objectType": "Agent", **AGENT}, {"objectType": "StatementRef", "id": UUID}, SUB_STATEMENT]
)
@pytest.mark.parametrize("name", ["revision", "platform"])
def test_revision_and_platform_go_with_activities(name: str, target: dict[str, Any]) -> None:
    """XAPI-00084, XAPI-00085."""
    assert of_object(target, context={name: "1"}) == [""]
    assert of_object(target, context={"language": "en"}) == []


@pytest.mark.parametrize(
    ("context", "field"),
    [
        ({"contextActivities": []}, ".contextActivities"),
        ({"contextActivities": {}}, ".contextActivities"),
        ({"contextActivities": {"Parent": []}}, ".contextActivities.Parent"),
        ({"contextActivities": {"parent": "x"}}, ".contextActivities.parent"),
        ({"contextActivities": {"parent": [{"id": "x"}]}}, ".contextActivities.parent[0].id"),
        ({"contextActivities": {"parent": {"objectType": "Agent", **AGENT}}}, ".contextActivities.parent.objectType"),
        ({"team": AGENT}, ".team.objectType"),
        ({"team": "x"}, ".team"),
        ({"instructor": "x"}, ".instructor"),
        ({"revision": 1}, ".revision"),
        ({"platform": 1}, ".platform"),
        ({"statement": {"id": UUID}}, ".statement.objectType"),
        ({"statement": {"objectType": "StatementRef", "id": "x"}}, ".statement.id"),
        ({"statement": SUB_STATEMENT}, ".statement.objectType"),
    ],
)
def test_a_context_is_of_the_right_shape(context: dict[str, Any], field: str) -> None:
    """XAPI-00086 to XAPI-00095."""
    assert f"context{field}" in of_member("context", context)


@pytest.mark.parametrize(
    "authority",
    [
        GROUP,
        {"objectType": "Group", "member": [AGENT, AGENT, ACCOUNT]},
        {"objectType": "Group", "member": [AGENT, ACCOUNT], **ACCOUNT},
        "a@example.com",
    ],
)
def test_an_authority_is_an_agent_or_two(authority: object) -> None:
    """XAPI-00024, XAPI-00098, XAPI-00100."""
    assert of_member("authority", authority) == ["authority"]


@pytest.mark.parametrize("version", ["", "1", "1.1", "1.1.0", "2.0.0", "1.0.", "1.0.x", "1.0.01", "v1.0", "0.95"])
def test_the_version_is_one_of_1_0(version: str) -> None:
    """XAPI-00101."""
    assert of_member("version", version) == ["version"]


@pytest.mark.parametrize("name", list(ATTACHMENT))
def test_an_attachment_is_fully_described(name: str) -> None:
    """XAPI-00102 to XAPI-00107."""
    without = {key: value for key, value in ATTACHMENT.items() if key != name}

    assert of_member("attachments", [without]) == [f"attachments[0].{name}"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("length", "10"),
        ("length", -1),
        ("length", 1.5),
        ("sha2", "abc"),
        ("fileUrl", "file.pdf"),
        ("contentType", "pdf"),
        ("usageType", "signature"),
        ("display", "x"),
        ("description", {"en": 1}),
    ],
)
def test_what_describes_an_attachment_has_its_format(name: str, value: object) -> None:
    """XAPI-00025, XAPI-00102 to XAPI-00107."""
    assert of_member("attachments", [{**ATTACHMENT, name: value}])[0].startswith(f"attachments[0].{name}")


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
KEYS = (
    st.sampled_from(["id", "objectType", "mbox", "member", "display", "definition", "extensions", "scaled"]) | st.text()
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
PATHS = st.sampled_from(
    [
        "id",
        "actor",
        "actor.mbox",
        "verb",
        "verb.id",
        "object",
        "object.definition",
        "result",
        "result.score",
        "context",
        "version",
    ]
)


@given(PATHS, JSON)
def test_anything_is_answered_with_errors_or_passes(path: str, value: object) -> None:
    whole = changed(statement(), path, value)

    assert all(error.detail for error in strict.errors(json.dumps(whole)))


@given(JSON)
def test_errors_never_repeat_what_was_sent(value: object) -> None:
    secret = "somebody@example.com"
    whole = statement(actor={"mbox": secret, "objectType": secret, "name": [secret]}, extra=value)

    assert not any(secret in error.detail for error in strict.errors(json.dumps(whole)))
