"""What a model file is, told from its first bytes and its name before anything of it is loaded; and what is trusted."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from latency_tui.catalog.data_files import format_of
from latency_tui.catalog.model_files import SUFFIXES, TITLES, kind_of, looks_like_file
from latency_tui.catalog.named_models import spec_of_file
from latency_tui.catalog.trust_store import digest_of, recall, remember, trust_for
from latency_tui.catalog.validate import check_plan
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, FileDataset, ModelSpec, Plan, SyntheticDataset, Trust, Workload
from latency_tui.plan.trust import EVERYTHING


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(zipfile.ZipInfo(name), b"{}")  # without the time, which would differ between test processes
    return made.getvalue()


def of(path: Path) -> Candidate:
    return Candidate(model=spec_of_file(str(path), path.stem))


SKOPS = archive("schema.json", "1.npy")
ONNX = b"\x08\x09\x12\x08skl2onnx\x1a\x061.20.0"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.skops", SKOPS, "skops"),
        ("no-suffix", SKOPS, "skops"),
        ("not.onnx", SKOPS, "skops"),
        ("a.onnx", ONNX, "onnx"),
        ("a.pkl", pickle.dumps([1]), "pickle"),
        ("old.pickle", pickle.dumps([1], protocol=0), "pickle"),
        ("a.joblib", b"\x78\x9c\x01\x02\x03", "pickle"),
        ("looks-safe.skops", pickle.dumps([1]), "pickle"),
        ("looks-safe.onnx", pickle.dumps([1]), "pickle"),
        ("a.json", b'{"learner":{"attributes":{}}}', "xgboost"),
        ("a.ubj", b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{", "xgboost"),
        ("a.txt", b"tree\nversion=v4\n", "lightgbm"),
        ("a.cbm", b"CBM1\x10\x00", "catboost"),
        ("a.pt", archive("a/data.pkl", "a/code/x.py", "a/constants.pkl"), "torchscript"),
        ("a.pt2", archive("a/models/model.json", "a/data/x"), "torch-export"),
    ],
)
def test_a_file_is_known_by_its_content(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert kind_of(tmp_path / name) == kind


@pytest.mark.parametrize("suffix", ["", *SUFFIXES])
def test_a_file_that_ends_within_its_first_bytes_is_no_traceback(tmp_path: Path, suffix: str) -> None:
    marks = (SKOPS[:40], ONNX[:12], pickle.dumps([1])[:6], b"\x1f\x8b\x08", b"CBM1", b"tree\n", b"{L\0\0", b"    ORTM")
    path = tmp_path / f"cut{suffix}"
    for content in {mark[:length] for mark in marks for length in range(1, len(mark) + 1)}:
        path.write_bytes(content)
        with contextlib.suppress(UsageError):
            assert kind_of(path) in TITLES


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.onnx", b"", "is empty"),
        ("a.skops", SKOPS[: len(SKOPS) // 2], "not a skops file, as its name says: it is truncated"),
        ("a.skops", archive("hello.txt"), "is a ZIP archive of hello.txt"),
        ("a.onnx", b"\x12\x34 not found", "not an ONNX model"),
        ("a.json", b'{"models": []}', "not an XGBoost model"),
        ("a.bin", b"\x00\x01\x02", "not a model of any kind known here"),
        ("a.pt", archive("a/data.pkl"), "weights or a pickled module"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=said):
        kind_of(tmp_path / name)


def test_a_file_that_is_not_there_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        kind_of(tmp_path / "missing.skops")
    with pytest.raises(UsageError, match="is a folder"):
        kind_of(tmp_path)
    with pytest.raises(UsageError, match="is not UTF-8"):
        kind_of(tmp_path / "caf\udce9.skops")
    (tmp_path / "mine.skops").write_bytes(SKOPS)
    (tmp_path / "mine.skops").chmod(0)
    if os.geteuid():
        with pytest.raises(UsageError, match="Cannot read"):
            kind_of(tmp_path / "mine.skops")


def test_a_path_is_told_from_a_name() -> None:
    assert looks_like_file("model.skops")
    assert looks_like_file("./model")
    assert not looks_like_file("random-forest")
    assert not looks_like_file("package.module:name")


def test_a_pickle_is_refused_before_anything_starts_unless_it_is_trusted(tmp_path: Path) -> None:
    path = tmp_path / "old.joblib"
    path.write_bytes(pickle.dumps([1]))
    plan = Plan(candidates=(of(path),))
    with pytest.raises(UsageError, match=r"runs its author's code.*--trust .*old\.joblib.*skops\.io\.dump.*skl2onnx"):
        check_plan(plan)
    trust = trust_for(plan.candidates, files=[str(path)], memory=tmp_path / "memory")
    check_plan(Plan(candidates=(of(path),), trust=trust))
    path.write_bytes(pickle.dumps([2]))
    with pytest.raises(UsageError, match="runs its author's code"):
        check_plan(Plan(candidates=(of(path),), trust=trust))


def test_trust_is_remembered_for_skops_files_and_not_for_pickles(tmp_path: Path) -> None:
    memory, path, old = tmp_path / "folder" / "trusted.json", tmp_path / "a.skops", tmp_path / "a.pkl"
    path.write_bytes(SKOPS)
    old.write_bytes(pickle.dumps([1]))
    both = (of(path), of(old))
    given = trust_for(both, files=[str(path), str(old)], memory=memory)
    assert given.trusts_all(digest_of(path))
    remember(both, given, memory=memory)
    again = trust_for(both, memory=memory)
    assert again.trusts_all(digest_of(path))
    assert not again.trusts_all(digest_of(old))
    assert memory.stat().st_mode & 0o077 == 0
    path.write_bytes(archive("schema.json", "other.npy"))
    assert not trust_for(both, memory=memory).files


def test_types_trusted_by_name_are_remembered_for_that_file_only(tmp_path: Path) -> None:
    memory, one, two = tmp_path / "trusted.json", tmp_path / "1.skops", tmp_path / "2.skops"
    one.write_bytes(SKOPS)
    two.write_bytes(archive("schema.json", "other.npy"))
    remember([of(one)], trust_for([of(one)], types=["a.b.Tree"], memory=memory), memory=memory)
    trust = trust_for([of(one), of(two)], memory=memory)
    assert trust.types_in(digest_of(one)) == ("a.b.Tree",)
    assert trust.types_in(digest_of(two)) == ()
    assert EVERYTHING not in trust.types_in(digest_of(one))


def test_a_spoilt_memory_trusts_nothing(tmp_path: Path) -> None:
    (tmp_path / "trusted.json").write_text('{"cut')
    assert recall(tmp_path / "trusted.json") == {}
    assert recall(tmp_path / "missing.json") == {}


@pytest.mark.parametrize(
    ("files", "types", "said"),
    [(["missing.pkl"], [], "no file"), (["other.pkl"], [], "trusted but not used"), ([], ["a b"], "module.name")],
)
def test_trust_that_makes_no_sense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], types: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.pkl", "other.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps([1]))
    with pytest.raises(UsageError, match=said):
        trust_for([of(tmp_path / "a.pkl")], files=files, types=types, memory=tmp_path / "memory")


def test_a_plan_whose_task_or_data_cannot_be_is_refused(tmp_path: Path) -> None:
    spec = ModelSpec(name="Ridge", factory="sklearn.linear_model:Ridge", task="regression")
    with pytest.raises(UsageError, match="Ridge is for regression, and synthetic 1,000 × 20 is for classification"):
        check_plan(Plan(candidates=(Candidate(model=spec),)))
    bare = Candidate(model=ModelSpec(name="x", factory="a:b"))
    for dataset, said in (
        (FileDataset(path=str(tmp_path / "missing.csv")), "no file"),
        (SyntheticDataset(samples=3), "Samples"),
        (SyntheticDataset(classes=500), "Classes must be a whole number from 2 to 100"),
        (SyntheticDataset(features=0), "Features"),
    ):
        with pytest.raises(UsageError, match=said):
            check_plan(Plan(candidates=(bare,), workload=Workload(dataset=dataset)))


def test_nothing_heavy_is_imported_to_look_at_a_plan(tmp_path: Path) -> None:
    path = tmp_path / "a.skops"
    path.write_bytes(SKOPS)
    program = (
        "import sys\n"
        "from latency_tui.catalog.named_models import spec_of_file\n"
        "from latency_tui.plan import Candidate, Plan\n"
        "from latency_tui.catalog.validate import check_plan\n"
        "from latency_tui.catalog.trust_store import trust_for\n"
        f"plan = Plan(candidates=(Candidate(model=spec_of_file({str(path)!r})),))\n"
        "trust_for(plan.candidates); check_plan(plan)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True)
    heavy = {"numpy", "scipy", "sklearn", "skops", "onnxruntime", "pandas", "pyarrow", "joblib", "asyncio"}
    assert not heavy & set(done.stdout.split())


def test_trust_travels_with_the_plan(tmp_path: Path) -> None:
    import msgspec

    plan = Plan(
        candidates=(Candidate(model=ModelSpec(name="x", factory="a:b")),),
        trust=Trust(files={"00": (EVERYTHING,)}, types=("a.B",)),
    )
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pkl")
    with pytest.raises(UsageError, match="is a pipe or a device"):
        kind_of(tmp_path / "a.pkl")
    with pytest.raises(UsageError, match="is a pipe or a device"):
        format_of(tmp_path / "a.pkl")
