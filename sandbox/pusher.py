"""LinkedIn as the sender of statements: gets a token from a receiver and posts statements to it."""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from urllib.parse import urlencode

import httpx

from sandbox import outbound
from sandbox.settings import Json

REMEMBERED_REFUSALS = 20
REMEMBERED_BODY = 500
FORM_CONTENT_TYPES = {
    "form": "application/x-www-form-urlencoded",
    # LinkedIn's documentation prints the header without `application/`.
    "bare": "x-www-form-urlencoded",
    "charset": "application/x-www-form-urlencoded; charset=UTF-8",
    "upper": "APPLICATION/X-WWW-FORM-URLENCODED",
}


@dataclass(frozen=True)
class Target:
    """What an admin enters at LinkedIn, and how LinkedIn then behaves.

    Attributes:
        oauth_url: "OAuth Server URL", the complete token URL.
        statements_url: "Tenant Server URL", the complete statements URL.
        client_id: issued by the receiver.
        client_secret: issued by the receiver.
        content_type: content type of the token request, as a key of `FORM_CONTENT_TYPES`.
        scope: scope to ask for; if empty, no scope is sent.
        token_per_statement: whether to fetch a new token for every request.
        version_header: whether to send `X-Experience-API-Version`.
        batch: statements per request; with 1, a single object is sent instead of an array.
        senders: maximum number of concurrent requests.
        burst: requests between pauses; 0 for no pauses.
        pause: length of a pause in seconds.
    """

    oauth_url: str
    statements_url: str
    client_id: str
    client_secret: str = field(repr=False)
    content_type: str = "form"
    scope: str = "xapi:write"
    token_per_statement: bool = False
    version_header: bool = True
    batch: int = 1
    senders: int = 4
    burst: int = 0
    pause: float = 1.0

    def __post_init__(self) -> None:
        if self.content_type not in FORM_CONTENT_TYPES:
            raise ValueError(f"content_type is one of {', '.join(FORM_CONTENT_TYPES)}.")
        if self.batch < 1 or self.senders < 1 or self.burst < 0:
            raise ValueError("batch and senders are at least 1, burst is at least 0.")


@dataclass
class Outcome:
    """The outcome of a push.

    Attributes:
        statements: number of statements sent.
        requests: number of requests they were sent in; a retry after a 401 is not counted.
        tokens: number of token requests.
        statuses: number of requests by final status; `error` counts those without a response or a token.
        acknowledged: ids of the statements that were answered with a 2xx.
        refusals: status and body of the first requests without a 2xx, at most `REMEMBERED_REFUSALS`.
        seconds: duration of the push.
    """

    statements: int = 0
    requests: int = 0
    tokens: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    acknowledged: list[str] = field(default_factory=list)
    refusals: list[Json] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> Json:
        """Return the outcome as it appears in the response of `/_sandbox/push`."""
        return {**vars(self), "statuses": dict(self.statuses), "seconds": round(self.seconds, 3)}


class TokenRefused(Exception):
    """The receiver issued no token."""


class Pusher:
    """Sends statements to one receiver as LinkedIn does: each of them once, whatever the response.

    Only a 401 is followed by a second attempt, with a new token.
    """

    def __init__(self, target: Target, client: httpx.Client | None = None) -> None:
        self._target = target
        self._client = client or outbound.client()
        self._owns_client = client is None
        self._lock = Lock()
        self._token = ""
        self._outcome = Outcome()

    def push(self, statements: Sequence[Json]) -> Outcome:
        """Send statements and return the outcome; the order is kept only if there is a single sender.

        Raises:
            TokenRefused: the receiver refused the first token request.
            httpx.TransportError: the receiver did not answer it.
        """
        self._outcome = Outcome(statements=len(statements))
        started = time.monotonic()
        try:
            self._fresh_token("")
            self._send_all(statements)
        finally:
            if self._owns_client:
                self._client.close()
        self._outcome.seconds = time.monotonic() - started
        return self._outcome

    def _send_all(self, statements: Sequence[Json]) -> None:
        target = self._target
        batches = [statements[at : at + target.batch] for at in range(0, len(statements), target.batch)]
        size = target.burst or len(batches) or 1
        with ThreadPoolExecutor(target.senders) as senders:
            for at in range(0, len(batches), size):
                if at:
                    time.sleep(target.pause)
                for _ in senders.map(self._send, batches[at : at + size]):
                    continue

    def _send(self, batch: Sequence[Json]) -> None:
        token = self._fresh_token("") if self._target.token_per_statement else self._token
        try:
            response = self._post(batch, token)
            if response.status_code == HTTPStatus.UNAUTHORIZED:
                response = self._post(batch, self._fresh_token(token))
        except (httpx.TransportError, TokenRefused) as error:
            self._note("error", batch, str(error))
            return
        self._note(str(response.status_code), batch, response.text)

    def _post(self, batch: Sequence[Json], token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        if self._target.version_header:
            headers["X-Experience-API-Version"] = "1.0.0"
        body = batch[0] if self._target.batch == 1 else list(batch)
        return self._client.post(self._target.statements_url, json=body, headers=headers)

    def _fresh_token(self, stale: str) -> str:
        """Return a token other than the stale one; senders that fail together share a single token request."""
        with self._lock:
            if stale and self._token != stale:
                return self._token
            form = {
                "grant_type": "client_credentials",
                "client_id": self._target.client_id,
                "client_secret": self._target.client_secret,
            }
            if self._target.scope:
                form["scope"] = self._target.scope
            self._outcome.tokens += 1
            self._token = self._ask_for_token(form)
            return self._token

    def _ask_for_token(self, form: dict[str, str]) -> str:
        headers = {"Content-Type": FORM_CONTENT_TYPES[self._target.content_type]}
        response = self._client.post(self._target.oauth_url, content=urlencode(form), headers=headers)
        try:
            token: str = response.json()["access_token"]
        except (ValueError, KeyError, TypeError) as error:
            raise TokenRefused(f"{response.status_code}: {response.text[:REMEMBERED_BODY]}") from error
        return token

    def _note(self, status: str, batch: Sequence[Json], body: str) -> None:
        with self._lock:
            self._outcome.requests += 1
            self._outcome.statuses[status] += 1
            if status.startswith("2"):
                self._outcome.acknowledged.extend(statement["id"] for statement in batch)
            elif len(self._outcome.refusals) < REMEMBERED_REFUSALS:
                self._outcome.refusals.append({"status": status, "body": body[:REMEMBERED_BODY]})
