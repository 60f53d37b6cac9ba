"""Reads arrays from NPY, NPZ and LIBSVM files. Runs in the engine's processes only."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from latency_tui.catalog.data_files import DataFile, is_sparse
from latency_tui.errors import DataError
from latency_tui.plan.suggest import hint

_INPUTS = ("x", "x_test", "x_train", "data", "features", "inputs")
_TARGETS = ("y", "y_test", "y_train", "target", "targets", "label", "labels")
_PAIRS = {"x": "y", "x_test": "y_test", "x_train": "y_train"}
_MAX_NAMES = 8


def read_npy(file: DataFile) -> Any:
    """Return the array of an NPY file.

    Raises:
        DataError: The file contains Python objects or a single value.
    """
    with file.open() as opened:
        array = _checked(file, "", lambda: np.load(io.BytesIO(opened.read()) if file.compression else opened))
    return _with_rows(file, "", array)


def read_npz(file: DataFile, target: str | None) -> tuple[Any, Any, bool]:
    """Return the inputs of an NPZ file, its targets or None, and whether the target is an array of the file.

    The inputs are the array named `X` (or similar), the only array besides the targets, or all other arrays by name.

    Raises:
        DataError: The file contains no arrays, Python objects or arrays with different numbers of rows, or there is no
            array with the name of the target.
    """
    try:
        with file.open() as opened, np.load(io.BytesIO(opened.read()) if file.compression else opened) as archive:
            return _parts(file, archive, target)
    except (zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{file.path} cannot be read as an NPZ file: it is truncated or damaged.") from error


def _parts(file: DataFile, archive: Mapping[str, Any], target: str | None) -> tuple[Any, Any, bool]:
    names = list(archive)
    if not names:
        raise DataError(f"{file.path} contains no arrays.")
    if is_sparse(names):
        return _sparse(file), None, False
    lowered = {name.lower(): name for name in reversed(names)}
    inputs_name = next((lowered[name] for name in _INPUTS if name in lowered and lowered[name] != target), None)
    targets_name: str | None
    if target in names:
        targets_name = target
    else:
        pair = _PAIRS.get((inputs_name or "").lower(), "")
        targets_name = lowered.get(pair) or next((lowered[name] for name in _TARGETS if name in lowered), None)
        if target is not None and targets_name is not None:
            raise DataError(f"{file.path} has no array {target!r}; {hint(target, names[:50])}")
    rest = [name for name in names if name != targets_name]
    if not rest:
        raise DataError(f"{file.path} contains the targets {targets_name!r} but no rows; name the rows X.")
    targets = None if targets_name is None else _array(file, archive, targets_name)
    if inputs_name is None and len(rest) == 1:
        inputs_name = rest[0]
    inputs: Any
    if inputs_name is not None:
        inputs = _with_rows(file, inputs_name, _array(file, archive, inputs_name))
        rows = {inputs_name: len(inputs)}
    else:
        inputs = {name: _with_rows(file, name, _array(file, archive, name)) for name in rest}
        rows = {name: len(array) for name, array in inputs.items()}
    if len({*rows.values()}) > 1:
        shown = ", ".join(f"{name} {count:,}" for name, count in [*rows.items()][:_MAX_NAMES])
        more = f" and {len(rows) - _MAX_NAMES:,} more" if len(rows) > _MAX_NAMES else ""
        raise DataError(
            f"{file.path} contains arrays with different numbers of rows ({shown}{more}); "
            "name the rows X and the targets y, or give all inputs of the model the same number of rows."
        )
    count = next(iter(rows.values()))
    if targets is None:
        return inputs, None, False
    if targets.ndim == 0 or len(targets) != count:
        raise DataError(
            f"{file.path} has {count:,} rows but {np.size(targets) if not targets.ndim else len(targets):,} targets."
        )
    return inputs, targets[:, 0] if targets.ndim == 2 and targets.shape[1] == 1 else targets, True


def _array(file: DataFile, archive: Mapping[str, Any], name: str) -> Any:
    return _checked(file, name, lambda: archive[name])


def _checked(file: DataFile, name: str, load: Any) -> Any:
    try:
        return load()
    except ValueError as error:
        if "allow_pickle" not in str(error) and "object arrays" not in str(error).lower():
            raise
        place = f" in {name}" if name else ""
        raise DataError(
            f"{file.path} contains Python objects{place}, which are not read because they could run code; "
            "save numbers, or text as an array of strings (dtype=str)."
        ) from None


def _with_rows(file: DataFile, name: str, array: Any) -> Any:
    if array.ndim == 0:
        place = f" in {name}" if name else ""
        raise DataError(f"{file.path} contains a single value{place}, not rows.")
    return array


def _sparse(file: DataFile) -> Any:
    from scipy import sparse  # deferred: 0.1 s, needed only for these files

    with file.open() as opened:
        return sparse.csr_array(sparse.load_npz(io.BytesIO(opened.read())))


def read_libsvm(file: DataFile) -> tuple[Any, Any]:
    """Return the sparse rows and the targets of a LIBSVM file."""
    from scipy import sparse
    from sklearn.datasets import load_svmlight_file  # deferred: 1 s, needed only for these files

    with file.open() as opened:
        rows, targets = load_svmlight_file(opened)
    return sparse.csr_array(rows), targets
