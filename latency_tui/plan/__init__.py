"""Describes what to measure: models, datasets, workloads and the plan that contains them. Imports nothing heavy."""

from latency_tui.plan.builtin import BUILTIN_MODELS
from latency_tui.plan.candidates import Candidate, ModelSpec, number_apart, slug_of, slugify
from latency_tui.plan.datasets import BundledDataset, Dataset, FileDataset, StoredDataset, SyntheticDataset
from latency_tui.plan.plan import METHODS, MOST_RUNS, Method, Plan, Workload
from latency_tui.plan.settings import ENGINE_SETTINGS, OTHER_SETTINGS, SKLEARN_SETTINGS, Setting, parse
from latency_tui.plan.trust import Trust

__all__ = [
    "BUILTIN_MODELS",
    "ENGINE_SETTINGS",
    "METHODS",
    "MOST_RUNS",
    "OTHER_SETTINGS",
    "SKLEARN_SETTINGS",
    "BundledDataset",
    "Candidate",
    "Dataset",
    "FileDataset",
    "Method",
    "ModelSpec",
    "Plan",
    "Setting",
    "StoredDataset",
    "SyntheticDataset",
    "Trust",
    "Workload",
    "number_apart",
    "parse",
    "slug_of",
    "slugify",
]
