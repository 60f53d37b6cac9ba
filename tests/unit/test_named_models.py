"""What `-m` means: a name, a file, an import path, each with settings; and every model that has a name."""

from __future__ import annotations

import pickle
from importlib import import_module
from pathlib import Path

import pytest
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning

from latency_tui.catalog.import_paths import describe
from latency_tui.catalog.named_models import MORE_MODELS, default_models, known_models, resolve_model, resolve_models
from latency_tui.catalog.runtimes import expand_runtimes
from latency_tui.errors import UsageError
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, slugify
from tests.parameters import one_quick


def test_names_are_resolved_with_their_settings() -> None:
    assert resolve_model("Random Forest").model == BUILTIN_MODELS[1]
    found = resolve_model("decision-tree[max_depth=3]")
    assert found.model.name == "Decision Tree"
    assert found.settings == {"max_depth": 3}


def test_files_and_import_paths_are_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old.pkl").write_bytes(pickle.dumps([1]))
    found = resolve_model(f"{tmp_path}/old.pkl[dtype=float32]")
    assert (found.slug, found.model.file) == ("old.pkl[dtype=float32]", f"{tmp_path}/old.pkl")
    assert resolve_model("sklearn.svm:SVC[C=2.0]").slug == "svc[C=2.0]"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine_here.py").write_text("model = 1\n")
    assert resolve_model("mine_here:model").model.factory == "mine_here:model"


def test_two_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.pkl").write_bytes(pickle.dumps([1]))
    texts = [f"{tmp_path}/{folder}/model.pkl" for folder in ("a", "b")]
    names = [candidate.model.name for candidate in resolve_models([*texts, "random-forest"])]
    assert names == [*texts, "Random Forest"]
    variants = resolve_models([texts[0], f"{texts[0]}[dtype=float32]"])
    assert [candidate.slug for candidate in variants] == ["model.pkl", "model.pkl[dtype=float32]"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("randm-forest", "did you mean random-forest?"),
        ("missing.skops", "There is no file missing.skops"),
        ("no_such_module_at_all:x", "no module 'no_such_module_at_all'"),
        ("a b:c", "package.module:name"),
        ("random-forest[dtype=int8]", "dtype must be"),
        ("ridge-classifier[runtime=onx]", r"no runtime 'onx'; did you mean onnx\?"),
        ("sklearn.svn:SVC", r"no module 'sklearn\.svn'"),
        ("sklearn.svm:SVCC", r"has no 'SVCC'; did you mean SVC\?"),
        ("json.decoder.x:y", r"json\.decoder is no package"),
        ("x" * 3000, "There is no model"),
    ],
)
def test_what_is_no_model_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        resolve_model(text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("sklearn.svm._classes:SVC", "a class: C-Support Vector Classification."),
        ("json:loads", "a function: Deserialize ``s``"),
        ("sklearn.svm:SVC", "a name"),
        ("sklearn:svm", "a name"),  # a module in a package
        ("math:sqrt", "a name"),  # written in C
        ("numpy:float64", "a name"),
        ("tests.engine.brought_models:Nested.model", "a name"),
    ],
)
def test_an_import_path_is_told_from_the_sources(text: str, meaning: str) -> None:
    assert describe(text).startswith(meaning)


def test_names_that_a_module_binds_in_branches_or_as_it_runs_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("branches.py").write_text(
        "try:\n    import json as found\nexcept ImportError:\n    other, (third, *rest) = x\n"
    )
    Path("lazy.py").write_text("def __getattr__(name): ...\n")
    Path("broken.py").write_text("this is no Python\n")
    for text in ("branches:found", "branches:other", "branches:rest", "lazy:whatever", "broken:x"):
        assert describe(text) == "a name"
    with pytest.raises(UsageError, match="has no 'nothing'"):
        describe("branches:nothing")


def test_runtimes_multiply_the_candidates_and_unknown_ones_are_refused() -> None:
    both = expand_runtimes(
        [resolve_model("rbf-svm"), resolve_model("rbf-svm[runtime=onnx,threads=2]")], ["sklearn", "onnx"]
    )
    assert [c.slug for c in both] == ["rbf-svm", "rbf-svm[runtime=onnx]", "rbf-svm[runtime=onnx,threads=2]"]
    assert [c.runtime for c in both] == ["sklearn", "onnx", "onnx"]
    assert expand_runtimes(both, []) == both
    with pytest.raises(UsageError, match=r"did you mean onnx?"):
        expand_runtimes([resolve_model("rbf-svm")], ["onxx"])


def test_every_name_is_there_once_and_the_own_come_first() -> None:
    slugs = [slugify(model.name) for model in (*BUILTIN_MODELS, *MORE_MODELS)]
    assert len(set(slugs)) == len(slugs)
    assert all(model.group and model.task and model.description for model in MORE_MODELS)
    own = ModelSpec(name="random forest", factory="mine:Forest")
    assert known_models([own])[0] is own
    assert known_models([own]).count(own) == 1
    assert BUILTIN_MODELS[1] not in known_models([own])
    assert default_models() == BUILTIN_MODELS
    assert {model.task for model in default_models("regression")} == {"regression"}
    assert len(default_models("regression")) == 6


@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}")
@pytest.mark.parametrize("spec", one_quick(MORE_MODELS), ids=lambda spec: slugify(spec.name))
def test_every_model_of_the_catalogue_can_be_made_fitted_and_asked(spec: ModelSpec) -> None:
    made = make_classification if spec.task == "classification" else make_regression
    rows, targets = made(n_samples=60, n_features=5, random_state=0)
    module, _, name = Candidate(model=spec).model.factory.partition(":")
    model = getattr(import_module(module), name)(**spec.parameters).fit(rows, targets)
    assert model.predict(rows).shape == (60,)
