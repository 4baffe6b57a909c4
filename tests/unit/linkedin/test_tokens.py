"""Access tokens: minted once, shared, renewed early, never printed."""

from typing import Any, ClassVar
from urllib.parse import parse_qs

import httpx
import pytest

from coursebridge.clock import rfc3339
from coursebridge.linkedin.credentials import KeyPair, credentials_secret, pair_for, tokens_secret
from coursebridge.linkedin.errors import CredentialsRefused, DayLimit, LinkedInError, Unreachable, UnusableAnswer
from coursebridge.linkedin.tokens import mint

SECRET = "WPL_AP1.x/Zm9v+YmFy=="


def refusal(error: str, description: str, status: int = 401) -> httpx.Response:
    return httpx.Response(status, json={"error": error, "error_description": description})


def test_the_form_is_encoded_so_that_odd_secrets_arrive(linkedin: Any) -> None:
    linkedin.source(f"  {SECRET}\n").token()

    [request] = linkedin.requests
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client"],
        "client_secret": [SECRET],
    }
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert not request.url.query


def test_a_token_is_used_until_shortly_before_its_end(linkedin: Any) -> None:
    source = linkedin.source()
    assert source.token() == "token-1"

    linkedin.goes_on(1800 - 180 - 1)
    assert source.token() == "token-1"
    linkedin.goes_on(2)
    assert source.token() == "token-2"


@pytest.mark.parametrize(("lifetime", "early"), [(2, 0.2), (1800, 180), (7_775_999, 300)])
def test_it_is_renewed_a_tenth_or_five_minutes_early(linkedin: Any, lifetime: int, early: float) -> None:
    linkedin.expires_in = lifetime
    source = linkedin.source()
    source.token()

    linkedin.goes_on(lifetime - early - 0.1)
    source.token()
    assert linkedin.minted == 1
    linkedin.goes_on(0.2)
    source.token()
    assert linkedin.minted == 2


def test_its_life_counts_from_before_the_request(linkedin: Any) -> None:
    asked_at = linkedin.now

    token = mint(linkedin.http, KeyPair.of("client", "x"), lambda: asked_at)

    assert rfc3339(token.renew_at) == "2026-01-01T00:27:00.000Z"


def test_all_invocations_share_one_token(linkedin: Any) -> None:
    assert linkedin.source().token() == linkedin.source().token() == "token-1"
    assert linkedin.minted == 1


def test_a_token_of_another_key_pair_is_kept_beside(linkedin: Any) -> None:
    linkedin.shared.tokens = {"other": {"access_token": "theirs", "renew_at": "2027-01-01T00:00:00.000Z"}}

    linkedin.source().token()

    assert linkedin.shared.tokens.keys() == {"other", "client"}


def test_a_token_that_has_expired_is_not_kept_on(linkedin: Any) -> None:
    linkedin.shared.tokens = {"former": {"access_token": "theirs", "renew_at": "2025-12-31T00:00:00.000Z"}}

    linkedin.source().token()

    assert linkedin.shared.tokens.keys() == {"client"}


def test_what_others_minted_meanwhile_takes_the_place_of_a_rejected_token(linkedin: Any) -> None:
    mine, theirs = linkedin.source(), linkedin.source()
    rejected = mine.token()
    theirs.replace(rejected)

    assert mine.replace(rejected) == "token-2"
    assert linkedin.minted == 2


def test_a_rejected_token_that_nobody_replaced_is_minted_anew(linkedin: Any) -> None:
    source = linkedin.source()

    assert source.replace(source.token()) == "token-2"
    assert linkedin.source().token() == "token-2"


def test_neither_secret_nor_token_can_be_printed(linkedin: Any) -> None:
    pair = KeyPair.of("client", SECRET)
    token = mint(linkedin.http, pair)

    assert SECRET not in repr(pair)
    assert token.value not in repr(token)


@pytest.mark.parametrize(
    ("error", "code", "remedy"),
    [
        ("invalid_client", "linkedin_invalid_client", "Re-copy"),
        ("invalid_client_id", "linkedin_invalid_client", "white space"),
        ("access_denied", "linkedin_access_denied", "Relationship Manager"),
        ("invalid_request", "linkedin_invalid_request", "Re-copy"),
        ("something_new", "linkedin_credentials_refused", "admin console"),
    ],
)
def test_linkedins_refusal_is_passed_on_with_cause_and_remedy(
    linkedin: Any, error: str, code: str, remedy: str
) -> None:
    linkedin.token_answers = [refusal(error, f"Client authentication failed for {SECRET}")]

    with pytest.raises(CredentialsRefused) as caught:
        linkedin.source(SECRET).token()

    problem = caught.value.problem()
    assert problem["code"] == code
    assert problem["status"] == 400
    assert error in problem["detail"]
    assert "Client authentication failed" in problem["detail"]
    assert problem["cause"]
    assert remedy in problem["remedy"]
    assert SECRET not in str(problem)


