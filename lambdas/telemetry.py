"""The functions' telemetry: JSON log lines, and metrics in the embedded format, both on standard output."""

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

SERVICE, NAMESPACE = "gans", "Gans"

_UNITS = {"FailedPct": MetricUnit.Percent, "LagSeconds": MetricUnit.Seconds, "RejectedPct": MetricUnit.Percent}

logger = Logger(service=SERVICE)


def measure(source: str | None, **values: float) -> None:
    """Puts out the metrics `values` with the dimension service and, of a source, that too."""
    metrics = EphemeralMetrics(service=SERVICE, namespace=NAMESPACE)
    if source:
        metrics.add_dimension("source", source)
    for name, value in values.items():
        metrics.add_metric(name, _UNITS.get(name, MetricUnit.Count), value)
    metrics.flush_metrics()
