"""Random command lines, damaged results and hostile files: a sentence and a documented exit code, no traceback."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from latency_tui.catalog.configuration import load_configuration
from latency_tui.catalog.datasets import resolve_dataset
from latency_tui.catalog.model_files import SUFFIXES, kind_of
from latency_tui.cli import cli, headless
from latency_tui.errors import NothingToExportError, UsageError
from latency_tui.report import FORMATS
from latency_tui.report.formats import content_of
from latency_tui.result.result import load
from tests.unit.fake_result import make_evil_result, make_result

WORDS = (
    *(
        "",
        "0",
        "1",
        "-1",
        "1e999",
        "nan",
        "-0",
        "99999999999999999999",
        "9" * 5000,
        "0x10",
        "1_000",
        "½",
        "é",
        "\x1b[31m",
    ),
    *("random-forest", "linear svm", "random-forest[n_jobs=1]", "random-forest[n_jobs=]", "[", "]", "a[b=c]]", "a:b"),
    *(
        "os:getcwd",
        "os:",
        ":os",
        "os.path:join",
        "a.skops",
        "../x.onnx",
        "/dev/null",
        "/",
        ".",
        "~nobody/a.pkl",
        "x" * 5000,
    ),
    *(
        "iris",
        "wine",
        "data.csv",
        "data.csv[target=y]",
        "predict",
        "transform",
        "sklearn",
        "onnx",
        "none",
        "auto",
        "0-3",
    ),
    *("p99 < 1ms", "p50<", "%", "true", "table", "json", "result.json", "result.xyz", "classification", "--", "-", "*"),
)
OPTIONS = (
    *("-m", "-n", "-t", "--max-time", "-b", "--method", "--baseline", "--launches", "--equivalence", "--seed", "--cpu"),
    *(
        "--threads",
        "--call-timeout",
        "--runtime",
        "--data",
        "--target",
        "--samples",
        "--features",
        "--classes",
        "--task",
    ),
    *("--trust", "--trust-type", "--config", "--format", "-o", "--limit", "--nonsense"),
)
FLAGS = ("--until-known", "--rigorous", "--control", "--cold-start", "--sparse", "--settings", "--no-samples", "--help")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_random_command_line_ends_with_a_documented_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("latency_tui.catalog.trust_store.memory_path", lambda: tmp_path / "trusted.json")
    monkeypatch.setattr(headless, "measure_and_report", lambda *_, **__: 0)
    (tmp_path / "data.csv").write_text("x,y\n1,0\n2,1\n")
    chance = random.Random(seed)
    for _ in range(100):
        words = [chance.choice(("run", "run", "run", "models", "init", "nonsense"))]
        for _ in range(chance.randrange(6)):
            words += (
                [chance.choice(OPTIONS), chance.choice(WORDS)] if chance.random() < 0.75 else [chance.choice(FLAGS)]
            )
        if chance.random() < 0.1:
            words.append(chance.choice(WORDS))
        done = CliRunner().invoke(cli, words)
        assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception)
        assert done.exit_code in (0, 2), words
        assert len(done.stderr) < 12_000, words
        if done.exit_code == 2:
            assert done.stderr.startswith("latency-tui: "), words


def damaged(value: Any, chance: random.Random) -> Any:
    """Return a JSON value with one place in it changed."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        return {**value, key: damaged(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        index = chance.randrange(len(value))
        return [*value[:index], damaged(value[index], chance), *value[index + 1 :]]
    return chance.choice([None, -1, 0, 1e308, 10**30, "", "x" * 1000, [], {}, True, [value], {"a": value}, "\ud800"])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_result_is_read_and_shown_or_refused_in_a_sentence(tmp_path: Path, seed: int) -> None:
    chance, path = random.Random(seed), tmp_path / "result.json"
    for made in (make_result(), make_evil_result()):
        document = json.loads(made.to_json())
        for _ in range(100):
            text = json.dumps(damaged(document, chance)).encode()
            if chance.random() < 0.3:
                cut = chance.randrange(len(text))
                text = text[:cut] + os.urandom(chance.randrange(3)) + text[cut + chance.randrange(20) :]
            path.write_bytes(text)
            try:
                result = load(path)
            except UsageError as error:
                assert str(path) in str(error)  # noqa: PT017 (most are refused, some are not)
                continue
            for form in FORMATS:
                with contextlib.suppress(NothingToExportError):
                    list(content_of(result, form))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_hostile_file_is_refused_in_a_sentence_or_known(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    heads = (
        b"\x80",
        b"\x80\x04",
        b"PK\x03\x04",
        b"\x08\x09\x12",
        b"CBM1",
        b"tree\n",
        b"{L",
        b"\x93NUMPY",
        b"PAR1",
        b"a,b\n",
    )
    suffixes = (*SUFFIXES, ".csv", ".parquet", ".npz", ".npy", ".jsonl", ".toml", "")
    for index in range(50):
        path = tmp_path / f"{index}{chance.choice(suffixes)}"
        rest = chance.choice((b"", b"\0" * 5000, os.urandom(200), b"[" * 5000, pickle.dumps([1]), b'{"learner":' * 900))
        path.write_bytes(chance.choice(heads) + rest)
        for read in (kind_of, lambda path: resolve_dataset(str(path)), load_configuration, load):
            try:
                read(path)
            except UsageError as error:
                assert len(str(error)) < 2100  # noqa: PT017 (as above)
