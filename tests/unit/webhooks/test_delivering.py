"""From an event to an endpoint."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

import webhooks_handler
from cfn import resources
from coursebridge import clients
from coursebridge.settings import settings
from coursebridge.webhooks import signing
from coursebridge.webhooks.deliveries import DeliveryStore
from coursebridge.webhooks.dispatch import MOST_RECEIVES, MOST_TRIES, PAUSES
from learning_lab import ACME
from unit.conftest import Context
from unit.webhooks.conftest import PREFIX, Lab, bus_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coursebridge.webhooks.deliveries import Delivery
    from coursebridge.webhooks.targets import Target


def delivered(lab: Lab, **settings: Any) -> tuple[Target, str, int | None]:
    """Make an endpoint, send it an event, and try once; return it, its secret, and the pause before the next try."""
    target, secret = lab.create(**settings)
    lab.dispatcher.fan_out(bus_event(attempt={"id": "a1"}))
    return target, secret, lab.dispatcher.deliver(ACME, only(lab, target).id)


def only(lab: Lab, target: Target) -> Delivery:
    (delivery,) = lab.deliveries(target)
    assert isinstance(delivery.payload, str)
    return delivery  # type: ignore[no-any-return]


@given(st.binary(max_size=200), st.text("abcdef-0123456789", min_size=1), st.lists(st.none(), min_size=1, max_size=2))
def test_the_reference_library_agrees_with_every_signature(body: bytes, message_id: str, live: list[None]) -> None:
    secrets = [signing.new_secret() for _ in live]
    at = datetime.now(UTC)

    headers = signing.headers(message_id, at, body, secrets)

    wanted = [Webhook(secret).sign(message_id, at, body.decode("latin1")) for secret in secrets]
    assert headers["webhook-timestamp"] == str(int(at.timestamp()))
    if body.isascii():
        assert headers["webhook-signature"] == " ".join(wanted)


def test_an_event_arrives_signed_and_whole(lab: Lab) -> None:
    target, secret, pause = delivered(lab)

    (request,) = lab.requests
    assert pause is None
    assert request.url == "https://93.184.216.34/hook?x=1"
    assert request.headers["host"] == "lms.example.com"
    assert request.extensions["sni_hostname"] == "lms.example.com"
    assert request.headers["webhook-id"] == "e1"
    assert json.loads(request.content) == {
        "type": "AttemptCompleted", "timestamp": "2026-03-01T10:00:00.000Z", "id": "e1", "version": "1",
        "integration_id": ACME, "data": {"attempt": {"id": "a1"}},
    }  # fmt: skip
    assert only(lab, target).status == "delivered"
    key = signing.headers("e1", datetime.fromtimestamp(1772359200, UTC), request.content, [secret])
    assert request.headers["webhook-signature"] == key["webhook-signature"]


def test_two_live_secrets_both_sign(lab: Lab) -> None:
    target, _ = lab.create()
    lab.webhooks.rotate(target.id, datetime.now(UTC))
    lab.dispatcher.fan_out(bus_event())
    lab.dispatcher.deliver(ACME, only(lab, target).id)

    assert len(lab.requests[0].headers["webhook-signature"].split()) == 2


def test_only_wanted_events_go_out(lab: Lab) -> None:
    lab.create(event_types=("CourseCreated",))
    lab.create(enabled=False)

    assert lab.dispatcher.fan_out(bus_event()) == 0
    assert lab.dispatcher.fan_out(bus_event("CourseCreated")) == 1


def test_an_event_that_comes_twice_is_delivered_once(lab: Lab) -> None:
    target, _, _ = delivered(lab)

    assert lab.dispatcher.fan_out(bus_event(attempt={"id": "a1"})) == 0
    assert lab.dispatcher.deliver(ACME, only(lab, target).id) is None
    assert len(lab.requests) == 1


def test_an_event_whose_message_was_lost_is_queued_again(lab: Lab) -> None:
    target, _ = lab.create()
    lab.dispatcher.fan_out(bus_event())
    lab.dispatcher.fan_out(bus_event())

    assert only(lab, target).status == "pending"
    assert lab.queued() == 2


@pytest.mark.parametrize("answer", [500, 404, 301, 429, httpx.ConnectError("no"), httpx.ReadTimeout("slow")])
def test_what_fails_is_tried_again_after_a_growing_pause(lab: Lab, answer: int | Exception) -> None:
    lab.answers = [answer, 200]
    target, _, pause = delivered(lab)

    assert pause == PAUSES[0]
    delivery = only(lab, target)
    assert (delivery.status, delivery.next_try_at) == ("retrying", "2026-03-01T10:00:05.000Z")
    assert lab.dispatcher.deliver(ACME, delivery.id) is None
    assert [one.error is None for one in only(lab, target).tries] == [False, True]


def test_after_the_last_try_a_delivery_has_failed(lab: Lab) -> None:
    lab.answers = [500] * MOST_TRIES
    target, _, first = delivered(lab)
    pauses = [first, *(lab.dispatcher.deliver(ACME, only(lab, target).id) for _ in PAUSES)]

    assert pauses == [*PAUSES, 0]
    assert only(lab, target).status == "failed"
    assert lab.dispatcher.deliver(ACME, only(lab, target).id) is None


def test_a_replay_has_all_its_tries_again(lab: Lab) -> None:
    lab.answers = [500] * (MOST_TRIES + 1)
    target, _, _ = delivered(lab)
    for _ in PAUSES:
        lab.dispatcher.deliver(ACME, only(lab, target).id)

    again = lab.webhooks.replay(target.id, only(lab, target).id, clients.sqs(), lab.queue_url)

    assert lab.dispatcher.deliver(ACME, again.id) == PAUSES[0]


def test_a_replay_is_not_lost_to_a_try_that_was_under_way(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.answers = [500] * (MOST_TRIES + 1)
    target, _, _ = delivered(lab)
    for _ in PAUSES[1:]:
        lab.dispatcher.deliver(ACME, only(lab, target).id)
    receive = type(lab)._receive

    def replayed(self: Lab, request: httpx.Request) -> httpx.Response:
        lab.webhooks.replay(target.id, only(lab, target).id, clients.sqs(), lab.queue_url)
        return receive(self, request)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(type(lab), "_receive", replayed)
        assert lab.dispatcher.deliver(ACME, only(lab, target).id) is None

    assert only(lab, target).status == "pending"
    assert lab.dispatcher.deliver(ACME, only(lab, target).id) == PAUSES[0]


def test_an_endpoint_that_is_gone_gets_nothing_more(lab: Lab) -> None:
    lab.answers = [410]
    target, _, _ = delivered(lab)

    kept = lab.webhooks.get(target.id)
    assert (kept.enabled, kept.disabled_reason) == (False, "it answered 410 Gone")
    assert only(lab, target).status == "failed"
    assert lab.webhooks.change(target.id, {"enabled": True}, datetime.now(UTC)).disabled_reason is None


def test_what_is_on_its_way_to_a_disabled_endpoint_is_cancelled(lab: Lab) -> None:
    target, _ = lab.create()
    lab.dispatcher.fan_out(bus_event())
    lab.webhooks.change(target.id, {"enabled": False}, datetime.now(UTC))

    assert lab.dispatcher.deliver(ACME, only(lab, target).id) is None
    assert only(lab, target).status == "cancelled"
    assert lab.requests == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
     "::10.0.0.1", "224.0.0.1", "0.0.0.0", "100.64.0.1"],
)  # fmt: skip
def test_an_address_inside_is_never_called(lab: Lab, address: str) -> None:
    lab.addresses = ["93.184.216.34", address]
    target, _, pause = delivered(lab)

    assert pause == PAUSES[0]
    assert lab.requests == []
    assert only(lab, target).tries[0].error == "the endpoint resolves to an address that is not public"


def test_a_public_ipv6_address_is_called(lab: Lab) -> None:
    lab.addresses = ["2606:2800:220:1::1"]
    delivered(lab)

    assert lab.requests[0].url.host == "2606:2800:220:1::1"


def test_a_replayed_delivery_goes_out_again_with_the_same_id(lab: Lab) -> None:
    target, _, _ = delivered(lab)
    again = lab.webhooks.replay(target.id, only(lab, target).id, clients.sqs(), lab.queue_url)

    assert lab.dispatcher.deliver(ACME, again.id) is None
    assert [request.headers["webhook-id"] for request in lab.requests] == ["e1", "e1"]


def test_a_delivery_nobody_knows_is_done_with(lab: Lab) -> None:
    assert lab.dispatcher.deliver(ACME, "nothing") is None
    assert DeliveryStore(lab.table, ACME).get("nothing") is None


@pytest.fixture
def wired(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The lab whose dispatcher the function uses."""
    monkeypatch.setattr(webhooks_handler, "dispatcher", lambda: lab.dispatcher)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "webhooks")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Coursebridge")
    monkeypatch.setenv("WEBHOOK_QUEUE_URL", lab.queue_url)
    monkeypatch.setenv("SECRET_PREFIX", PREFIX)
    settings.cache_clear()
    yield lab
    settings.cache_clear()


