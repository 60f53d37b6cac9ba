"""A model whose file or module has changed is got ready again, not measured as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from latency_tui.engine.server.training import fingerprints_of
from latency_tui.plan import Candidate, ModelSpec


def test_a_changed_module_changes_what_its_model_is_known_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "changing_module.py"
    module.write_text("def model(X): return X\n")
    monkeypatch.syspath_prepend(tmp_path)
    candidate = Candidate(model=ModelSpec(name="own", factory="changing_module:model"))
    before = fingerprints_of(candidate)
    assert before == fingerprints_of(candidate)
    module.write_text("def model(X): return X + 1\n")
    assert before != fingerprints_of(candidate)


def test_a_changed_file_changes_what_its_model_is_known_by(tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(b"\x80\x04N.")
    candidate = Candidate(model=ModelSpec(name="own", file=str(file)))
    before = fingerprints_of(candidate)
    file.write_bytes(b"\x80\x04K\x01.")
    assert before != fingerprints_of(candidate)
    file.unlink()
    assert fingerprints_of(candidate) == (None,)


def test_models_of_scikit_learn_are_known_by_no_file() -> None:
    candidate = Candidate(model=ModelSpec(name="dummy", factory="sklearn.dummy:DummyClassifier"))
    assert fingerprints_of(candidate) == (None,)
