"""Assets in the sandbox that belong to one test, in a language of its own, so that its syncs are quick and isolated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connector import event

if TYPE_CHECKING:
    import httpx

PARTS = 4
URNS = {"COURSE": "lyndaCourse", "LEARNING_PATH": "lyndaLearningPath", "VIDEO": "lyndaVideo"}


@dataclass(frozen=True)
class Shelf:
    """The sandbox's assets in one locale.

    Attributes:
        sandbox: An HTTP client for the sandbox.
        locale: A locale such as `nl_NL` that no other test and no generated course uses.
    """

    sandbox: httpx.Client
    locale: str

    def urn(self, number: int, kind: str = "COURSE") -> str:
        """Return the URN of the test's asset with this number."""
        return f"urn:li:{URNS[kind]}:{int.from_bytes(self.locale.encode()) % 10**9}{number:04d}"

    def put(self, *numbers: int, kind: str = "COURSE") -> list[str]:
        """Put assets on the shelf, with a duration and, except for videos, parts; return their URNs."""
        urns = [self.urn(number, kind) for number in numbers]
        for urn in urns:
            self.sandbox.post("/_sandbox/assets", json=self._asset(urn, kind)).raise_for_status()
        return urns

    def clear(self) -> None:
        """Remove what an earlier run of the test left behind."""
        for kind in URNS:
            for urn in self.truth(kind):
                self.remove(urn)

    def change(self, urn: str, **details: Any) -> None:
        """Change an asset's details, as LinkedIn's editors would."""
        self._asked("PATCH", urn, json={"details": details})
        self._asked("POST", urn, "/update")

    def retire(self, urn: str) -> None:
        """Retire an asset; the sandbox still returns it, as retired."""
        self._asked("POST", urn, "/retire")

    def remove(self, urn: str) -> None:
        """Remove an asset without a trace."""
        self._asked("DELETE", urn)

    def restore(self, urn: str) -> None:
        """Bring an asset back."""
        self._asked("POST", urn, "/restore")

    def truth(self, kind: str = "COURSE") -> set[str]:
        """Return the URNs of the licensed and available assets that the sandbox holds."""
        wanted: dict[str, str | int] = {"type": kind, "locale": self.locale, "licensed": "true", "limit": 5000}
        answer = self.sandbox.get("/_sandbox/truth/assets", params={**wanted, "availability": "AVAILABLE"})
        return {item["urn"] for item in answer.json()["items"]}

    def _asked(self, method: str, urn: str, what: str = "", **options: Any) -> None:
        path = f"/_sandbox/assets/{quote(urn, safe='')}{what}"
        self.sandbox.request(method, path, **options).raise_for_status()

    def _asset(self, urn: str, kind: str) -> dict[str, Any]:
        language, _, country = self.locale.partition("_")
        text = json.dumps(event("linkedin-asset.json"))
        text = text.replace('"country": "US", "language": "en"', f'"country": "{country}", "language": "{language}"')
        asset: dict[str, Any] = json.loads(text.replace("urn:li:lyndaCourse:252", urn))
        parts = [_part(f"{urn}-part-{number}", asset["title"]["locale"]) for number in range(PARTS)]
        asset["details"]["timeToComplete"] = {"duration": 300 * PARTS, "unit": "SECOND"}
        title = {"locale": asset["title"]["locale"], "value": f"{kind} {urn}"}
        return {**asset, "type": kind, "title": title, "contents": [] if kind == "VIDEO" else parts}


def _part(urn: str, locale: dict[str, str]) -> dict[str, Any]:
    """Return a video of five minutes, in the form it has in the contents of a course."""
    details = {"timeToComplete": {"duration": 300, "unit": "SECOND"}}
    title = {"locale": locale, "value": urn}
    return {"asset": {"urn": urn, "type": "VIDEO", "title": title, "details": details, "contents": []}}
