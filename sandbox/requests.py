"""A log of the calls made to the sandbox, so that tests can count them."""

from collections import Counter, deque

from sandbox.settings import Json

REMEMBERED = 1000


class RequestLog:
    """Counts of calls to LinkedIn's endpoints since the last reset; those to `/_sandbox` are not counted."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all calls."""
        self._counts: Counter[str] = Counter()
        self._recent: deque[Json] = deque(maxlen=REMEMBERED)

    def add(self, method: str, path: str, parameters: dict[str, str]) -> None:
        """Count a call by path and finder; bodies and headers are not kept, as they contain secrets."""
        finder = parameters.get("q")
        self._counts[f"{method} {path}" + (f"?q={finder}" if finder else "")] += 1
        self._recent.append({"method": method, "path": path, "parameters": parameters})

    def report(self) -> Json:
        """Return the total, the counts, and the last `REMEMBERED` calls, oldest first."""
        return {
            "total": self._counts.total(),
            "counts": dict(sorted(self._counts.items())),
            "recent": list(self._recent),
        }
