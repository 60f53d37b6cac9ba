"""Messages of many lines from the libraries that people use, and the one line of each that names the cause."""

from __future__ import annotations

import warnings

import pytest

from latency_tui.engine.candidate.error_messages import MAX_CHARACTERS, extract_cause, summarize_exception
from latency_tui.engine.candidate.failures import format_warnings
from latency_tui.engine.candidate.models.model_files import explain_operator
from latency_tui.engine.candidate.models.pickles import explain_failure
from latency_tui.errors import ModelError

TORCHSCRIPT = """The following operation failed in the TorchScript interpreter.
Traceback of TorchScript, serialized code (most recent call last):
  File "code/__torch__.py", line 8, in forward
    x: Tensor) -> Tensor:
    l = self.l
    return (l).forward(x, )
           ~~~~~~~~~~ <--- HERE

Traceback of TorchScript, original code (most recent call last):
  File "net.py", line 4, in forward
    def forward(self, x): return self.l(x)
                                 ~~~~~~ <--- HERE
RuntimeError: mat1 and mat2 must have the same dtype, but got Float and Double
"""
REMOTE = '''
joblib.externals.loky.process_executor._RemoteTraceback:
"""
Traceback (most recent call last):
  File "process_executor.py", line 490, in _process_worker
    r = call_item()
ValueError: could not convert string to float: 'London'
"""
'''
OPSET = (
    "[ONNXRuntimeError] : 1 : FAIL : Load model from opset40.onnx failed:/onnxruntime_src/core/graph/"
    "model_load_utils.h:46 void onnxruntime::model_load_utils::ValidateOpsetForDomain(const std::unordered_map<std::"
    "__cxx11::basic_string<char>, int>&, const onnxruntime::logging::Logger&, bool, const std::string&, int) ONNX "
    "Runtime only *guarantees* support for models stamped with official released onnx opset versions. Opset 40 is "
    "under development and support for this is limited. The operator schemas and or other functionality may change "
    "before next ONNX release and in this case ONNX Runtime will not guarantee backward compatibility. Current "
    "official support for domain ai.onnx is till opset 28.\n"
)
IR_VERSION = (
    "[ONNXRuntimeError] : 1 : FAIL : /onnxruntime_src/core/graph/model.cc:256 onnxruntime::Model::Model(onnx::"
    "ModelProto&&, const std::function<void()>&, const onnxruntime::ModelOptions&) Unsupported model IR version: 99, "
    "max supported IR version: 14\n"
)
DIMENSIONS = (
    "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions for input: x for the following indices\n"
    " index: 0 Got: 8 Expected: 1\n Please fix either the inputs/outputs or the model."
)
XGBOOST = """[12:00:00] /workspace/src/common/json.cc:409: Expecting: ",", got: "EOF", around character position: 12
    arner":
    ~~~~~~~^
Stack trace:
  [bt] (0) /lib/libxgboost.so(+0x11031e) [0x7f7b0ed1031e]
"""
NAMES = """The feature names should match those that were passed during fit.
Feature names unseen at fit time:
- e
- f
Feature names seen at fit time, yet now missing:
- d
"""


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        (TORCHSCRIPT, "mat1 and mat2 must have the same dtype, but got Float and Double"),
        (REMOTE, "could not convert string to float: 'London'"),
        (DIMENSIONS, "Got invalid dimensions for input: x for the following indices: index: 0 Got: 8 Expected: 1"),
        (OPSET, "Opset 40 is under development"),
        (OPSET, "till opset 28."),
        (IR_VERSION, "Unsupported model IR version: 99, max supported IR version: 14"),
        (XGBOOST, 'Expecting: ",", got: "EOF", around character position: 12'),
        (NAMES, "unseen at fit time: e, f; Feature names seen at fit time, yet now missing: d"),
        ("catboost/libs/model/x.cpp:72: Feature 2 is not in the pool.", "Feature 2 is not in the pool."),
        (
            "Input X contains NaN.\nLogisticRegression does not accept it.",
            "NaN. LogisticRegression does not accept it.",
        ),
    ],
)
def test_the_line_that_names_the_cause_is_kept(message: str, cause: str) -> None:
    assert cause in extract_cause(RuntimeError(message))
    assert "\n" not in summarize_exception(RuntimeError(message))


@pytest.mark.parametrize("message", [TORCHSCRIPT, OPSET, IR_VERSION, DIMENSIONS, XGBOOST])
def test_traces_places_and_signatures_are_left_out(message: str) -> None:
    for noise in ("::", ".cc", ".h:", "<--- HERE", "[bt]", "[ONNXRuntimeError]", "Traceback", "~"):
        assert noise not in summarize_exception(RuntimeError(message))


def test_a_type_is_said_once() -> None:
    assert summarize_exception(RuntimeError(TORCHSCRIPT)).count("RuntimeError") == 1
    assert summarize_exception(KeyError("pixels")) == "KeyError: 'pixels'"
    assert summarize_exception(ValueError()) == "ValueError"
    assert summarize_exception(ModelError("m.onnx is too new.")) == "m.onnx is too new."


def test_a_long_message_is_cut_after_a_sentence_or_with_an_ellipsis() -> None:
    sentences = "It does not fit. " + "Everything else that could be said about it. " * 40
    assert len(extract_cause(ValueError(sentences))) <= MAX_CHARACTERS
    assert extract_cause(ValueError(sentences)).startswith("It does not fit. ")
    assert extract_cause(ValueError(sentences)).endswith("about it.")
    one_word = extract_cause(ValueError("x" * 10_000))
    assert one_word.endswith("x…")
    assert len(one_word) <= MAX_CHARACTERS
    assert len(extract_cause(ValueError("word " * 10_000_000))) <= MAX_CHARACTERS


def test_an_exception_that_cannot_be_written_still_has_a_line() -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise ValueError

    assert summarize_exception(SilentError()) == "SilentError"
    assert summarize_exception(ValueError("\udcff")).isascii()
    assert "ValueError: b" in summarize_exception(ExceptionGroup("two", [ValueError("a"), ValueError("b")]))


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (
            "Fatal error: com.microsoft.extensions:DecodeImage(-1) is not a registered function/op",
            "uses the operator DecodeImage of com.microsoft.extensions, which ONNX Runtime does not have",
        ),
        (
            "Could not find an implementation for Add(6) node with name ''",
            "uses the operator Add of opset 6 with types or in a version, which ONNX Runtime does not have",
        ),
        ("the file is cut off", ""),
    ],
)
def test_an_operator_that_onnx_runtime_lacks_is_named(cause: str, said: str) -> None:
    assert explain_operator(cause).startswith(said)
    assert bool(explain_operator(cause)) == bool(said)


def test_a_pickle_of_another_scikit_learn_shows_no_types_of_arrays() -> None:
    error = ValueError("node array from the pickle has an incompatible dtype:\n- expected: {'names': ['left_child']}")
    said = explain_failure(error, b"_sklearn_version\x94\x8c\x051.0.2\x94")
    assert said.startswith("it was saved with scikit-learn 1.0.2, but ")
    assert said.endswith("; install that version, or save the model again with this one")
    assert "left_child" not in said


def test_a_warning_that_goes_on_in_the_next_line_is_shown_whole() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        said = "[01:34:40] WARNING: /src/common/error_msg.h:83: If you load a pickle or\nanother file,\nsave it."
        warnings.warn(said, stacklevel=1)
    (note,) = format_warnings(caught)
    assert note.endswith("If you load a pickle or another file, save it.")
    assert "error_msg.h" not in note
