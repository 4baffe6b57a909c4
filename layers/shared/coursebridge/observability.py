"""The logger and the metrics of a function.

Facts are logged as fields with a constant message. Bodies, tokens, secrets and people (names, addresses,
identifiers) never are; a learner appears by the id this system gave.
"""

import logging
import warnings
from collections.abc import Mapping

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from coursebridge.settings import stack_name

# An invocation that counted nothing is ordinary here, not something to be told about each time.
warnings.filterwarnings("ignore", message="No application metrics to publish")

# It tells every URL it calls, and that of a webhook may hold a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)

logger = Logger()
# Two stacks in one account are two namespaces.
NAMESPACE = f"Coursebridge/{stack_name()}"
metrics = Metrics(namespace=NAMESPACE)


def count(name: str, value: int = 1) -> None:
    """Add to a business metric, counted where the outcome is decided."""
    if value:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def count_by(name: str, dimension: str, values: Mapping[str, int]) -> None:
    """Add to a business metric that is told apart by something that names no person, such as a reason."""
    for label, value in values.items():
        with single_metric(name=name, unit=MetricUnit.Count, value=value, namespace=NAMESPACE) as metric:
            metric.add_dimension(name=dimension, value=label)


def gauge_hours(name: str, hours: float) -> None:
    """Report how old something is, in hours."""
    metrics.add_metric(name=name, unit=MetricUnit.NoUnit, value=round(hours, 2))


__all__ = ["MetricUnit", "count", "count_by", "gauge_hours", "logger", "metrics"]
