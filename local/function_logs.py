"""Read the logs of the functions from the emulated CloudWatch."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from local.aws import Clients
from local.outputs import Outputs

# Lambda's own lines about each invocation, which would drown the functions' logs.
NOISE = ("START RequestId", "END RequestId", "REPORT RequestId")


def lines(outputs: Outputs, since_ms: int = 0) -> list[tuple[int, str]]:
    """Return the log lines, oldest first.

    Args:
        outputs: The running stack.
        since_ms: Return only lines logged after this time, in epoch milliseconds.

    Returns:
        Pairs of time in epoch milliseconds and line (`12:30:01.123 TokenLogGroup {...}`).
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
    """Yield log lines as they arrive, forever."""
    since = 0
    while True:
        for at, line in lines(outputs, since):
            since = max(since, at)
            yield line
        time.sleep(1)
