"""The sandbox's own URLs."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from sandbox.aicc import Exchange
from sandbox.catalogue import layout
from sandbox.pusher import Outcome, Pusher, TokenRefused
from sandbox.world import World

Json = dict[str, Any]
COURSE = layout.course_urn(0)
ASSET = f"/_sandbox/assets/{quote(COURSE, safe='')}"
RECEIVER = {
    "oauth_url": "https://receiver.example/token",
    "statements_url": "https://receiver.example/xapi",
    "client_id": "us",
    "client_secret": "s",
}


def test_health_says_how_much_there_is(http: httpx.Client, world: World) -> None:
    assert http.get("/_sandbox/health").json() == {"status": "ok", "generation": 0, "assets": len(world.catalogue)}


def test_the_controls_are_not_counted(http: httpx.Client) -> None:
    http.get("/_sandbox/health")
    assert http.get("/_sandbox/requests").json()["total"] == 0


def test_a_step_says_what_it_touched(http: httpx.Client) -> None:
    touched = http.post("/_sandbox/step", json={"seed": 3, "create": 1, "update": 2}).json()
    assert touched.keys() == {"generation", "created", "updated", "retired", "removed", "restored"}
    assert (touched["generation"], len(touched["created"]), len(touched["updated"])) == (1, 1, 2)
    assert http.post("/_sandbox/step", json={"seed": 3, "update": 2}).json()["generation"] == 2


@pytest.mark.parametrize("body", [b'{"destroy": 1}', b"not json", b"[]"])
def test_what_is_no_step_is_refused(http: httpx.Client, body: bytes) -> None:
    response = http.post("/_sandbox/step", content=body)
    assert response.status_code == 400
    assert response.json()["message"]


def served(http: httpx.Client) -> Json:
    body: Json = http.get(f"/v2/learningAssets/{quote(COURSE, safe='')}?includeRetired=true").json()
    return body


def test_an_asset_is_patched(http: httpx.Client) -> None:
    before = served(http)
    patch = {"title": {"value": "Other"}, "details": {"level": None, "images": {"primary": "x"}}, "new": {"a": 1}}
    assert http.patch(ASSET, json=patch).status_code == 200
    after = served(http)
    assert after["title"] == {"locale": before["title"]["locale"], "value": "Other"}
    assert "level" not in after["details"]
    assert after["details"]["images"] == {"primary": "x"}
    assert after["new"] == {"a": 1}
    assert after["contents"] == before["contents"]


def test_an_asset_is_retired_restored_and_updated(http: httpx.Client) -> None:
    first = served(http)["details"]["lastUpdatedAt"]
    http.post(f"{ASSET}/retire")
    assert served(http)["details"]["availability"] == "RETIRED"
    http.post(f"{ASSET}/restore")
    assert served(http)["details"]["availability"] == "AVAILABLE"
    http.post(f"{ASSET}/update")
    assert served(http)["details"]["lastUpdatedAt"] > first


def test_an_asset_is_removed_and_restored(http: httpx.Client) -> None:
    http.delete(ASSET)
    assert served(http)["status"] == 404
    assert http.delete(ASSET).status_code == 404
    http.post(f"{ASSET}/restore")
    assert served(http)["urn"] == COURSE


def test_an_asset_is_put_in(http: httpx.Client) -> None:
    element = {"urn": "urn:li:lyndaCourse:252", "type": "COURSE", "title": {"value": "Mine"}}
    assert http.post("/_sandbox/assets", json=element).json() == {"urn": element["urn"]}
    assert http.get(f"/v2/learningAssets/{element['urn']}").json() == element
    assert http.post("/_sandbox/assets", json={"type": "COURSE"}).status_code == 400


def test_the_truth_about_assets_is_filtered_and_paged(http: httpx.Client) -> None:
    everything = http.get("/_sandbox/truth/assets", params={"type": "COURSE", "limit": 9999}).json()
    assert everything["total"] == len(everything["items"]) == layout.slots(260)
    part = http.get("/_sandbox/truth/assets", params={"type": "COURSE", "start": 10, "limit": 5}).json()
    assert part["items"] == everything["items"][10:15]
    retired = http.get("/_sandbox/truth/assets", params={"availability": "retired", "type": "COURSE"}).json()
    assert {row["availability"] for row in retired["items"]} == {"RETIRED"}
    licensed = http.get("/_sandbox/truth/assets", params={"type": "COURSE", "licensed": "false"}).json()
    assert 0 < licensed["total"] < 10
    assert http.get("/_sandbox/truth/assets", params={"start": "x"}).status_code == 400


def test_the_truth_forgets_removed_assets(http: httpx.Client) -> None:
    total = http.get("/_sandbox/truth/assets", params={"type": "COURSE"}).json()["total"]
    http.delete(ASSET)
    assert http.get("/_sandbox/truth/assets", params={"type": "COURSE"}).json()["total"] == total - 1


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[Json]:
    """The statements that would have been sent, all of them acknowledged."""
    sent: list[Json] = []

    def push(_self: Pusher, statements: list[Json]) -> Outcome:
        sent.extend(statements)
        return Outcome(statements=len(statements), acknowledged=[one["id"] for one in statements])

    monkeypatch.setattr(Pusher, "push", push)
    return sent


def test_a_push_tells_what_became_of_it_and_the_truth(http: httpx.Client, pushed: list[Json]) -> None:
    answer = http.post("/_sandbox/push", json={**RECEIVER, "learners": 3, "withhold_completed": 0.5}).json()
    assert answer["statements"] == len(pushed)
    assert sorted(answer["acknowledged"]) == sorted(one["id"] for one in pushed)
    told = [identity for activity in answer["truth"] for identity in activity["pushed"]]
    assert sorted(told) == sorted(one["id"] for one in pushed)
    assert http.get("/_sandbox/truth/activity").json()["items"] == answer["truth"]
    assert http.delete("/_sandbox/truth/activity").json() == {"total": 0}
    assert http.get("/_sandbox/truth/activity").json()["items"] == []


def test_given_statements_are_sent_as_they_are(http: httpx.Client, pushed: list[Json]) -> None:
    assert http.post("/_sandbox/send", json={**RECEIVER, "statements": [{"id": "x"}]}).json()["statements"] == 1
    assert pushed == [{"id": "x"}]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("push", RECEIVER | {"nonsense": 1}),
        ("push", {"learners": 1}),
        ("push", RECEIVER | {"learners": "many"}),
        ("push", RECEIVER | {"content_type": "smoke signals"}),
        ("push", RECEIVER | {"batch": 0}),
        ("push", RECEIVER | {"actor": "openid"}),
        ("learn", {"days": "long"}),
        ("aicc", {"launch_url": "", "line_ending": "none"}),
        ("push", RECEIVER | {"variants": ["nonsense"]}),
        ("send", {"statements": []}),
        ("aicc", {"launch_url": "https://x.example"}),
        ("aicc", {"launch_url": "", "style": "loud"}),
        ("aicc", {"launch_url": "https://x.example/?AICC_SID=1&AICC_URL=y", "progress": 5}),
        ("send", RECEIVER | {"statements": 5}),
        ("step", {"create": "many"}),
        ("step", {"retire": -1}),
        ("step", {"update": 1, "at": "now"}),
        ("applications", {"client_id": ["us"], "client_secret": "s"}),
    ],
)
def test_what_cannot_be_done_is_refused(http: httpx.Client, path: str, body: Json) -> None:
    response = http.post(f"/_sandbox/{path}", json=body)
    assert response.status_code == 400
    assert response.json()["message"]


@pytest.mark.parametrize("path", ["push", "send"])
@pytest.mark.parametrize("error", [TokenRefused("401"), httpx.ConnectError("nobody there")])
def test_a_receiver_without_token_is_a_bad_gateway(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str, error: Exception
) -> None:
    def fail(_self: Pusher, _statements: list[Json]) -> Outcome:
        raise error

    monkeypatch.setattr(Pusher, "push", fail)
    assert http.post(f"/_sandbox/{path}", json=RECEIVER).status_code == 502


def test_an_aicc_session_is_played(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.aicc._call", lambda _client, _url, form: _exchange(form["command"]))
    launch = "https://x.example/?AICC_SID=s&AICC_URL=https://receiver.example"
    answer = http.post("/_sandbox/aicc", json={"launch_url": launch, "progress": [100], "upper_case": True}).json()
    assert [exchange["command"] for exchange in answer["exchanges"]] == ["GETPARAM", "PUTPARAM", "EXITAU"]


def test_an_unreachable_lms_is_a_bad_gateway(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise httpx.ConnectError("nobody there")

    monkeypatch.setattr("sandbox.aicc._call", fail)
    launch = "https://x.example/?AICC_SID=s&AICC_URL=https://receiver.example"
    assert http.post("/_sandbox/aicc", json={"launch_url": launch}).status_code == 502


def _exchange(command: str) -> Exchange:
    return Exchange(command, 200, "0", "error=0")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/v2/learningAssets", 405)]
)
def test_what_is_not_there_is_refused_in_linkedins_shape(
    http: httpx.Client, method: str, path: str, status: int
) -> None:
    response = http.request(method, path)
    assert response.status_code == status
    assert response.json()["status"] == status
