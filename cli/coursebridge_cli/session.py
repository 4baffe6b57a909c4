"""Credentials for the API: from the environment, or from the outputs of the embedded stack."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coursebridge_cli.errors import NotLoggedIn

URL, CLIENT_ID, CLIENT_SECRET = "COURSEBRIDGE_URL", "COURSEBRIDGE_CLIENT_ID", "COURSEBRIDGE_CLIENT_SECRET"
OUTPUTS = Path(".local") / "outputs.json"


@dataclass(frozen=True)
class Credentials:
    """The address of an API and a client of it.

    Attributes:
        url: Base URL of the API, without a trailing slash.
        client_id: Id of the client.
        client_secret: Secret of the client.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)


def credentials(environment: Mapping[str, str] = os.environ, start: Path | None = None) -> Credentials:
    """Return credentials from the environment, or else of the embedded stack in this folder or a parent folder.

    Raises:
        NotLoggedIn: Neither provides credentials, or the environment is incomplete.
    """
    given = [environment.get(name, "").strip() for name in (URL, CLIENT_ID, CLIENT_SECRET)]
    if all(given):
        return Credentials(given[0].rstrip("/"), given[1], given[2])
    if any(given):
        missing = [name for name, value in zip((URL, CLIENT_ID, CLIENT_SECRET), given, strict=True) if not value]
        raise NotLoggedIn(
            f"not set: {', '.join(missing)}",
            f"Set {URL}, {CLIENT_ID} and {CLIENT_SECRET}, or none of them for the embedded stack.",
        )
    for file in _candidates(start or Path.cwd()):
        if file.is_file():
            said = json.loads(file.read_text())
            return Credentials(said["api_url"], said["admin_client_id"], said["admin_client_secret"])
    raise NotLoggedIn(
        "there is no API to talk to",
        f"Set {URL}, {CLIENT_ID} and {CLIENT_SECRET}, or start the embedded stack with `make up`.",
    )


def _candidates(start: Path) -> Iterator[Path]:
    yield from (folder / OUTPUTS for folder in (start, *start.parents))
