"""The command line where output cannot be written, is not UTF-8, or is interrupted at once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.terminal.terminal import Terminal

COMMAND = [sys.executable, "-m", "latency_tui"]
FULL = Path("/dev/full")
SAYS_WHEN_IT_WATCHES = """
import signal
watch = signal.signal
def announce(*arguments):
    signal.signal = watch
    watch(*arguments)
    print("here", flush=True)
signal.signal = announce
from latency_tui.__main__ import main
main()
"""
needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")


def run(*arguments: str, encoding: str | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **({"PYTHONIOENCODING": encoding} if encoding else {})}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, env=environment, timeout=300, check=False)


@needs_full_device
@pytest.mark.parametrize("arguments", ["--help", "-h", "--version", "-V", "run --help", "help", "help run", "models"])
def test_help_to_a_full_disk_is_one_sentence(arguments: str) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments.split()], stdout=full, stderr=subprocess.PIPE, timeout=300, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"latency-tui: Cannot write ")
    assert done.stderr.endswith(b": no space left on device.\n")
    assert done.stderr.count(b"\n") == 1


@needs_full_device
@pytest.mark.parametrize("arguments", ["--nothing", "run -n 0", "nothing", "run -m no-such-model"])
def test_a_usage_error_keeps_its_code_when_stderr_is_full(arguments: str) -> None:
    with FULL.open("w") as full:
        assert subprocess.run([*COMMAND, *arguments.split()], stderr=full, timeout=300, check=False).returncode == 2


@pytest.mark.parametrize("descriptor", [1, 2])
def test_a_closed_stream_is_no_error(descriptor: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {descriptor}>&-', "sh", *COMMAND, "--help" if descriptor == 1 else "--nothing"],
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == (0 if descriptor == 1 else 2)
    assert b"Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.15, 0.25, 0.4])
def test_ctrl_c_while_it_starts_is_no_error(delay: float) -> None:
    """Python itself needs a moment before it comes to us, in which it dies of the signal in its own way."""
    words = [sys.executable, "-c", SAYS_WHEN_IT_WATCHES, "run", "-m", "linear-svm", "-t", "60"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 130
        assert b"Traceback" not in process.stderr.read()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process so")
@pytest.mark.parametrize(("limit", "mebibytes"), [("v", 20), ("v", 64), ("v", 128), ("v", 192), ("d", 64)])
def test_a_memory_limit_below_what_numpy_needs_is_one_sentence(limit: str, mebibytes: int) -> None:
    words = ["sh", "-c", f'ulimit -{limit} {mebibytes * 1024}; exec "$@"', "sh", *COMMAND, "run", "-m", "naive-bayes"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert re.match(r"latency-tui: (The measuring process could not start: memory|There is not enough)", done.stderr)
    assert f"raise the limit{' (ulimit -v)' * (mebibytes < 24)}." in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_table_in_an_encoding_without_our_signs_has_others(encoding: str) -> None:
    done = run("run", "-n", "60", "-m", "naive-bayes", "-m", "linear-svm", encoding=encoding)
    text = done.stdout.decode(encoding)
    assert done.returncode == 0
    assert "?" not in text
    assert "\\u" not in text
    assert ">=" in text
    assert (re.search(r"\d us", text) is not None) == (encoding == "ascii")
    header, line, *rows = text.split("\n")[2:6]
    assert set(line) == {"-"}
    assert all(len(row) == len(header) for row in rows)


@pytest.mark.slow
def test_json_in_ascii_loses_nothing() -> None:
    done = run("run", "-n", "60", "-m", "naive-bayes", "--format", "json", "--no-samples", encoding="ascii")
    assert done.stdout.isascii()
    assert "µs" in json.loads(done.stdout)["answer"]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "markdown"])
def test_other_formats_and_stderr_are_readable_in_ascii(form: str, tmp_path: Path) -> None:
    done = run("run", "-n", "60", "-m", "naive-bayes", "--format", form, encoding="ascii")
    assert done.stdout.isascii()
    assert b"?" not in done.stdout
    done = run("run", "-n", "60", "-m", "naive-bayes", "-o", str(tmp_path / "result.json"), encoding="ascii")
    assert b" us " in done.stderr
    assert b"\\x" not in done.stderr


@pytest.mark.slow
def test_what_was_written_does_not_look_like_an_error(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    done = run("run", "-n", "60", "-m", "naive-bayes", "-o", str(path))
    assert done.returncode == 0
    assert done.stdout == b""
    assert b"latency-tui:" not in done.stderr
    assert done.stderr.endswith(f"Written to {path}.\n".encode())


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("PYTHONIOENCODING", "latin-1", "unset PYTHONIOENCODING"),
        ("PYTHONIOENCODING", "ascii", "unset PYTHONIOENCODING"),
        ("PYTHONUTF8", "0", "unset PYTHONUTF8"),
    ],
)
def test_a_screen_that_is_not_utf_8_is_refused(
    name: str, value: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    if name == "PYTHONUTF8":
        monkeypatch.setenv("LC_ALL", "C")
        monkeypatch.setenv("PYTHONCOERCECLOCALE", "0")
    with Terminal("-m", "latency_tui", command=sys.executable) as terminal:
        terminal.until("The app needs a UTF-8 terminal")
        terminal.gone_within()
        assert remedy in terminal.text
        terminal.process.close()
        assert terminal.process.exitstatus == 2
