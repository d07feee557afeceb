"""Metrics: the registry `METRICS`, and one module a subject."""

from prodops_analysis.metrics.registry import METRICS, Metric, metric_named

__all__ = ["METRICS", "Metric", "metric_named"]
