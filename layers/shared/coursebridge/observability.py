"""The logger and the metrics of a function.

Messages are constant; facts are logged as fields. Bodies, tokens, secrets and personal data (names, addresses,
identifiers) are never logged: a learner appears by the id that this system assigned.
"""

import logging
import warnings
from collections.abc import Mapping

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from coursebridge.settings import stack_name

# An invocation without metrics is normal here and not worth a warning.
warnings.filterwarnings("ignore", message="No application metrics to publish")

# httpx logs every URL it calls, and a webhook's URL may contain a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)

logger = Logger()
# Keep the metrics of two stacks in one account apart.
NAMESPACE = f"Coursebridge/{stack_name()}"
metrics = Metrics(namespace=NAMESPACE)


def count(name: str, value: int = 1) -> None:
    """Add to a business metric; call it where the outcome is decided."""
    if value:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def count_by(name: str, dimension: str, values: Mapping[str, int]) -> None:
    """Add to a business metric that is split by a dimension; its values must not identify people."""
    for label, value in values.items():
        with single_metric(name=name, unit=MetricUnit.Count, value=value, namespace=NAMESPACE) as metric:
            metric.add_dimension(name=dimension, value=label)


def gauge_hours(name: str, hours: float) -> None:
    """Report how old something is, in hours."""
    metrics.add_metric(name=name, unit=MetricUnit.NoUnit, value=round(hours, 2))


__all__ = ["MetricUnit", "count", "count_by", "gauge_hours", "logger", "metrics"]