def message(body: str, number: int = 1, receipt: str = "", receives: int = 1) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": str(receives)}
    return {"messageId": f"m{number}", "receiptHandle": receipt, "body": body, "attributes": attributes}


def handle(*messages: dict[str, Any]) -> list[str]:
    """Hand the function a batch; return the ids of the messages that stay in the queue."""
    answer = webhooks_handler.lambda_handler({"Records": list(messages)}, Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def received(lab: Lab) -> list[Any]:
    return list(clients.sqs().receive_message(QueueUrl=lab.queue_url, VisibilityTimeout=0).get("Messages", []))


def test_a_message_waits_in_its_queue_until_the_next_try(wired: Lab) -> None:
    wired.answers = [500]
    target, _ = wired.create()

    assert handle(message(json.dumps(bus_event()))) == []
    [queued] = received(wired)
    assert handle(message(queued["Body"], receipt=queued["ReceiptHandle"])) == ["m1"]
    assert received(wired) == []
    assert handle(message(queued["Body"])) == []
    assert only(wired, target).status == "delivered"


def test_a_message_that_cannot_be_handled_leaves_the_others_of_its_batch_alone(wired: Lab) -> None:
    target, _ = wired.create()
    wired.dispatcher.fan_out(bus_event())
    [queued] = received(wired)

    assert handle(message("no JSON", 1), message(queued["Body"], 2)) == ["m1"]
    assert only(wired, target).status == "delivered"


def test_a_batch_of_events_asks_for_the_endpoints_once(wired: Lab) -> None:
    asked: list[str] = []
    wired.dispatcher.table.client.meta.events.register(
        "before-call.dynamodb.Query", lambda params, **_: asked.append(params["body"].decode())
    )

    assert handle(*(message(json.dumps(bus_event() | {"id": f"e{number}"}), number) for number in range(10))) == []
    assert len(asked) == 1


def test_a_message_of_a_delivery_that_has_failed_is_done_with(wired: Lab) -> None:
    wired.answers = [410]
    target, _ = wired.create()
    wired.dispatcher.fan_out(bus_event())

    assert handle(message(received(wired)[0]["Body"])) == []
    assert only(wired, target).status == "failed"


@pytest.mark.parametrize(("answer", "status"), [(None, "failed"), (204, "delivered")])
def test_a_message_that_goes_to_the_dead_letters_leaves_its_delivery_finished(
    wired: Lab, answer: int | None, status: str
) -> None:
    target, _ = wired.create()
    wired.dispatcher.fan_out(bus_event())
    body = received(wired)[0]["Body"]
    if answer:
        handle(message(body))

    assert handle(message(body, receives=MOST_RECEIVES)) == ["m1"]
    assert only(wired, target).status == status


def test_the_queue_hands_a_message_out_as_often_as_the_function_believes() -> None:
    queue = resources("AWS::SQS::Queue")["WebhookDeliveries"]

    assert queue["RedrivePolicy"]["maxReceiveCount"] == MOST_RECEIVES


def test_the_function_is_wired_from_its_environment(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"TABLE_NAME": lab.table.name, "WEBHOOK_QUEUE_URL": lab.queue_url, "SECRET_PREFIX": PREFIX}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    webhooks_handler.dispatcher.cache_clear()

    made = webhooks_handler.dispatcher()

    assert (made.table.name, made.queue_url, made.secret_prefix) == (lab.table.name, lab.queue_url, PREFIX)
    assert not made.sender.inside
    settings.cache_clear()
    webhooks_handler.dispatcher.cache_clear()
