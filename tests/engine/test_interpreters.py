"""What is said of an interpreter that candidates cannot run under, before anything runs there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from latency_tui.engine.candidate.process_context import ProcessContext
from latency_tui.engine.server import interpreters
from latency_tui.engine.server.interpreters import Interpreters
from latency_tui.plan import Candidate, ModelSpec, Plan
from tests.engine.environments import make_environment


class Silent:
    """A channel without a client."""

    def wait(self, connections: list[Any], seconds: float) -> list[Any]:
        return []

    def flush(self) -> None:
        pass


def candidate(python: Path | str) -> Candidate:
    return Candidate(
        model=ModelSpec(name="a", factory="sklearn.linear_model:LogisticRegression"), settings={"python": str(python)}
    )


def refusal(python: Path | str, folder: Path) -> str:
    """Return why a candidate cannot run under an interpreter; empty if it can."""
    checked = Interpreters(Silent(), lambda: folder, ProcessContext(), fork=False)  # type: ignore[arg-type] # a stub
    return next(iter(checked.check(Plan(candidates=(candidate(python),))).values()), "")


def script(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
    path.chmod(0o755)
    return path


def test_an_environment_with_latency_tui_is_accepted(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "env")
    assert refusal(python, tmp_path) == ""
    checked = Interpreters(Silent(), lambda: tmp_path, ProcessContext(), fork=False)  # type: ignore[arg-type] # a stub
    plan = Plan(candidates=(candidate(python),))
    checked.check(plan)
    assert checked.report(plan.candidates[0]).versions.keys() >= {"Python", "numpy", "scikit-learn"}
    names = set(checked.inputs(plan.candidates))
    assert {f"Python of {tmp_path}/env", f"scikit-learn of {tmp_path}/env"} <= names


def test_an_environment_without_latency_tui_is_refused_with_the_remedy(tmp_path: Path) -> None:
    python = make_environment(tmp_path / "env", shared=False)
    said = refusal(python, tmp_path)
    assert said == f"latency-tui is not installed in {tmp_path}/env; run {python} -m pip install latency-tui."
    assert refusal(tmp_path / "env", tmp_path) == said, "the folder of the environment is enough"


def test_another_protocol_version_is_refused_with_the_remedy(tmp_path: Path) -> None:
    package = tmp_path / "older" / "latency_tui" / "engine"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    for content in ("def protocol():\n    return '0-older'\n", "# before there was a version\n"):
        (package / "candidate_protocol.py").write_text(content)
        said = refusal(make_environment(tmp_path / "env", tmp_path / "older"), tmp_path)
        assert "is of another version" in said
        assert f"run {tmp_path}/env/bin/python -m pip install latency-tui==" in said


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    package = tmp_path / "broken" / "msgspec"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import no_such_library\n")
    said = refusal(make_environment(tmp_path / "env", package.parent), tmp_path)
    assert "latency-tui cannot be imported" in said
    assert "no_such_library" in said


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["true"], "is no Python interpreter"),
        (["echo it is broken >&2", "exit 3"], "it cannot start: it is broken"),
        (["echo nonsense > /dev/fd/$3"], "is no Python interpreter"),
        (["""echo '{"python": "three"}' > /dev/fd/$3"""], "is no Python interpreter"),
        (["""echo '{"python": "3.9.2"}' > /dev/fd/$3"""], "has Python 3.9.2; latency-tui needs Python 3.11"),
        (["echo noise; echo noise >&2", """echo '{"python": "2.7.18"}' > /dev/fd/$3"""], "has Python 2.7.18"),
    ],
)
def test_other_programs_are_refused(tmp_path: Path, lines: list[str], expected: str) -> None:
    assert expected in refusal(script(tmp_path / "program", *lines), tmp_path)


@pytest.mark.parametrize("lines", [["sleep 600"], ["exec yes >&2"], ["sleep 600 & exit 0"]])
def test_a_program_that_hangs_or_floods_is_ended(
    tmp_path: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreters, "CHECK_SECONDS", 0.5)
    said = refusal(script(tmp_path / "program", *lines), tmp_path)
    assert "did not answer within 0.5 s" in said or "is no Python interpreter" in said


def test_no_interpreter_of_a_found_configuration_runs_untrusted(tmp_path: Path) -> None:
    program = script(tmp_path / "program", f"touch {tmp_path}/ran")
    found = Candidate(
        model=ModelSpec(name="a", factory="sklearn.svm:LinearSVC", configuration_digest="0" * 64),
        settings={"python": str(program)},
    )
    checked = Interpreters(Silent(), lambda: tmp_path, ProcessContext(), fork=False)  # type: ignore[arg-type] # a stub
    assert "--trust ./latency-tui.toml" in checked.check(Plan(candidates=(found,)))[found.slug]
    assert not (tmp_path / "ran").exists()
