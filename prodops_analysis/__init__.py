"""Did the process change help? Process analysis and reporting for product operations."""

from prodops_analysis.assessment import Assessment, assess
from prodops_analysis.checks import Check
from prodops_analysis.metrics import METRICS
from prodops_analysis.records.changes import Change
from prodops_analysis.settings import Settings
from prodops_analysis.verdict import Verdict, Worthwhile
from prodops_analysis.workflow import Stage, Workflow

__all__ = [
    "METRICS",
    "Assessment",
    "Change",
    "Check",
    "Settings",
    "Stage",
    "Verdict",
    "Workflow",
    "Worthwhile",
    "assess",
]
