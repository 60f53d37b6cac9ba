"""Describes what to measure: models, datasets, workloads and the plan that contains them. Imports nothing heavy."""

from latency_tui.plan.builtin import BUILTIN_MODELS
from latency_tui.plan.candidates import Candidate, ModelSpec, make_slugs_unique, slug_of, slugify
from latency_tui.plan.datasets import BundledDataset, Dataset, FileDataset, StoredDataset, SyntheticDataset
from latency_tui.plan.load import LoadTest
from latency_tui.plan.plan import MAX_RUNS, METHODS, Method, Plan, Workload
from latency_tui.plan.settings import ENGINE_SETTINGS, OTHER_SETTINGS, SKLEARN_SETTINGS, Setting, parse
from latency_tui.plan.sweep import Sweep, expand, make_sweep, parse_sweep
from latency_tui.plan.trust import Trust

__all__ = [
    "BUILTIN_MODELS",
    "ENGINE_SETTINGS",
    "MAX_RUNS",
    "METHODS",
    "OTHER_SETTINGS",
    "SKLEARN_SETTINGS",
    "BundledDataset",
    "Candidate",
    "Dataset",
    "FileDataset",
    "LoadTest",
    "Method",
    "ModelSpec",
    "Plan",
    "Setting",
    "StoredDataset",
    "Sweep",
    "SyntheticDataset",
    "Trust",
    "Workload",
    "expand",
    "make_slugs_unique",
    "make_sweep",
    "parse",
    "parse_sweep",
    "slug_of",
    "slugify",
]
