"""Converts data for models that take named tensors. Runs in the engine's processes only.

ONNX files and TorchScript programs name their inputs. Before anything is timed, the data are converted to one array per
input, by the names of arrays or columns, or else in their order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latency_tui.engine.data.rows import count_rows, is_frame
from latency_tui.errors import ModelError

GENERATED_ROWS = 64
Axis = int | None  # None: free
Arrays = dict[str, Any]


@dataclass(frozen=True)
class TensorInput:
    """One input that a model declares.

    Attributes:
        name: The name in the model.
        dtype: Name of the numpy type; `object` for text; `bfloat16` has no numpy type.
        shape: Length of each axis, None for a free axis; None if the model does not declare the number of axes.
    """

    name: str
    dtype: str = "float32"
    shape: tuple[Axis, ...] | None = None

    def __str__(self) -> str:
        if self.shape is None:
            return self.name
        return f"{self.name} ({' × '.join('?' if axis is None else str(axis) for axis in self.shape)})"

    @property
    def width(self) -> Axis:
        """Number of values per row: None if an axis is free, 1 for an input without a second axis."""
        if self.shape is None or any(axis is None for axis in self.shape[1:]):
            return None
        return math.prod(axis for axis in self.shape[1:] if axis is not None)


def fixed_rows(tensors: Sequence[TensorInput]) -> int | None:
    """Return the number of rows per call; None if any number is accepted, 0 if the first axes of the inputs differ."""
    firsts = {one.shape[0] if one.shape else None for one in tensors}
    if len(firsts) > 1 and None not in firsts:
        return 0
    return next((first for first in firsts if first is not None), None)


def from_data(
    tensors: Sequence[TensorInput], rows: Any, columns: Sequence[str], title: str
) -> tuple[Arrays, tuple[str, ...]]:
    """Convert rows to one array per input, `(n_rows, ...)` each; return the arrays and notes.

    Args:
        tensors: The inputs that the model declares.
        rows: An array, a sparse matrix, a data frame, a list, or arrays by name.
        columns: Column names of an array; empty if there are none.
        title: Name of the model for messages.

    Raises:
        ModelError: The data do not fit the inputs.
    """
    if isinstance(rows, Mapping):
        chosen, notes = _by_name(tensors, rows, title)
    elif getattr(rows, "ndim", 2) > 2:
        if len(tensors) > 1:
            raise ModelError(f"{title} takes {_listed(tensors)}; give an NPZ file with one array per name")
        chosen, notes = {tensors[0].name: np.asarray(rows)}, ()
    else:
        chosen, notes = _from_columns(tensors, rows, columns, title)
    return {one.name: _convert_to_declared(one, chosen[one.name], title) for one in tensors}, notes


def generated(
    tensors: Sequence[TensorInput], shapes: Mapping[str, tuple[int, ...]], rows_per_call: int, title: str
) -> tuple[Arrays, tuple[str, ...]]:
    """Generate one array per input, of the shape and type that it declares.

    Numbers are drawn from a standard normal distribution, whole numbers are 0 or 1, bytes are 0 to 255, text is `a`. If
    the first axes of the inputs differ, one set of tensors is generated: arrays of shape `(1, *shape)`.

    Args:
        tensors: The inputs that the model declares.
        shapes: Shapes given by the user, by name, rows per call first; `""` is the only input.
        rows_per_call: The batch size.
        title: Name of the model for messages.

    Raises:
        ModelError: The length of a free axis other than the first is unknown.
    """
    generator, fixed, found = np.random.default_rng(0), fixed_rows(tensors), Arrays()
    for one in tensors:
        given = shapes.get(one.name) or (shapes.get("") if len(tensors) == 1 else None)
        shape = _full_shape(one, given, fixed, rows_per_call, title)
        drawn = (1, *shape) if fixed == 0 else (max(GENERATED_ROWS, rows_per_call), *shape[1:])
        found[one.name] = _drawn(one, drawn, generator)
    return found, (f"no data were given; inputs were generated from what the model declares: {_listed(tensors)}",)


def check_shapes(tensors: Sequence[TensorInput], shapes: Mapping[str, tuple[int, ...]], title: str) -> None:
    """Check that the model has the inputs for which shapes were given.

    Raises:
        ModelError: There is no such input.
    """
    names = [one.name for one in tensors]
    for name in shapes:
        if name not in names and not (name == "" and len(names) == 1):
            raise ModelError(f"{title} has no input {name!r}; it takes {_listed(tensors)}")


def _full_shape(
    one: TensorInput, given: tuple[int, ...] | None, fixed: int | None, rows_per_call: int, title: str
) -> tuple[int, ...]:
    declared = one.shape
    if given is not None:
        fits = declared is None or (
            len(given) == len(declared)
            and all(axis is None or axis == length for axis, length in zip(declared, given, strict=True))
        )
        if not fits:
            raise ModelError(f"{title} takes {one}; the shape given is {' × '.join(map(str, given))}")
        if fixed != 0 and given[:1] != (rows_per_call,):
            raise ModelError(
                f"the shape given for {one.name} has {given[0] if given else 0:,} rows per call, but the batch size is "
                f"{rows_per_call:,}; use -b {given[0] if given else 1}"
            )
        return given
    if declared is None:
        raise ModelError(
            f"{title} does not declare the shape of {one.name}; give data with --data, or use --features N or "
            f"--shape {one.name}={rows_per_call}x128"
        )
    if any(axis is None for axis in declared[1:]):
        example = "x".join(str(axis or 128) for axis in (rows_per_call, *declared[1:]))
        raise ModelError(
            f"{title} takes {one}, and its free axes (?) are unknown; give data with --data, or use "
            f"--shape {one.name}={example}"
        )
    return (declared[0] or rows_per_call, *(axis or 1 for axis in declared[1:])) if declared else (rows_per_call,)


def _drawn(one: TensorInput, shape: tuple[int, ...], generator: np.random.Generator) -> Any:
    if one.dtype == "object":
        return np.full(shape, "a", dtype=object)
    if one.dtype == "bool":
        return generator.integers(0, 2, shape).astype(bool)
    if one.dtype in ("uint8", "int8"):
        return generator.integers(0, np.iinfo(one.dtype).max, shape, endpoint=True).astype(one.dtype)
    if one.dtype.startswith(("int", "uint")):
        return generator.integers(0, 2, shape).astype(one.dtype)
    return generator.normal(size=shape).astype("float32" if one.dtype == "bfloat16" else one.dtype)


def _by_name(tensors: Sequence[TensorInput], arrays: Mapping[str, Any], title: str) -> tuple[Arrays, tuple[str, ...]]:
    """Assign arrays to inputs by name, or in order if no name matches and there are as many."""
    plain = {_plain(name): name for name in arrays}
    found = {one.name: one.name if one.name in arrays else plain.get(_plain(one.name)) for one in tensors}
    if all(name is None for name in found.values()) and len(arrays) == len(tensors):
        named = dict(zip((one.name for one in tensors), arrays.values(), strict=True))
        order = ", ".join(f"{name} to {one.name}" for name, one in zip(arrays, tensors, strict=True))
        return named, (f"no array has the name of an input, so arrays were assigned in order: {order}",)
    if missing := [name for name, there in found.items() if there is None]:
        raise ModelError(
            f"{title} takes {_listed(tensors)}, but the data have no array {', '.join(missing)}; their arrays are "
            f"{', '.join(arrays)}"
        )
    left = [name for name in arrays if name not in found.values()]
    notes = (f"arrays left out, because the model does not take them: {', '.join(left)}",) if left else ()
    return {name: np.asarray(arrays[there]) for name, there in found.items() if there is not None}, notes


def _from_columns(
    tensors: Sequence[TensorInput], rows: Any, columns: Sequence[str], title: str
) -> tuple[Arrays, tuple[str, ...]]:
    """Assign the columns of a table to inputs by name, or else in order."""
    if hasattr(rows, "toarray"):
        rows = rows.toarray()
    if not is_frame(rows):
        rows = np.asarray(rows)
        rows = rows.reshape(-1, 1) if rows.ndim == 1 else rows
    names = [str(name) for name in rows.columns] if is_frame(rows) else list(columns)
    count: int = rows.shape[1]
    widths: list[Axis] = [one.width for one in tensors]
    if names and len(names) == count and len(tensors) > 1 and all(width in (1, None) for width in widths):
        plain = {_plain(name): index for index, name in enumerate(names)}
        where = [names.index(one.name) if one.name in names else plain.get(_plain(one.name)) for one in tensors]
        if None not in where:
            left = [name for index, name in enumerate(names) if index not in where]
            notes = (f"left out, because the model was not fitted on them: {', '.join(left)}",) if left else ()
            picked = {
                one.name: _columns(rows, [index])
                for one, index in zip(tensors, where, strict=True)
                if index is not None
            }
            return picked, notes
        missing = [one.name for one, index in zip(tensors, where, strict=True) if index is None]
        if len(missing) < len(tensors) or sum(width or 0 for width in widths) != count:
            raise ModelError(
                f"{title} was fitted on {len(tensors):,} features, but the data have no column "
                f"{', '.join(missing)}; their columns are {', '.join(names)}"
            )
    if widths.count(None) == 1:  # the only input without a width receives the remaining columns
        rest = count - sum(width for width in widths if width is not None)
        widths = [rest if width is None else width for width in widths]
    if len(tensors) > 1 and None in widths:
        raise ModelError(
            f"{title} takes {_listed(tensors)}, and it is unknown which columns belong to which input; give an NPZ "
            f"file with one array per name, or shapes ({example(tensors)})"
        )
    known = [0 if width is None else width for width in widths]
    if sum(known) != count or min(known) < 1:
        hint = "" if len(tensors) == 1 else "; columns are assigned to the inputs in order"
        raise ModelError(f"{title} takes {_listed(tensors)}, but the data have {count:,} columns{hint}")
    ends = np.cumsum(known)
    dealt = {
        one.name: _columns(rows, list(range(end - width, end)))
        for one, end, width in zip(tensors, ends, known, strict=True)
    }
    if len(tensors) == 1:
        return dealt, ()
    pairs = ", ".join(f"{width} to {one.name}" for one, width in zip(tensors, known, strict=True))
    return dealt, (f"columns were assigned to the inputs in order: {pairs}",)


def example(tensors: Sequence[TensorInput]) -> str:
    """Return example options for the shapes, with 1 row per call and 128 for each free axis."""
    return " ".join(
        f"--shape {one.name}={'x'.join(str(axis or 128) for axis in (1, *(one.shape or (1, None))[1:]))}"
        for one in tensors[:3]
    )


def _columns(rows: Any, positions: list[int]) -> Any:
    if is_frame(rows):
        chosen = rows.iloc[:, positions]
        numeric = all(getattr(kind, "kind", "O") in "fiub" for kind in chosen.dtypes)
        return chosen.to_numpy() if numeric else chosen.to_numpy(dtype=object)
    return rows[:, positions]


def _convert_to_declared(one: TensorInput, array: Any, title: str) -> Any:
    """Convert an array to the type and shape of an input.

    Raises:
        ModelError: The array cannot be converted.
    """
    array = _reshape_to_declared(one, np.asarray(array), title)
    if one.dtype == "object":
        return _words(array)
    kind = "float32" if one.dtype == "bfloat16" else one.dtype
    try:
        with np.errstate(invalid="ignore"):  # missing values become arbitrary whole numbers, which is checked below
            cast = array.astype(kind)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{title} takes {one.name} as {one.dtype}, but the data cannot be converted: {error}"
        ) from error
    if np.dtype(kind).kind in "iu" and array.dtype.kind in "fO" and not np.array_equal(cast, array.astype("float64")):
        raise ModelError(
            f"{title} takes {one.name} as whole numbers ({one.dtype}), but the data have fractions or missing values"
        )
    if np.dtype(kind).kind in "iu" and array.dtype.kind in "iu" and not np.array_equal(cast, array):
        raise ModelError(f"{title} takes {one.name} as {one.dtype}, but the data have numbers out of its range")
    return np.ascontiguousarray(cast)


def _reshape_to_declared(one: TensorInput, array: Any, title: str) -> Any:
    declared = one.shape
    if declared is None:
        return array
    if array.ndim == len(declared) and all(
        axis is None or axis == length for axis, length in zip(declared[1:], array.shape[1:], strict=True)
    ):
        return array
    if one.width is not None and count_rows(array) and array.size == array.shape[0] * one.width:
        return array.reshape(array.shape[0], *declared[1:])
    has = " × ".join(map(str, array.shape[1:])) or "1"
    wants = " × ".join("?" if axis is None else str(axis) for axis in declared[1:]) or "1"
    raise ModelError(f"{title} takes {wants} values per row as {one.name}, but the data have {has}")


def _words(array: Any) -> Any:
    """Convert an array to text; missing values become empty."""

    def written(value: Any) -> str:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        return str(value)

    return np.frompyfunc(written, 1, 1)(array).astype(object)


def _plain(name: str) -> str:
    """Return a name as converters write it: other characters than letters and digits are replaced by `_`."""
    return re.sub(r"\W", "_", name).casefold()


def _listed(tensors: Sequence[TensorInput]) -> str:
    shown = ", ".join(map(str, tensors[:6]))
    return f"{shown} and {len(tensors) - 6} more" if len(tensors) > 6 else shown
