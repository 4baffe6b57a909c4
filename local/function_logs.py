"""What the functions logged, out of the emulated CloudWatch."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from local.aws import Clients
from local.outputs import Outputs

# Lambda's own lines about each invocation, which drown what the functions say.
NOISE = ("START RequestId", "END RequestId", "REPORT RequestId")


def lines(outputs: Outputs, since_ms: int = 0) -> list[tuple[int, str]]:
    """Return what was logged, oldest first.

    Args:
        outputs: The stack and its log groups.
        since_ms: Only what was logged later than this, in milliseconds since 1970.

    Returns:
        Pairs of time in milliseconds and line (`12:30:01.123 TokenLogGroup {...}`).
    """
    paginator = Clients(outputs.endpoint_url, outputs.region).logs.get_paginator("filter_log_events")
    found = []
    for name, group in outputs.log_groups.items():
        pages = paginator.paginate(logGroupName=group, startTime=since_ms + 1)
        for event in (event for page in pages for event in page["events"]):
            if not event["message"].startswith(NOISE):
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
                found.append((event["timestamp"], f"{at} {name} {event['message'].rstrip()}"))
    return sorted(found)


def follow(outputs: Outputs) -> Iterator[str]:
    """Yield what is logged, for ever."""
    since = 0
    while True:
        for at, line in lines(outputs, since):
            since = max(since, at)
            yield line
        time.sleep(1)
