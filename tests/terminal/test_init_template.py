"""The plan in the file that `init` writes runs as it is written, once it is uncommented."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression


def command(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "latency_tui", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def uncommented(text: str) -> str:
    """Take the # away before every table and every key, and make the measurement short."""
    text = re.sub(r"(?m)^# (\[|[a-z_-]+ = )", r"\1", text)
    short = {"runs": "60", "launches": "1", "cpu": '"none"', "duration": "1"}
    for key, value in short.items():
        text = re.sub(rf"(?m)^{key} = [^#\n]*", f"{key} = {value}  ", text)
    return text


@pytest.mark.slow
def test_the_plan_of_the_template_runs_as_written(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 4)), columns=list("abcd"))
    skops.io.dump(LogisticRegression().fit(frame, frame.a > 0), tmp_path / "models" / "checkout.skops")
    frame.assign(returned=(frame.a > 0).astype(int)).to_parquet(tmp_path / "orders.parquet")
    assert command("init", folder=tmp_path).returncode == 0
    file = tmp_path / "latency-tui.toml"
    file.write_text(uncommented(file.read_text()))
    done = command("run", "checkout-service", folder=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    for name in ("Checkout Forest", "Random Forest"):
        assert re.search(rf"(?m)^{name}.*\d µs|^{name}.*\d ms", done.stdout), done.stdout
