"""Where the API is and who calls: from the environment, else from the embedded stack's outputs."""

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
    """An address and a client.

    Attributes:
        url: Base URL of the API, no slash at the end.
        client_id: The client.
        client_secret: Its secret.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)


def credentials(environment: Mapping[str, str] = os.environ, start: Path | None = None) -> Credentials:
    """Return what the environment says, else what the embedded stack of this or a parent folder says.

    Raises:
        NotLoggedIn: Neither says anything, or the environment only a part.
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
