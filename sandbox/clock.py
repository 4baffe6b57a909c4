"""The sandbox's only source of the current time."""

from datetime import UTC, datetime

DAY_MS = 86_400_000


def now_ms() -> int:
    """Return the current time in epoch milliseconds, the unit of LinkedIn's APIs."""
    return int(datetime.now(UTC).timestamp() * 1000)


def iso(epoch_ms: int) -> str:
    """Return a time as LinkedIn writes it in statements: UTC, with milliseconds and `Z`."""
    text = datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
