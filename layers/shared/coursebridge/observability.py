"""The logger and the metrics of a function.

Facts are logged as fields with a constant message. Bodies, tokens, secrets and people (names, addresses,
identifiers) never are; a learner appears by the id this system gave.
"""

import warnings

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

# An invocation that counted nothing is ordinary here, not something to be told about each time.
warnings.filterwarnings("ignore", message="No application metrics to publish")

logger = Logger()
metrics = Metrics(namespace="Coursebridge")


def count(name: str, value: int = 1) -> None:
    """Add to a business metric, counted where the outcome is decided."""
    if value:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


__all__ = ["MetricUnit", "count", "logger", "metrics"]
