"""What to measure: models, datasets, workloads and the plan that holds them. Imports nothing heavy."""

from latency_tui.plan.builtin import BUILTIN_MODELS
from latency_tui.plan.models import Candidate, ModelSpec, Setting, slugify
from latency_tui.plan.plan import METHODS, MOST_RUNS, Dataset, Method, Plan, StoredDataset, SyntheticDataset, Workload

__all__ = [
    "BUILTIN_MODELS",
    "METHODS",
    "MOST_RUNS",
    "Candidate",
    "Dataset",
    "Method",
    "ModelSpec",
    "Plan",
    "Setting",
    "StoredDataset",
    "SyntheticDataset",
    "Workload",
    "slugify",
]
