"""Names that are typed alike are different candidates, and models of the configuration are found by their tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from latency_tui.catalog.configuration import load_configuration
from latency_tui.catalog.named_models import resolve_models
from latency_tui.catalog.resolve import Request, resolve
from latency_tui.cli.options import find_slug
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, ModelSpec, Plan, make_slugs_unique


def called(*names: str) -> list[Candidate]:
    return [Candidate(model=ModelSpec(name=name, factory="a:b")) for name in names]


@pytest.mark.parametrize(
    ("names", "slugs"),
    [
        (["n_jobs=1", "n_jobs=-1"], ["n-jobs-1", "n-jobs-1-2"]),
        (["Model A", "model-a", "MODEL_A"], ["model-a", "model-a-2", "model-a-3"]),
        (["x+", "x-", "x"], ["x", "x-2", "x-3"]),
        (["🌲", "🚀"], ["model", "model-2"]),
        (["a", "A", "a 2"], ["a", "a-3", "a-2"]),
        (["C=0.1", "C=01"], ["c-0.1", "c-01"]),
        (["±1", "1"], ["1", "1-2"]),
    ],
)
def test_names_that_are_typed_alike_get_slugs_of_their_own(names: list[str], slugs: list[str]) -> None:
    apart = make_slugs_unique(called(*names))
    assert [candidate.slug for candidate in apart] == slugs
    assert [candidate.name for candidate in apart] == names
    assert Plan(candidates=apart, baseline=slugs[1]).baseline == slugs[1]
    assert make_slugs_unique(apart) == apart


def test_a_control_is_no_candidate_of_its_own_name() -> None:
    plan = Plan(candidates=make_slugs_unique(called("a", "a control")), control=True)
    assert [candidate.slug for candidate in plan.all_candidates] == ["a", "a-control", "a-control-2"]


def test_two_of_the_very_same_name_are_refused() -> None:
    with pytest.raises(UsageError, match="Two candidates are called 'a'; give one of them another name"):
        Plan(candidates=make_slugs_unique(called("a", "a")))


def test_files_whose_names_differ_by_a_sign_are_measured_together(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("m_1.json", "m-1.json")]
    for file in files:
        Path(file).write_text('{"learner":{}}')
    candidates = make_slugs_unique(resolve_models(files))
    assert [candidate.name for candidate in candidates] == ["m_1.json", "m-1.json"]
    assert [candidate.slug for candidate in candidates] == ["m-1.json", "m-1.json-2"]
    assert [find_slug(text, candidates) for text in ("m_1.json", "m-1.json", *files)] == ["m-1.json", "m-1.json-2"] * 2


def test_a_model_of_the_configuration_is_found_by_name_table_and_slug(tmp_path: Path) -> None:
    path = tmp_path / "latency-tui.toml"
    path.write_text(
        '[models.checkout]\nname = "Checkout Forest"\npath = "a:b"\n'
        '[models.one]\nname = "jobs=1"\npath = "a:c"\n[models.minus]\nname = "jobs=-1"\npath = "a:d"\n'
        '[models.ridge]\nname = "Mine"\npath = "a:e"\n'
    )
    loaded = load_configuration(path)
    for text in ("checkout", "Checkout Forest", "checkout-forest", "CHECKOUT", "checkout[n_jobs=1]"):
        assert loaded.candidates([text])[0].model.factory == "a:b"
    for text, factory in (("one", "a:c"), ("minus", "a:d"), ("jobs=-1", "a:d"), ("ridge", "a:e"), ("mine", "a:e")):
        assert loaded.candidates([text])[0].model.factory == factory
    with pytest.raises(UsageError, match=r"'jobs-1' is ambiguous; type the exact name: 'one' or 'minus'"):
        loaded.candidates(["jobs-1"])
    with pytest.raises(UsageError, match=r"did you mean checkout\?"):
        loaded.candidates(["chekout"])
    both = resolve(Request(models=("one", "minus")), loaded).candidates
    assert [candidate.slug for candidate in both] == ["jobs-1", "jobs-1-2"]
    assert find_slug("minus", both) == "jobs-1-2"
    assert json.dumps([candidate.name for candidate in both]) == '["jobs=1", "jobs=-1"]'
