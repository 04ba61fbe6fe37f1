"""An office's plan: one YAML file from which the whole office is loaded, again and again."""

from storage.plan.load import Transfer
from storage.plan.loading import LoadReport, is_loaded, load_plan
from storage.plan.reading import Plan, PlanError, read_plan

__all__ = [
    "LoadReport",
    "Plan",
    "PlanError",
    "Transfer",
    "is_loaded",
    "load_plan",
    "read_plan",
]
