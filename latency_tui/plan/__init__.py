"""What to measure: models, datasets, workloads and the plan that holds them. Imports nothing heavy."""

from latency_tui.plan.builtin import BUILTIN_MODELS
from latency_tui.plan.models import Candidate, ModelSpec, slug_of, slugify
from latency_tui.plan.plan import METHODS, MOST_RUNS, Dataset, Method, Plan, StoredDataset, SyntheticDataset, Workload
from latency_tui.plan.settings import LEVERS, Setting, parse

__all__ = [
    "BUILTIN_MODELS",
    "LEVERS",
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
    "parse",
    "slug_of",
    "slugify",
]
