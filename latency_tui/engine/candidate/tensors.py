"""Models that take named tensors: what each declares, and the arrays that data give it. In the engine's processes only.

ONNX files and TorchScript programs name their inputs. Rows of data become one array per input before anything is timed:
by the names of the arrays or columns, else in their order.
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
        name: As the model calls it.
        dtype: Name of the numpy type that it receives; `object` for words, `bfloat16` has no numpy type.
        shape: Length of each axis, None for a free one; None if the model does not say how many axes there are.
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
        """Columns of a table that it holds per row: None if that is free, 1 for an input without a second axis."""
        if self.shape is None or any(axis is None for axis in self.shape[1:]):
            return None
        return math.prod(axis for axis in self.shape[1:] if axis is not None)


def fixed_rows(tensors: Sequence[TensorInput]) -> int | None:
    """Return how many rows per call a model insists on; None if it takes any number, 0 if its inputs share no rows."""
    firsts = {one.shape[0] if one.shape else None for one in tensors}
    if len(firsts) > 1 and None not in firsts:
        return 0
    return next((first for first in firsts if first is not None), None)


def from_data(
    tensors: Sequence[TensorInput], rows: Any, columns: Sequence[str], title: str
) -> tuple[Arrays, tuple[str, ...]]:
    """Return one array per input, `(n_rows, ...)` each, from rows of data, and what is to be told about that.

    Args:
        tensors: What the model declares.
        rows: An array, a sparse matrix, a data frame, a list, or arrays by name.
        columns: Names of the columns of an array; empty if they have none.
        title: Of the model, for messages.

    Raises:
        ModelError: The data do not fit the inputs.
    """
    if isinstance(rows, Mapping):
        chosen, notes = _by_name(tensors, rows, title)
    elif getattr(rows, "ndim", 2) > 2:
        if len(tensors) > 1:
            raise ModelError(f"{title} takes {_listed(tensors)}; bring an NPZ file with an array of each name")
        chosen, notes = {tensors[0].name: np.asarray(rows)}, ()
    else:
        chosen, notes = _from_columns(tensors, rows, columns, title)
    return {one.name: _convert_to_declared(one, chosen[one.name], title) for one in tensors}, notes


def generated(
    tensors: Sequence[TensorInput], shapes: Mapping[str, tuple[int, ...]], rows_per_call: int, title: str
) -> tuple[Arrays, tuple[str, ...]]:
    """Return one array of made-up values per input, by the shape and type that it declares.

    Numbers are drawn from a standard normal distribution, whole numbers are 0 or 1, bytes from 0 to 255, words are `a`.
    A model whose inputs share no rows gets one set of tensors: arrays of `(1, *shape)`.

    Args:
        tensors: What the model declares.
        shapes: Shapes that the user gave by name, rows per call first; `""` names the only input.
        rows_per_call: The workload's batch size.
        title: Of the model, for messages.

    Raises:
        ModelError: An input has a free axis besides its rows and nobody said how long that is.
    """
    generator, fixed, found = np.random.default_rng(0), fixed_rows(tensors), Arrays()
    for one in tensors:
        given = shapes.get(one.name) or (shapes.get("") if len(tensors) == 1 else None)
        shape = _full_shape(one, given, fixed, rows_per_call, title)
        drawn = (1, *shape) if fixed == 0 else (max(GENERATED_ROWS, rows_per_call), *shape[1:])
        found[one.name] = _drawn(one, drawn, generator)
    return found, (f"no data were given: inputs are made up from what the model declares, {_listed(tensors)}",)


def check_shapes(tensors: Sequence[TensorInput], shapes: Mapping[str, tuple[int, ...]], title: str) -> None:
    """Refuse shapes for inputs that a model does not have.

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
                f"the shape given for {one.name} has {given[0] if given else 0:,} rows per call, and the batch size is "
                f"{rows_per_call:,}: give -b {given[0] if given else 1}"
            )
        return given
    if declared is None:
        raise ModelError(
            f"{title} does not say which shape {one.name} has: bring data with --data, or give --features N or "
            f"--shape {one.name}={rows_per_call}x128"
        )
    if any(axis is None for axis in declared[1:]):
        example = "x".join(str(axis or 128) for axis in (rows_per_call, *declared[1:]))
        raise ModelError(
            f"{title} takes {one}, whose free axes (?) nobody gave: bring data with --data, or give "
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
    """Choose arrays by the names of the inputs, or in their order if no name is known and the numbers are equal."""
    plain = {_plain(name): name for name in arrays}
    found = {one.name: one.name if one.name in arrays else plain.get(_plain(one.name)) for one in tensors}
    if all(name is None for name in found.values()) and len(arrays) == len(tensors):
        named = dict(zip((one.name for one in tensors), arrays.values(), strict=True))
        order = ", ".join(f"{name} to {one.name}" for name, one in zip(arrays, tensors, strict=True))
        return named, (f"no array has the name of an input, so they are given in their order: {order}",)
    if missing := [name for name, there in found.items() if there is None]:
        raise ModelError(
            f"{title} takes {_listed(tensors)}; the data lack {', '.join(missing)} and have {', '.join(arrays)}"
        )
    left = [name for name in arrays if name not in found.values()]
    notes = (f"arrays that the model does not take are left out: {', '.join(left)}",) if left else ()
    return {name: np.asarray(arrays[there]) for name, there in found.items() if there is not None}, notes


def _from_columns(
    tensors: Sequence[TensorInput], rows: Any, columns: Sequence[str], title: str
) -> tuple[Arrays, tuple[str, ...]]:
    """Deal the columns of a table to the inputs: by their names, else in their order."""
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
            notes = (f"left out, as the model does not know them: {', '.join(left)}",) if left else ()
            picked = {
                one.name: _columns(rows, [index])
                for one, index in zip(tensors, where, strict=True)
                if index is not None
            }
            return picked, notes
        missing = [one.name for one, index in zip(tensors, where, strict=True) if index is None]
        if len(missing) < len(tensors) or sum(width or 0 for width in widths) != count:
            raise ModelError(
                f"{title} was fitted on {len(tensors):,} features; the data lack {', '.join(missing)} and have "
                f"{', '.join(names)}"
            )
    if widths.count(None) == 1:  # whatever is left belongs to the one that takes any number
        rest = count - sum(width for width in widths if width is not None)
        widths = [rest if width is None else width for width in widths]
    if len(tensors) > 1 and None in widths:
        raise ModelError(
            f"{title} takes {_listed(tensors)}, and nothing says which columns are for which input; bring an NPZ file "
            f"with an array of each name, or give shapes ({example(tensors)})"
        )
    known = [0 if width is None else width for width in widths]
    if sum(known) != count or min(known) < 1:
        hint = "" if len(tensors) == 1 else "; columns are given to the inputs in their order"
        raise ModelError(f"{title} takes {_listed(tensors)}, the data have {count:,} columns{hint}")
    ends = np.cumsum(known)
    dealt = {
        one.name: _columns(rows, list(range(end - width, end)))
        for one, end, width in zip(tensors, ends, known, strict=True)
    }
    if len(tensors) == 1:
        return dealt, ()
    told = ", ".join(f"{width} to {one.name}" for one, width in zip(tensors, known, strict=True))
    return dealt, (f"columns are given to the inputs in their order: {told}",)


def example(tensors: Sequence[TensorInput]) -> str:
    """Return how shapes of inputs are typed, with 1 row per call and 128 for each free axis."""
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
    """Return an array in the type and shape of an input, its rows first.

    Raises:
        ModelError: Values or axes do not fit.
    """
    array = _reshape_to_declared(one, np.asarray(array), title)
    if one.dtype == "object":
        return _words(array)
    kind = "float32" if one.dtype == "bfloat16" else one.dtype
    try:
        with np.errstate(invalid="ignore"):  # gaps become whole numbers of any value; found below
            cast = array.astype(kind)
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{title} takes {one.name} as {one.dtype}, and the data hold something else: {error}"
        ) from error
    if np.dtype(kind).kind in "iu" and array.dtype.kind in "fO" and not np.array_equal(cast, array.astype("float64")):
        raise ModelError(f"{title} takes {one.name} as whole numbers ({one.dtype}); the data have fractions or gaps")
    if np.dtype(kind).kind in "iu" and array.dtype.kind in "iu" and not np.array_equal(cast, array):
        raise ModelError(f"{title} takes {one.name} as {one.dtype}; the data have numbers beyond its range")
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
    raise ModelError(f"{title} takes {wants} per row as {one.name}, the data have {has}")


def _words(array: Any) -> Any:
    """Return an array of text: gaps are empty, numbers as they are written."""

    def written(value: Any) -> str:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        return str(value)

    return np.frompyfunc(written, 1, 1)(array).astype(object)


def _plain(name: str) -> str:
    """Return a name as converters write it: `_` for whatever is no letter and no digit."""
    return re.sub(r"\W", "_", name).casefold()


def _listed(tensors: Sequence[TensorInput]) -> str:
    shown = ", ".join(map(str, tensors[:6]))
    return f"{shown} and {len(tensors) - 6} more" if len(tensors) > 6 else shown
