"""Files and places that are not as they should be: pipes, devices, endless files, no home folder, a deleted folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from latency_tui.catalog.bounded_reading import read_whole
from latency_tui.catalog.configuration import load_configuration
from latency_tui.catalog.data_files import format_of
from latency_tui.catalog.file_head import read_head
from latency_tui.catalog.import_paths import describe
from latency_tui.catalog.model_files import kind_of
from latency_tui.catalog.trust_store import digest_of, recall, remember_types
from latency_tui.errors import MAX_SENTENCE, DataError, UsageError
from latency_tui.result.result import load

READERS: tuple[Callable[[Path], object], ...] = (kind_of, format_of, digest_of, load_configuration, load)


@pytest.mark.parametrize("read", READERS)
def test_nothing_waits_for_a_pipe_or_reads_a_device(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(UsageError, match="is a pipe or a device, not a"):
            read(tmp_path / name)
    with pytest.raises(UsageError, match="is a folder, not a"):
        read(tmp_path)
    with pytest.raises(UsageError, match="There is no file"):
        read(tmp_path / "missing")
    with pytest.raises(UsageError, match="No file can have the name"):
        read(tmp_path / "null\0character")


@pytest.mark.parametrize("read", READERS)
def test_a_file_larger_than_the_memory_is_not_read(tmp_path: Path, read: Callable[[Path], object]) -> None:
    path = tmp_path / "sparse"
    path.write_bytes(b"\x80\x04")
    os.truncate(path, 1 << 43)
    with pytest.raises(UsageError, match="is 8 TiB large, more than the memory of this machine"):
        read(path)


@pytest.mark.skipif(not Path("/proc/kmsg").exists(), reason="the system has no such file")
def test_a_file_of_proc_that_blocks_its_reader_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").symlink_to("/proc/kmsg")
    with pytest.raises(UsageError, match=r"is empty|Permission denied"):
        read_head(tmp_path / "a.pkl", 10, wanted="model")


def test_no_more_than_the_limit_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 2049)
    with pytest.raises(UsageError, match="is larger than 2 KiB, which no configuration file is"):
        read_whole(tmp_path / "a", 2048, wanted="configuration")
    assert read_whole(tmp_path / "a", 2049, wanted="configuration") == b"x" * 2049


def test_a_module_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "endless_module.py")
    with pytest.raises(UsageError, match="There is no module"):
        describe("endless_module:name", tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a=" + "[" * 100_000, "nested too deeply"),
        ("a=" + "{a=" * 100_000, "nested too deeply"),
        ("[models.a]\npath='a:b'\nparameters.n=" + "[" * 9000 + "]" * 9000, "nested too deeply"),
        (".".join("a" * 300_000) + "=1", "has a key of more than 64 parts"),
        ("[" + ".".join(['"a b"'] * 100_000) + "]", "has a key of more than 64 parts"),
        ("[plans.a]\nruns=" + "9" * 5000, "is not TOML: Exceeds the limit"),
        ("[plans.a]\nruns=0x" + "f" * 100_000, "plans.a.runs in .* must be a whole number of at most 64 bits"),
        ("[plans.a]\nruns=" + "9" * 30, "plans.a.runs in .* must be a whole number of at most 64 bits"),
        ("[models.a]\npath='a:b'\nparameters.n=0x" + "f" * 9000, "n in .* must be a whole number of at most 64 bits"),
        ("[models.a]\npath='a:b'\nparameters.n=[1, {x=inf}]", "must be a finite number"),
        ("[models.a]\npath='a:b'\nparameters.n=1979-05-27", "must be text, a number.*not a date or a time"),
        ('theme = "' + '\\"' * 400_000, "is not TOML"),
        ("k" * 900_000 + "=1", "is not known; known are models"),
        ("[plans]\nruns.a=1\n#" + "x" * (1 << 20), "is larger than 1 MiB, which no configuration file is"),
        ("theme = '\udcff'", "is not TOML: .*can't decode byte"),
    ],
    ids=range(15),
)
def test_a_hostile_configuration_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "latency-tui.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=said) as raised:
        load_configuration(path).models()
    assert len(str(raised.value)) <= MAX_SENTENCE + 3


def test_a_sentence_keeps_its_beginning_and_its_end_whatever_it_names() -> None:
    sentence = str(DataError(f"it holds the arrays {', '.join(f'array-{i}' for i in range(70_000))}; call the rows X."))
    assert len(sentence) <= MAX_SENTENCE + 3
    assert sentence.startswith("it holds the arrays array-0")
    assert sentence.endswith("call the rows X.")


def test_a_configuration_that_is_empty_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "latency-tui.toml").touch()
    assert load_configuration(tmp_path / "latency-tui.toml").models() == ()


NOBODY = """
import os, pwd, sys
os.environ.pop("HOME", None)
def unknown(uid): raise KeyError(uid)
pwd.getpwuid = unknown
from latency_tui.cli import cli
sys.exit(cli.main(sys.argv[1:], standalone_mode=False))
"""


def test_a_user_without_a_home_folder_has_no_configuration(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", NOBODY, *arguments]
        return subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=300)

    assert run("models").returncode == 0
    refused = run("init", "--user")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == ("latency-tui: There is no home folder to write to; set HOME, or omit --user.\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["models"], 0, ""),
        (["init"], 2, "Cannot write latency-tui.toml: No such file or directory."),
        (["run", "-m", "no_such_module:name"], 2, "There is no module 'no_such_module' to import"),
        (["run", "-m", "model.skops"], 2, "There is no file model.skops."),
        (["run", "-o", "result.json"], 2, "Cannot write result.json: no such file or directory."),
        pytest.param(["run", "-m", "logistic-regression", "-n", "5"], 0, "", marks=pytest.mark.slow),
    ],
)
def test_a_deleted_working_directory_is_no_traceback(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    (tmp_path / "gone").mkdir()
    leave = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.executable, [sys.executable, '-P', *sys.argv[1:]])"
    done = subprocess.run(
        [sys.executable, "-c", leave, "-m", "latency_tui.cli", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path / "gone",
        timeout=300,
    )
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


REMEMBER = """
import sys
from pathlib import Path
from latency_tui.catalog.trust_store import remember_types
for number in range(20):
    remember_types({f"{sys.argv[2]}-{number}": ["a.B"]}, memory=Path(sys.argv[1]))
"""


def test_what_several_programs_trust_at_once_is_all_remembered(tmp_path: Path) -> None:
    memory = tmp_path / "data" / "trusted.json"
    writers = [subprocess.Popen([sys.executable, "-c", REMEMBER, str(memory), str(name)]) for name in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert recall(memory) == {f"{name}-{number}": ("a.B",) for name in range(4) for number in range(20)}
    assert memory.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in memory.parent.iterdir()) == ["trusted.json", "trusted.lock"]


def test_a_damaged_memory_is_replaced_and_more_types_are_added(tmp_path: Path) -> None:
    memory = tmp_path / "trusted.json"
    for content in (b'{"a": ["b.C"]}}', b"\xff", b"[" * 100_000, b"{}" + b" " * (17 << 20)):
        memory.write_bytes(content)
        assert recall(memory) == {}
    remember_types({"a": ["b.C"]}, memory=memory)
    remember_types({"a": ["b.A"], "d": []}, memory=memory)
    assert json.loads(memory.read_bytes()) == {"a": ["b.A", "b.C"]}
