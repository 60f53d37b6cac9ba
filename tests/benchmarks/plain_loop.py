"""What is measured over what a plain loop around the library itself takes, for every kind of file and runtime.

`python -m tests.benchmarks.plain_loop [KIND ...] [--pairs 5]` prints ours ÷ plain per kind: the lowest p50 of either
side over so many runs in alternation, each run in a process of its own. The target is 0.95 to 1.10.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

RUNS = 2000
TIMEOUT_SECONDS = 180

_LOOP = """
import json, statistics, sys, time
from threadpoolctl import threadpool_limits
limits = threadpool_limits(1)
{setup}
def measure(calls):
    durations = []
    for index in range(calls):
        value = values[index % len(values)]
        started = time.perf_counter_ns()
        call(value)
        durations.append(time.perf_counter_ns() - started)
    return durations
measure(100)
print(statistics.median(measure({runs})) / 1e9)
"""

_ORT = """
import numpy as np, onnxruntime
options = onnxruntime.SessionOptions(); options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession("{file}", options, providers=["CPUExecutionProvider"])
out = [session.get_outputs()[0].name]
call = lambda feed: session.run(out, feed)
"""


@dataclass(frozen=True)
class Kind:
    """A kind of model file.

    Attributes:
        make: Writes the files into a folder.
        options: Of `latency-tui run`, in that folder.
        plain: Python code that sets `call` and `values`, what each call receives.
    """

    make: Callable[[Path], None]
    options: Sequence[str]
    plain: str


def p50_of_ours(kind: Kind, folder: Path, runs: int = RUNS) -> float:
    """Return the p50 that latency-tui reports, in seconds."""
    words = [sys.executable, "-m", "latency_tui", "run", "-n", str(runs), "--format", "json", "--no-samples"]
    done = subprocess.run(
        [*words, *kind.options], cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    (candidate,) = json.loads(done.stdout)["candidates"]
    if candidate["status"] != "measured":
        raise RuntimeError(candidate["error"])
    return float(candidate["statistics"]["p50"]["value"])


def p50_of_plain_loop(kind: Kind, folder: Path, runs: int = RUNS) -> float:
    """Return the p50 of a plain loop around the library, in seconds."""
    program = _LOOP.format(setup=kind.plain, runs=runs)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    return float(done.stdout)


def ratio(name: str, pairs: int, runs: int = RUNS) -> tuple[float, float]:
    """Return the lowest p50 of ours and of the plain loop, in seconds, over runs in alternation."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        KINDS[name].make(folder)
        both = [
            (p50_of_ours(KINDS[name], folder, runs), p50_of_plain_loop(KINDS[name], folder, runs)) for _ in range(pairs)
        ]
    return min(ours for ours, _ in both), min(plain for _, plain in both)


def _numbers(rows: int = 200, columns: int = 8) -> tuple[Any, Any]:
    values = np.random.default_rng(0).normal(size=(rows, columns))
    return values, (values[:, 0] + values[:, 1] > 0).astype(int)


def _write_npy(folder: Path) -> tuple[Any, Any]:
    values, targets = _numbers()
    np.save(folder / "data.npy", values)
    return values, targets


def _sklearn_array(folder: Path) -> None:
    import joblib
    from sklearn.linear_model import LogisticRegression

    joblib.dump(LogisticRegression().fit(*_write_npy(folder)), folder / "m.joblib")


def _sklearn_frame(folder: Path) -> None:
    import joblib
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    values, targets = _numbers(columns=2)
    table = pd.DataFrame(values, columns=["a", "b"]).assign(city=["Ulm", "Bern"] * 100)
    table.to_parquet(folder / "data.parquet")
    columns = make_column_transformer((StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["city"]))
    joblib.dump(make_pipeline(columns, LogisticRegression()).fit(table, targets), folder / "m.joblib")


def _texts(folder: Path) -> None:
    import joblib
    import pandas as pd
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = [f"w{index}" for index in range(2000)]
    draw = np.random.default_rng(0).choice
    texts = [" ".join(draw(words, 500)) for _ in range(40)]
    pd.DataFrame({"text": texts}).to_csv(folder / "data.csv", index=False)
    joblib.dump(make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [0, 1] * 20), folder / "m.joblib")


def _skops(folder: Path) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    skops.io.dump(LogisticRegression().fit(*_write_npy(folder)), folder / "m.skops")


def _onnx_matrix(folder: Path) -> None:
    import skl2onnx
    from sklearn.linear_model import LogisticRegression

    values, targets = _write_npy(folder)
    model = LogisticRegression().fit(values, targets)
    made = skl2onnx.to_onnx(model, values[:1].astype(np.float32), options={id(model): {"zipmap": False}})
    (folder / "m.onnx").write_bytes(made.SerializeToString())


def _onnx_columns(folder: Path) -> None:
    import pandas as pd
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values, targets = _numbers()
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(values, targets)
    names = [f"c{index}" for index in range(8)]
    made = skl2onnx.to_onnx(model, initial_types=[(name, FloatTensorType([None, 1])) for name in names])
    (folder / "m.onnx").write_bytes(made.SerializeToString())
    pd.DataFrame(values, columns=names).to_csv(folder / "data.csv", index=False)


def _xgboost(folder: Path) -> None:
    import xgboost

    xgboost.XGBClassifier(n_estimators=20).fit(*_write_npy(folder)).save_model(folder / "m.json")


