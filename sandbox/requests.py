"""What was asked of the sandbox, so that a test can say how many calls something took."""

from collections import Counter, deque

from sandbox.settings import Json

REMEMBERED = 1000


class RequestLog:
    """Counts of LinkedIn's own endpoints since the last reset; the sandbox's own controls are not counted."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start counting anew."""
        self._counts: Counter[str] = Counter()
        self._recent: deque[Json] = deque(maxlen=REMEMBERED)

    def add(self, method: str, path: str, parameters: dict[str, str]) -> None:
        """Count one call, by path and finder; bodies and headers, where the secrets are, are not kept."""
        finder = parameters.get("q")
        self._counts[f"{method} {path}" + (f"?q={finder}" if finder else "")] += 1
        self._recent.append({"method": method, "path": path, "parameters": parameters})

    def report(self) -> Json:
        """Return the total, the counts, and the last thousand calls, oldest first."""
        return {
            "total": self._counts.total(),
            "counts": dict(sorted(self._counts.items())),
            "recent": list(self._recent),
        }
