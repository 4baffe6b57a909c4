"""What the functions logged, out of the emulated CloudWatch."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from local.aws import client_options, session
from local.outputs import Outputs
from local.settings import StackSettings

# Lambda's own lines about each invocation, which drown what the functions say.
NOISE = ("START RequestId", "END RequestId", "REPORT RequestId")


def lines(settings: StackSettings, outputs: Outputs, since_ms: int = 0) -> list[tuple[int, str]]:
    """Return what was logged, oldest first.

    Args:
        settings: The stack.
        outputs: Its log groups.
        since_ms: Only what was logged later than this, in milliseconds since 1970.

    Returns:
        Pairs of time in milliseconds and line (`12:30:01.123 TokenLogGroup {...}`).
    """
    endpoint, config = client_options(settings)
    client = session(settings).client("logs", endpoint_url=endpoint, config=config)
    found = []
    for name, group in outputs.log_groups.items():
        pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms + 1)
        for event in (event for page in pages for event in page["events"]):
            if not event["message"].startswith(NOISE):
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
                found.append((event["timestamp"], f"{at} {name} {event['message'].rstrip()}"))
    return sorted(found)


def follow(settings: StackSettings, outputs: Outputs) -> Iterator[str]:
    """Yield what is logged, for ever."""
    since = 0
    while True:
        for at, line in lines(settings, outputs, since):
            since = max(since, at)
            yield line
        time.sleep(1)
