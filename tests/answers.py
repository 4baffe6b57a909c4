"""What functions answer to API Gateway, as tests read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """An answer of a function."""

    status: int
    headers: dict[str, str]
    text: str

    @classmethod
    def of(cls, response: dict[str, Any]) -> Answer:
        """Return the answer in what a handler returns."""
        return cls(response["statusCode"], response["headers"], response["body"])

    @property
    def json(self) -> Any:
        return json.loads(self.text)
