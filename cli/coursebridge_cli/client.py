"""A client of the admin API for the commands."""

import re
from collections.abc import Iterator
from typing import Any

import httpx

from coursebridge_cli import hints
from coursebridge_cli.errors import CommandError, NotLoggedIn, Unreachable, UsageError, lacking_scope, of_problem
from coursebridge_cli.session import Credentials

SECONDS = 60
PAGE = 200
CHECK_URL = "Check COURSEBRIDGE_URL: it is the output ApiUrl of the stack, from https:// on, without a path of its own."


class Client:
    """Calls the API, obtaining a token when it needs one.

    Args:
        credentials: The address of the API and the client to authenticate as.
        transport: Replaces the network in tests.

    Raises:
        NotLoggedIn: The address is not a URL of HTTP.
    """

    def __init__(self, credentials: Credentials, transport: httpx.BaseTransport | None = None) -> None:
        self._credentials = credentials
        try:
            self._http = httpx.Client(base_url=credentials.url, timeout=SECONDS, transport=transport)
        except httpx.InvalidURL as error:
            raise NotLoggedIn(f"{credentials.url} is not a URL", CHECK_URL) from error
        if self._http.base_url.scheme not in ("http", "https"):
            raise NotLoggedIn(f"{credentials.url} is not a URL", CHECK_URL)
        self._token = ""
        self._scopes: tuple[str, ...] = ()

    def get(self, path: str, **query: str | int | None) -> Any:  # noqa: ANN401  (any JSON)
        """Send a GET request and return the JSON of the answer."""
        return self.send("GET", path, query=query)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401
        query: dict[str, str | int | None] | None = None,
    ) -> Any:  # noqa: ANN401
        """Send a request and return the JSON of the answer, ``None`` if the answer is empty.

        Raises:
            CommandError: The API refused the request or did not answer; the error says why and how to fix it.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        answer = self._answer(method, path, json=body, params=given)
        return answer.json() if answer.content else None

    def upload(self, path: str, content: bytes, content_type: str) -> Any:  # noqa: ANN401
        """Post a file as it is and return the JSON of the answer.

        Raises:
            CommandError: The API refused the file or did not answer.
        """
        return self._answer("POST", path, content=content, headers={"Content-Type": content_type}).json()

    def complete(self, method: str, path: str) -> None:
        """Send a request again until nothing is left to do; the API answers 202 as long as something is.

        Raises:
            CommandError: The API refused the request or did not answer.
        """
        while self._answer(method, path).status_code == httpx.codes.ACCEPTED:
            pass

    def every(self, path: str, most: int | None = None, **query: str | int | None) -> Iterator[Any]:
        """Yield the items of a list, page after page.

        Args:
            path: Path of the list.
            most: Maximum number of items.
            query: Filters of the list.
        """
        cursor: str | None = None
        left = most
        while left is None or left > 0:
            page = self.get(path, limit=min(PAGE, left or PAGE), cursor=cursor, **query)
            yield from page["items"]
            left = None if left is None else left - len(page["items"])
            cursor = page["next"]
            if cursor is None:
                return

    def integration(self, wanted: str | None) -> Any:  # noqa: ANN401
        """Return the integration with an id or name, or the only one if ``wanted`` is ``None``.

        Raises:
            UsageError: No integration matches, or more than one.
        """
        found = list(self.every("/admin/integrations"))
        fitting = [
            integration for integration in found if wanted is None or wanted in (integration["id"], integration["name"])
        ]
        if len(fitting) == 1:
            if len(found) > 1:
                hints.about(fitting[0]["id"])
            return fitting[0]
        if not found:
            raise UsageError("there is no integration yet", "Create one: coursebridge setup")
        names = tuple(f"{integration['id']}  {integration['name']}" for integration in found)
        if fitting:
            raise UsageError("there is more than one integration", "Name one with --integration.", names)
        raise UsageError(f"there is no integration {wanted}", "Name one of these with --integration.", names)

    def _answer(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401
        answer = self._authorized(method, path, **request)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            # A token expires after an hour, and watching a run may take longer.
            self._token = ""
            answer = self._authorized(method, path, **request)
        if missing := _missing_scope(answer):
            raise lacking_scope(missing, self._scopes)
        if answer.is_error:
            raise of_problem(answer.status_code, _object(answer))
        return answer

    def _authorized(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        **request: Any,  # noqa: ANN401
    ) -> httpx.Response:
        headers = {**(headers or {}), "Authorization": f"Bearer {self._bearer()}"}
        return self._ask(method, path, headers=headers, **request)

    def _bearer(self) -> str:
        if not self._token:
            form = {
                "grant_type": "client_credentials",
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret,
            }
            # Without a scope in the request, the token has every scope of the client.
            answer = self._ask("POST", "/oauth2/token", data=form)
            told = _object(answer)
            self._token = told.get("access_token", "")
            self._scopes = tuple(told.get("scope", "").split())
            if not self._token:
                raise _login_refused(answer)
        return self._token

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        try:
            return self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise Unreachable(
                f"{self._credentials.url} does not answer ({type(error).__name__})",
                "Check the address and your network; the embedded stack is started with `make up`.",
            ) from error


def _login_refused(answer: httpx.Response) -> CommandError:
    said = _object(answer)
    code = said.get("error", "")
    remedy = "Check COURSEBRIDGE_CLIENT_ID and COURSEBRIDGE_CLIENT_SECRET; a rotated secret is shown only once."
    if not code:
        remedy = CHECK_URL
    reason = said.get("error_description", code) or f"status {answer.status_code}"
    return NotLoggedIn(f"the API refuses to issue a token: {reason}", remedy)


def _missing_scope(answer: httpx.Response) -> str:
    """Return the scope that a refused token lacks (RFC 6750, section 3), or an empty string."""
    told = answer.headers.get("WWW-Authenticate", "")
    found = re.search(r'error="insufficient_scope", scope="([^"]+)"', told)
    return found[1] if found else ""


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
