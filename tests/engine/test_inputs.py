"""What a plan measures, identified by content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from latency_tui.catalog.input_hashes import identify_inputs
from latency_tui.catalog.named_models import spec_of_file
from latency_tui.catalog.onnx_external_data import external_files
from latency_tui.engine.input_consistency import InputsChangedError, check_inputs
from latency_tui.engine.protocol import InputsIdentified
from latency_tui.plan import Candidate, Plan


def test_weights_beside_an_onnx_model_are_identified_too(tmp_path: Path) -> None:
    weights = [numpy_helper.from_array(np.zeros((4, 500), np.float32), name) for name in ("a", "b")]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", size]) for name, size in (names)]
        for names in ([("x", 4)], [("y", 500), ("z", 500)])
    )
    nodes = [helper.make_node("MatMul", ["x", "a"], ["y"]), helper.make_node("MatMul", ["x", "b"], ["z"])]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, weights))
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, all_tensors_to_one_file=False, size_threshold=100)
    plan = Plan(candidates=(Candidate(model=spec_of_file(str(path))),))
    files = {file.name for file in tmp_path.iterdir()}
    assert len(files) == 3
    before = identify_inputs(plan)
    assert {str(tmp_path / name) for name in files} <= {*before}
    (tmp_path / "b").write_bytes(b"3")
    now = InputsIdentified(job="j", inputs=identify_inputs(plan))
    with pytest.raises(InputsChangedError, match=r"the content of \S*/b$"):
        check_inputs(plan, before, now)
    (tmp_path / "b").unlink()
    assert str(tmp_path / "b") not in identify_inputs(plan)


def test_an_empty_file_has_no_weights_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").touch()
    assert external_files(tmp_path / "a.onnx") == ()