@pytest.mark.parametrize("secret", ["invalid", "client", "invalid_client"])
def test_a_secret_within_linkedins_error_does_not_hide_what_the_error_is(linkedin: Any, secret: str) -> None:
    linkedin.token_answers = [refusal("invalid_client", "Client authentication failed")]

    with pytest.raises(CredentialsRefused) as caught:
        linkedin.source(secret).token()

    assert (caught.value.reason, "Re-copy" in caught.value.remedy) == ("linkedin_invalid_client", True)
    assert secret not in caught.value.detail


def test_a_secret_within_linkedins_limit_of_the_day_does_not_hide_the_limit(linkedin: Any) -> None:
    message = f"{'x' * 400} throttle limit for calls is reached, DAY"
    linkedin.token_answers = [httpx.Response(429, json={"message": message, "status": 429})] * 2

    for secret in ("DAY", "other"):
        with pytest.raises(DayLimit):
            mint(linkedin.http, KeyPair.of("client", secret))


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_secret_that_linkedin_repeats_with_any_error_is_masked(linkedin: Any, status: int) -> None:
    linkedin.token_answers = [httpx.Response(status, json={"message": f"no DAY for {SECRET}", "status": status})]

    with pytest.raises(LinkedInError) as caught:
        mint(linkedin.http, KeyPair.of("client", SECRET))

    assert "for ••••" in caught.value.detail


@pytest.mark.parametrize("body", ["<html>", "[1]"])
def test_a_refusal_in_another_shape_is_one_all_the_same(linkedin: Any, body: str) -> None:
    linkedin.token_answers = [httpx.Response(401, text=body)]

    with pytest.raises(CredentialsRefused):
        linkedin.source().token()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"expires_in": 5}),
        httpx.Response(200, json={"access_token": "x", "expires_in": "soon"}),
        httpx.Response(200, text='{"access_token": "x", "expires_in": 1e400}'),
        httpx.Response(200, json={"access_token": "x", "expires_in": 10**15}),
        httpx.Response(200, text="<html>"),
        httpx.Response(502, text="bad gateway"),
        httpx.DecodingError("incorrect header check"),
    ],
)
def test_an_answer_that_is_no_token_is_worth_another_try(linkedin: Any, answer: httpx.Response | Exception) -> None:
    linkedin.token_answers = [answer]

    with pytest.raises(UnusableAnswer):
        linkedin.source().token()


def test_no_answer_is_worth_another_try(linkedin: Any) -> None:
    linkedin.token_answers = [httpx.ConnectError("refused")]

    with pytest.raises(Unreachable):
        linkedin.source().token()


class TestKeyPairs:
    CONTENT: ClassVar = {"client_id": " content ", "client_secret": "a\n"}
    REPORT: ClassVar = {"client_id": "report", "client_secret": "b"}

    def test_each_scope_prefers_its_own(self) -> None:
        held = {"content": self.CONTENT, "report": self.REPORT}

        assert pair_for("content", held.__getitem__) == KeyPair("content", "a")
        assert pair_for("report", held.__getitem__) == KeyPair("report", "b")

    def test_either_alone_serves_both(self) -> None:
        assert pair_for("report", {"content": self.CONTENT, "report": {}}.__getitem__).client_id == "content"
        assert pair_for("content", {"content": {}, "report": self.REPORT}.__getitem__).client_id == "report"

    def test_none_is_said_so_with_a_remedy(self) -> None:
        with pytest.raises(LinkedInError) as caught:
            pair_for("content", lambda _scope: {})

        assert caught.value.reason == "linkedin_credentials_missing"
        assert caught.value.remedy

    def test_key_pairs_and_tokens_lie_in_secrets_of_their_own(self) -> None:
        assert credentials_secret("stack/", "acme", "report") == "stack/integrations/acme/credentials/report"
        assert tokens_secret("stack/", "acme") == "stack/integrations/acme/tokens"
