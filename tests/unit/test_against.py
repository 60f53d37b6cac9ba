"""`--against`: what is taken from another revision, and what is said if it cannot be. No model is measured."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import pytest

from latency_tui.analysis.trend_confirmation import plan_to_confirm
from latency_tui.catalog import revision_environment
from latency_tui.catalog.configuration import LoadedConfiguration, find_configuration
from latency_tui.catalog.input_hashes import identify_inputs
from latency_tui.catalog.named_models import resolve_model
from latency_tui.catalog.repository import Repository
from latency_tui.catalog.revision_candidates import add_revision_candidates, candidate_of_result
from latency_tui.catalog.revision_environment import mapped_python_path, moved
from latency_tui.catalog.working_tree import find_working_tree
from latency_tui.cli import cli
from latency_tui.cli.input_options import read_configuration
from latency_tui.cli.options import make_plan
from latency_tui.errors import EngineError, UsageError
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.trust import EVERYTHING, Trust
from latency_tui.result.result import Result
from tests.unit.fake_result import make_result

MODEL = "class Model:\n    def predict(self, rows):\n        return [{}] * len(rows)\n"
SHARE = """[against]
command = '''python -c "import pathlib, site
pathlib.Path(site.getsitepackages()[0], 'shared.pth').write_text({packages!r})"'''
"""


def git(*words: str, folder: Path | None = None) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *names, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the revisions `old` and `main`, in which the working directory is."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(revision_environment, "_CREATE", (sys.executable, "-m", "venv", "--without-pip"))
    git("init", "-q", "-b", "main")
    Path("planted_there.py").write_text(MODEL.format(0))
    Path("model.onnx").write_bytes(b"\x08\x01")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("tag", "old")
    Path("planted_there.py").write_text(MODEL.format(1))
    git("commit", "-qam", "two")
    return root


def plan_of(*texts: str, trust: Trust | None = None) -> Plan:
    return Plan(candidates=tuple(resolve_model(text, folder=Path.cwd()) for text in texts), trust=trust or Trust())


def sharing() -> LoadedConfiguration:
    """A configuration whose command gives the environment the installed packages of this one."""
    packages = "\n".join(path for path in sys.path if path.endswith("-packages"))
    Path("latency-tui.toml").write_text(SHARE.format(packages=packages))
    return find_configuration("latency-tui.toml")


def against(
    plan: Plan, revision: str = "old", configuration: LoadedConfiguration | None = None
) -> tuple[Plan, list[str]]:
    lines: list[str] = []
    return add_revision_candidates(plan, revision, configuration or sharing(), lines.append), lines


def test_every_candidate_is_followed_by_itself_at_the_revision(repository: Path) -> None:
    Path("planted_there.py").write_text(MODEL.format(2))
    Path("untracked").touch()
    index, status = git("ls-files", "--stage"), git("status", "--porcelain")
    plan, lines = against(plan_of("planted_there:Model", "logistic-regression"))
    assert [candidate.slug for candidate in plan.candidates] == [
        "model", "model-old", "logistic-regression", "logistic-regression-old",
    ]  # fmt: skip
    assert plan.baseline is None
    revision = plan.candidates[1].revision
    assert revision is not None
    assert revision.commit == git("rev-parse", "old")
    assert Path(revision.folder, "planted_there.py").read_text() == MODEL.format(0)
    assert Path(revision.python).exists()
    assert [line.partition(":")[0] for line in lines] == ["old"] * 3
    assert git("ls-files", "--stage") == index
    assert git("status", "--porcelain").splitlines() == [
        *status.splitlines()[:1],
        "?? latency-tui.toml",
        "?? untracked",
    ]
    again, lines = against(plan_of("planted_there:Model"))
    assert lines == [], "the environment is kept"
    assert again.candidates[1].revision == revision
    assert again.baseline == "model-old"


@pytest.mark.slow
def test_an_interrupted_build_and_a_removed_tree_are_built_again(repository: Path) -> None:
    plan, _ = against(plan_of("planted_there:Model"))
    revision = plan.candidates[1].revision
    assert revision is not None
    home = Path(revision.folder).parent
    (home / "complete").unlink()
    assert against(plan_of("planted_there:Model"))[1]
    subprocess.run(["rm", "-r", str(home)], check=True)
    again, lines = against(plan_of("planted_there:Model"))
    assert lines
    assert again.candidates[1].revision == revision
    assert git("worktree", "list").count("\n") == 1, "the working tree and one other"


def test_a_failed_build_shows_its_end_and_names_its_log(repository: Path) -> None:
    Path("latency-tui.toml").write_text("[against]\ncommand = 'echo many; echo it is broken; exit 7'\n")
    lines: list[str] = []
    with pytest.raises(EngineError) as failed:
        add_revision_candidates(
            plan_of("planted_there:Model"), "old", find_configuration("latency-tui.toml"), lines.append
        )
    assert "ended with exit code 7. The whole log is in" in str(failed.value)
    log = Path(str(failed.value).rpartition(" is in ")[2].rstrip("."))
    assert "it is broken" in log.read_text()
    assert "old: | it is broken" in lines
    assert git("worktree", "list").count("\n") == 0


def test_relative_limits_and_until_known_need_no_second_model(
    repository: Path,
) -> None:
    sharing()
    given = ["-m", "planted_there:Model", "--against", "old", "--config", "latency-tui.toml", "--until-known"]
    command = cli.get_command(click.Context(cli), "run")
    assert command is not None
    values = command.make_context("run", [*given, "--limit", "p50 < 1.05x"]).params
    plan = make_plan(values, read_configuration(values))
    assert plan.until_known
    assert plan.runs is None
    assert [limit.text for limit in plan.limits] == ["p50 < 1.05x"]
    assert plan.revision_pairs == {"model": "model-old"}


def test_other_trees_of_the_repository_are_left_alone(repository: Path, tmp_path: Path) -> None:
    git("worktree", "add", "-q", "--detach", str(tmp_path / "on-a-disk"), "main")
    (tmp_path / "on-a-disk").rename(tmp_path / "away")
    Path("latency-tui.toml").write_text("[against]\ncommand = 'exit 1'\n")
    with pytest.raises(EngineError):
        add_revision_candidates(plan_of("planted_there:Model"), "old", find_configuration("latency-tui.toml"), print)
    against(plan_of("planted_there:Model"))
    (tmp_path / "away").rename(tmp_path / "on-a-disk")
    assert git("status", "--porcelain", folder=tmp_path / "on-a-disk") == ""


def test_a_command_of_a_found_configuration_needs_trust(repository: Path) -> None:
    Path("latency-tui.toml").write_text("[against]\ncommand = 'touch ran'\n")
    with pytest.raises(UsageError, match=r"add --trust \./latency-tui\.toml"):
        add_revision_candidates(plan_of("planted_there:Model"), "old", find_configuration(), print)
    assert not list(repository.parent.rglob("ran"))


def test_a_model_file_comes_from_the_revision_with_its_trust(repository: Path) -> None:
    import pickle

    for content, message in ((1, "three"), (2, "four")):
        Path("model.pkl").write_bytes(pickle.dumps([content]))
        git("add", "-A")
        git("commit", "-qm", message)
    from latency_tui.catalog.trust_store import digest_of

    mine = digest_of(Path("model.pkl"))
    plan, _ = against(plan_of("model.pkl", trust=Trust(files={mine: (EVERYTHING,)})), "HEAD~1")
    there = Path(plan.candidates[1].model.file)
    assert there.read_bytes() == pickle.dumps([1])
    assert plan.trust.trusts_all(digest_of(there))
    with pytest.raises(UsageError, match="is not in revision old"):
        against(plan_of("model.pkl", trust=Trust(files={mine: (EVERYTHING,)})))


@pytest.mark.parametrize("name", ["no-such", "", "--output=ran", "main^{tree}", "main:planted_there.py"])
def test_an_unknown_revision_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(UsageError, match="There is no revision"):
        against(plan_of("logistic-regression"), name)


def test_a_shallow_clone_says_how_to_get_the_revision(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("clone", "-q", "--depth=1", "--no-tags", repository.as_uri(), str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    with pytest.raises(UsageError, match="fetch-depth: 0"):
        against(plan_of("logistic-regression"), "HEAD~1")


def test_other_folders_are_refused(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("clone", "-q", "--bare", str(repository), str(tmp_path / "bare"))
    with pytest.raises(UsageError, match="this one is bare"):
        Repository(tmp_path / "bare")
    (tmp_path / "plain").mkdir()
    with pytest.raises(UsageError, match="needs a git repository, and the working directory is not in one"):
        Repository(tmp_path / "plain")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="needs git, which is not installed"):
        Repository(repository)


def test_submodules_that_cannot_be_checked_out_are_named(repository: Path, tmp_path: Path) -> None:
    git("init", "-q", str(tmp_path / "inner"))
    git("commit", "-q", "--allow-empty", "-m", "inner", folder=tmp_path / "inner")
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "inner"), "inner")
    git("commit", "-qm", "three")
    subprocess.run(["rm", "-r", str(tmp_path / "inner")], check=True)
    with pytest.raises(UsageError, match=r"submodules of \w+ cannot be checked out"):
        against(plan_of("logistic-regression"), "main")


def test_hooks_do_not_run_and_their_index_is_not_touched(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = Path(".git/hooks/post-checkout")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {repository}/ran\n")
    hook.chmod(0o755)
    index = git("ls-files", "--stage")
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / ".git" / "index"))
    against(plan_of("planted_there:Model"))
    assert not Path("ran").exists()
    assert git("ls-files", "--stage") == index


def test_a_candidate_with_an_interpreter_has_no_other_side(repository: Path) -> None:
    with pytest.raises(UsageError, match="cannot be taken from a revision"):
        against(plan_of(f"logistic-regression[python={sys.executable}]"))


def test_an_installed_copy_that_is_not_the_working_tree_is_refused(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site-packages"
    installed.mkdir()
    (installed / "planted_there.py").write_text(MODEL.format(5))
    monkeypatch.syspath_prepend(str(installed))
    with pytest.raises(UsageError, match="pip install -e"):
        against(plan_of("planted_there:Model"))
    (installed / "planted_there.py").write_text(Path("planted_there.py").read_text())
    assert len(against(plan_of("planted_there:Model"))[0].candidates) == 2


def test_paths_of_the_working_tree_are_those_of_the_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, tree = tmp_path / "project", tmp_path / "tree"
    (root / "models").mkdir(parents=True)
    (tmp_path / "link").symlink_to(root)
    monkeypatch.chdir(root / "models")
    expected: dict[str | Path, Path] = {
        "a.onnx": tree / "models" / "a.onnx",
        "../b.onnx": tree / "b.onnx",
        root: tree,
        tmp_path / "link" / "c.onnx": tree / "c.onnx",
        "../../elsewhere": Path("../../elsewhere"),
        tmp_path / "project2" / "d": tmp_path / "project2" / "d",
    }
    assert {path: moved(Path(path), root, tree) for path in expected} == expected
    variable = os.pathsep.join(("..", str(root / "models"), "/usr/lib"))
    assert mapped_python_path({"PYTHONPATH": variable}, root, tree) == f"{tree}:{tree}/models:/usr/lib"


def test_concurrent_builds_wait_for_each_other(repository: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    configuration, plan = sharing(), plan_of("planted_there:Model")
    with ThreadPoolExecutor(2) as pool:
        done = [*pool.map(lambda _: against(plan, configuration=configuration), range(2))]
    first, second = (found.candidates[1].revision for found, _ in done)
    assert first == second
    assert sum("checking out" in line for _, lines in done for line in lines) == 1


def result_here(text: str, when: datetime) -> Result:
    """Return a result of a model as it would be measured here now."""
    plan = plan_of(text)
    return msgspec.structs.replace(
        make_result(),
        plan=plan,
        created_at=when,
        inputs=identify_inputs(plan, [str(Path.cwd())]),
        working_tree=find_working_tree(plan),
    )


def confirm(before: Result, since: Result) -> Plan | str:
    configuration = sharing()

    def at_commit(candidate: Candidate, result: Result, when: str) -> Candidate:
        assert result.working_tree is not None
        return candidate_of_result(
            candidate, result.working_tree, result.inputs, when, configuration, lambda line: None
        )

    return plan_to_confirm(before.plan.candidates[0].slug, before, since, at_commit)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["planted_there:Model", "model.pickle"])
def test_both_commits_of_a_change_are_taken_from_git(text: str, repository: Path) -> None:
    Path("model.pickle").write_bytes(pickle.dumps("one"))
    git("add", "-A")
    git("commit", "-qm", "three")
    git("tag", "-f", "old")
    Path("model.pickle").write_bytes(pickle.dumps("two"))
    Path("planted_there.py").write_text(MODEL.format(5))
    git("commit", "-qam", "four")
    since = result_here(text, datetime(2026, 11, 2, tzinfo=UTC))
    git("checkout", "-q", "old")
    before = result_here(text, datetime(2026, 11, 1, tzinfo=UTC))
    git("checkout", "-q", "main")
    Path("planted_there.py").write_text("edited since then")
    Path("model.pickle").unlink()
    plan = confirm(before, since)
    assert isinstance(plan, Plan)
    commits = [git("rev-parse", revision) for revision in ("old", "main")]
    assert [one.revision.commit for one in plan.candidates if one.revision] == commits
    assert [one.name.partition(" (")[2] for one in plan.candidates] == [
        f"{commits[0][:12]}, before)",
        f"{commits[1][:12]}, after)",
    ]
    assert plan.baseline == plan.candidates[0].slug
    assert plan.revision_pairs == {}


@pytest.mark.slow
def test_a_commit_that_cannot_be_measured_is_one_sentence(repository: Path, tmp_path: Path) -> None:
    text, times = "planted_there:Model", [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2)]
    since = result_here(text, times[1])
    git("checkout", "-q", "old")
    before = result_here(text, times[0])
    tree = before.working_tree
    assert tree is not None
    Path("planted_there.py").write_text(MODEL.format(7))
    edited = result_here(text, times[0])
    gone = msgspec.structs.replace(before, working_tree=msgspec.structs.replace(tree, commit="1" * 40))
    other = msgspec.structs.replace(before, inputs={"the module planted_there": "0" * 64})
    said = {
        "it was measured with uncommitted changes to commit": confirm(edited, since),
        "the git repository of the working directory has no commit 111111111111": confirm(gone, since),
        "differs from what was measured.": confirm(other, since),
    }
    os.chdir(tmp_path)
    said["--confirm needs a git repository, and the working directory is not in one;"] = confirm(before, since)
    for reason, sentence in said.items():
        assert isinstance(sentence, str)
        assert reason in sentence
        assert sentence.endswith(".")


def test_the_commit_is_known_only_for_models_that_can_come_from_it(repository: Path, tmp_path: Path) -> None:
    tree = find_working_tree(plan_of("planted_there:Model"))
    assert tree is not None
    assert (tree.commit, tree.folder, tree.is_modified) == (git("rev-parse", "HEAD"), ".", False)
    Path("model.onnx").write_bytes(b"\x08\x01\x12\x00")
    edited = [find_working_tree(plan_of(text)) for text in ("planted_there:Model", "model.onnx")]
    assert [one.is_modified for one in edited if one is not None] == [True, False], "no filter of git is run for a file"
    assert find_working_tree(plan_of("logistic-regression")) is None
    plan = plan_of("model.onnx")
    os.chdir(tmp_path)
    assert find_working_tree(plan) is None