def _lightgbm(folder: Path) -> None:
    import lightgbm

    lightgbm.LGBMClassifier(n_estimators=20, verbose=-1).fit(*_write_npy(folder)).booster_.save_model(folder / "m.txt")


def _catboost(folder: Path) -> None:
    import catboost

    model = catboost.CatBoostClassifier(iterations=20, verbose=0, allow_writing_files=False)
    model.fit(*_write_npy(folder)).save_model(str(folder / "m.cbm"))


def _torchscript(folder: Path) -> None:
    torch = importlib.import_module("torch")  # it is not among what the tests need
    _write_npy(folder)
    net = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    torch.jit.script(net.eval()).save(folder / "m.pt")


_ROWS = 'import numpy as np; values = [row.reshape(1, -1) for row in np.load("data.npy")]\n'
_FLOATS = 'values = [{"X": row.reshape(1, -1).astype("float32")} for row in np.load("data.npy")]\n'

KINDS: dict[str, Kind] = {
    "scikit-learn, array": Kind(
        _sklearn_array,
        ["-m", "m.joblib", "--trust", "m.joblib", "--data", "data.npy"],
        _ROWS + 'import joblib; call = joblib.load("m.joblib").predict',
    ),
    "scikit-learn, data frame": Kind(
        _sklearn_frame,
        ["-m", "m.joblib", "--trust", "m.joblib", "--data", "data.parquet"],
        'import joblib, pandas; table = pandas.read_parquet("data.parquet")\n'
        'call, values = joblib.load("m.joblib").predict, [table.iloc[[i]] for i in range(len(table))]',
    ),
    "scikit-learn, texts": Kind(
        _texts,
        ["-m", "m.joblib", "--trust", "m.joblib", "--data", "data.csv"],
        'import joblib, pandas; call = joblib.load("m.joblib").predict\n'
        'values = [[text] for text in pandas.read_csv("data.csv")["text"]]',
    ),
    "skops": Kind(
        _skops,
        ["-m", "m.skops", "--data", "data.npy"],
        _ROWS + 'import skops.io; call = skops.io.load("m.skops").predict',
    ),
    "ONNX, one matrix": Kind(
        _onnx_matrix, ["-m", "m.onnx", "--data", "data.npy"], _ORT.format(file="m.onnx") + _FLOATS
    ),
    "ONNX, an input per column": Kind(
        _onnx_columns,
        ["-m", "m.onnx", "--data", "data.csv"],
        _ORT.format(file="m.onnx") + 'import pandas; table = pandas.read_csv("data.csv")\n'
        'values = [{name: np.array([[row[name]]], dtype="float32") for name in table} for _, row in table.iterrows()]',
    ),
    "scikit-learn under ONNX Runtime": Kind(
        _sklearn_array,
        ["-m", "m.joblib", "--trust", "m.joblib", "--runtime", "onnx", "--data", "data.npy"],
        "import joblib, skl2onnx, numpy as np, onnxruntime\n"
        'model, rows = joblib.load("m.joblib"), np.load("data.npy").astype("float32")\n'
        'made = skl2onnx.to_onnx(model, rows[:1], options={id(model): {"zipmap": False}})\n'
        "options = onnxruntime.SessionOptions(); options.intra_op_num_threads = 1\n"
        "session = onnxruntime.InferenceSession(made.SerializeToString(), options)\n"
        "out = [session.get_outputs()[0].name]\n"
        'call, values = lambda feed: session.run(out, feed), [{"X": row.reshape(1, -1)} for row in rows]',
    ),
    "XGBoost": Kind(
        _xgboost,
        ["-m", "m.json", "--data", "data.npy"],
        _ROWS
        + 'import xgboost; model = xgboost.XGBClassifier(n_jobs=1); model.load_model("m.json"); call = model.predict',
    ),
    "LightGBM": Kind(
        _lightgbm,
        ["-m", "m.txt", "--data", "data.npy"],
        _ROWS + 'import lightgbm; model = lightgbm.Booster(model_file="m.txt")\n'
        "call = lambda rows: model.predict(rows, num_threads=1)",
    ),
    "CatBoost": Kind(
        _catboost,
        ["-m", "m.cbm", "--data", "data.npy"],
        _ROWS + 'import catboost; model = catboost.CatBoostClassifier(); model.load_model("m.cbm")\n'
        "call = lambda rows: model.predict(rows, thread_count=1)",
    ),
    "TorchScript": Kind(
        _torchscript,
        ["-m", "m.pt", "--trust", "m.pt", "--data", "data.npy"],
        'import numpy as np, torch; torch.set_num_threads(1); model = torch.jit.load("m.pt").eval()\n'
        'values = [torch.from_numpy(row.reshape(1, -1)) for row in np.load("data.npy").astype("float32")]\n'
        "def call(rows):\n    with torch.inference_mode():\n        return model(rows)",
    ),
}


def main() -> None:
    """Print a line per kind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="*")
    parser.add_argument("--pairs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{'kind':<34}{'ours':>10}{'plain':>10}{'ours ÷ plain':>14}")
    for name in arguments.kinds or KINDS:
        ours, plain = ratio(name, arguments.pairs)
        print(f"{name:<34}{ours * 1e6:>7.1f} µs{plain * 1e6:>7.1f} µs{ours / plain:>14.2f}", flush=True)


if __name__ == "__main__":
    main()
