"""The errors of calls to LinkedIn, each with its most likely cause and what an admin can do.

UpstreamError
`-- LinkedInError
    |-- Retryable               the same call may succeed in a moment
    |   |-- Unreachable         no answer
    |   |-- UnusableAnswer      a server error, no JSON, an error without a status inside a 200, a malformed page
    |   `-- Throttled           429 that clears by itself
    |-- DayLimit                429 until midnight UTC
    |-- TokenRejected           401, even with a newly minted token
    |-- KeyMissing              403, the application lacks the Content or the Report key
    |-- NoSuchEntity            404
    |-- RequestRefused          any other 4xx
    `-- CredentialsRefused      no token for this key pair; the admin's input is wrong, hence 400

The texts never contain a secret or a token: LinkedIn's own message goes through :func:`safe_message`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote, quote_plus

from coursebridge.errors import UpstreamError
from coursebridge.secret_values import MASK

if TYPE_CHECKING:
    from coursebridge.linkedin.credentials import Scope

LONGEST_MESSAGE = 300
DAY_LIMIT = "linkedin_day_limit"
KEY_OF_SCOPE: dict[Scope, str] = {"content": "Content", "report": "Report"}


class LinkedInError(UpstreamError):
    """LinkedIn did not give what was asked for.

    Attributes:
        remedy_without_run: what an admin can do if a request, not a run, made the call; if empty, ``remedy`` applies.
    """

    remedy_without_run: ClassVar[str] = ""

    def outside_of_runs(self) -> None:
        """Replace the remedy with the one that applies outside of runs."""
        self.remedy = self.remedy_without_run or self.remedy


class Retryable(LinkedInError):
    """The same call may succeed in a moment.

    Attributes:
        retry_after: the seconds LinkedIn asks to wait; ``None`` if it does not say.
    """

    def __init__(self, detail: str, *, cause: str, remedy: str, code: str, retry_after: float | None = None) -> None:
        super().__init__(detail, cause=cause, remedy=remedy, code=code)
        self.retry_after = retry_after


class Unreachable(Retryable):
    """There was no answer: no connection, a time-out, or a connection closed half-way."""

    remedy_without_run = "Try again in a minute. If it persists, check outgoing network access."

    def __init__(self, what: str) -> None:
        super().__init__(
            f"LinkedIn did not answer ({what})",
            cause="LinkedIn is down, or the network between here and LinkedIn is.",
            remedy="Nothing to do if it passes: the next run catches up. Otherwise check outgoing network access.",
            code="linkedin_unreachable",
        )


class UnusableAnswer(Retryable):
    """LinkedIn sent an answer that cannot be used."""

    remedy_without_run = "Try again later; if it persists, report it to LinkedIn's support."

    def __init__(self, detail: str, retry_after: float | None = None) -> None:
        super().__init__(
            detail,
            cause="LinkedIn had an internal error, which it can also report with status 200 or as a web page.",
            remedy="Redrive the run later; if the same page keeps failing, report it to LinkedIn's support.",
            code="linkedin_unusable_answer",
            retry_after=retry_after,
        )


class Throttled(Retryable):
    """LinkedIn asks to slow down for a moment."""

    remedy_without_run = "Try again in a minute; if it persists, lower BackgroundConcurrency."

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(
            f"LinkedIn throttles: {message}",
            cause="Too many calls in a short time, by this or another application of the account.",
            remedy="Nothing to do if it passes; otherwise lower BackgroundConcurrency.",
            code="linkedin_throttled",
            retry_after=retry_after,
        )


class DayLimit(LinkedInError):
    """The application has used up its calls for today; the limit resets at midnight UTC."""

    remedy_without_run = "Try again after midnight UTC."

    def __init__(self, message: str) -> None:
        super().__init__(
            f"LinkedIn's limit for the day is reached: {message}",
            cause="The application has used up its calls for today; the count is reset at midnight UTC.",
            remedy="Nothing to do: the first scheduled sync after midnight UTC continues this run. If LinkedIn "
            "has raised the limit, redrive the run to continue earlier.",
            code=DAY_LIMIT,
        )


class TokenRejected(LinkedInError):
    """LinkedIn does not accept the access token."""

    def __init__(self, message: str) -> None:
        super().__init__(
            f"LinkedIn rejects the access token: {message}",
            cause="The token was revoked, or the application was deleted or disabled.",
            remedy="Check the application in LinkedIn Learning's admin area and save its key pair again.",
            code="linkedin_token_rejected",
        )


class KeyMissing(LinkedInError):
    """The key pair in use does not authorise this resource."""

    def __init__(self, scope: Scope, message: str) -> None:
        key = KEY_OF_SCOPE[scope]
        super().__init__(
            f"LinkedIn forbids this call: {message}",
            cause=f"The application was created without the {key} key, and its key pair is used for both scopes.",
            remedy=f"Create an application with the {key} key (or with both keys) in LinkedIn Learning's admin area "
            f"and save its key pair as the {scope} credentials.",
            code=f"linkedin_{scope}_key_missing",
        )
        self.scope = scope


class NoSuchEntity(LinkedInError):
    """LinkedIn knows no such asset or classification."""

    remedy_without_run = "Check the parameters LinkedInOAuthUrl and LinkedInApiUrl of this deployment."

    def __init__(self, message: str) -> None:
        super().__init__(
            f"LinkedIn does not know what was asked for: {message}",
            cause="It was removed, or it is not part of this account's library.",
            remedy="Check the URN.",
            code="linkedin_not_found",
        )


class RequestRefused(LinkedInError):
    """LinkedIn refuses the request itself; repeating it would not help."""

    remedy_without_run = "Check the integration's filters; otherwise report it with LinkedIn's words."

    def __init__(self, status: int, message: str) -> None:
        super().__init__(
            f"LinkedIn refuses the request with status {status}: {message}",
            cause="LinkedIn's API has changed, or a filter names something that LinkedIn does not know.",
            remedy="Check the integration's filters; otherwise report it with the run's id.",
            code="linkedin_refused",
        )


_CREDENTIAL_CAUSES = {
    "invalid_client": (
        "The Client ID or Client Secret was copied incorrectly.",
        "Re-copy both values from the LinkedIn admin console. Pay particular attention to trailing white space.",
    ),
    "access_denied": (
        "The application has not been granted permission to use 2-legged OAuth on the LinkedIn side.",
        "Contact your LinkedIn Relationship Manager or Business Development team to enable the application.",
    ),
    "invalid_request": (
        "The Client ID or Client Secret is empty or in a format that LinkedIn does not accept.",
        "Re-copy both values from the LinkedIn admin console.",
    ),
    "credentials_missing": (
        "The integration has no key pair for this.",
        "Create a LinkedIn Learning REST API application and save its Client ID and Client Secret.",
    ),
}
_CREDENTIAL_ALIASES = {"invalid_client_id": "invalid_client", "unauthorized_client": "access_denied"}
_UNKNOWN_REFUSAL = (
    "LinkedIn gives no token for this key pair.",
    "Check in the LinkedIn admin console that the application exists and is enabled, and re-copy both values.",
)


class CredentialsRefused(LinkedInError):
    """LinkedIn gives no token for a key pair, or there is no key pair.

    Args:
        error: LinkedIn's error code, unmasked: its meaning is looked up before a secret in it is masked.
        message: LinkedIn's own words, safe to show; empty if there is no key pair.
        secret: the client secret of the request; masked if the code repeats it.
    """

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, error: str, message: str, secret: str = "") -> None:
        name = _CREDENTIAL_ALIASES.get(error, error)
        cause, remedy = _CREDENTIAL_CAUSES.get(name, _UNKNOWN_REFUSAL)
        super().__init__(
            f"LinkedIn gives no access token: {safe_message(error, secret)}: {message}"
            if message
            else "there is no key pair",
            cause=cause,
            remedy=remedy,
            code=f"linkedin_{name}" if name in _CREDENTIAL_CAUSES else "linkedin_credentials_refused",
        )


def safe_message(message: object, secret: str = "") -> str:
    """Return LinkedIn's own words in one short line, with the secret masked wherever they repeat it.

    Args:
        message: LinkedIn's message; if it is empty, the result says that no reason was given.
        secret: the token or client secret of the request; its form-encoded and URL-encoded spellings are masked, too.
    """
    text = " ".join(str(message).split()) if message else "no reason given"
    for spelling in filter(None, (secret, quote_plus(secret), quote(secret))):
        text = text.replace(spelling, MASK)
    return text[:LONGEST_MESSAGE]
