"""Adapts a dataset to one model: a data frame, an array, texts, records or named arrays.

Data are read (`tables`), split (`dataset`), adapted to one model (this module) and divided into calls
(`rows.batches`), all before the timed calls. Runs in the engine's processes only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from latency_tui.engine.candidate import tensors
from latency_tui.engine.candidate.categories import as_dates, as_text, date_columns, restore_column_types
from latency_tui.engine.candidate.generated_rows import generate_rows
from latency_tui.engine.candidate.input_columns import (
    check_feature_count,
    list_names,
    name_columns,
    restore_index,
    select_known_columns,
    to_array,
    to_dense_array,
    to_frame,
)
from latency_tui.engine.candidate.models.model_traits import (
    are_numbered,
    check_batch_size,
    feature_count,
    feature_names,
    has_feature_names,
    is_booster,
    model_name,
    selects_columns_by_name,
    takes,
)
from latency_tui.engine.candidate.text_inputs import as_records, as_texts
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.data.rows import is_frame, is_numeric
from latency_tui.engine.data.targets import check_classes
from latency_tui.errors import ModelError
from latency_tui.plan import Setting, Workload


@dataclass(frozen=True)
class AdaptedData:
    """The data in the form that one model takes.

    Attributes:
        data: The dataset; `X_train` and `X_test` have the form that the model takes.
        notes: Notes on the conversion, one sentence each.
        generated: Whether the rows were generated from what the model declares.
        alternatives: Functions that return other forms, to be tried in order if the model fails with this one.
        declared: The named tensors that the model takes; empty for other models.
    """

    data: Data
    notes: tuple[str, ...] = ()
    generated: bool = False
    alternatives: tuple[Callable[[], AdaptedData], ...] = ()
    declared: tuple[tensors.TensorInput, ...] = ()

    @property
    def is_guessed(self) -> bool:
        """Whether no data were given for a fitted model, so that the inputs may not suit it."""
        return self.data.X_train is None and (self.generated or self.data.default)

    @property
    def remedy(self) -> str:
        """What the user can do if the model fails with generated inputs."""
        shapes = tensors.example(self.declared)
        return "give data with --data, or " + (f"their shape ({shapes})" if shapes else "use --features N")


def adapt_inputs(
    data: Data, model: Any, settings: Mapping[str, Setting], *, fitted: bool, workload: Workload | None = None
) -> AdaptedData:
    """Return the data in the form that a model takes.

    A fitted model receives all rows. A model with named tensors receives one array per input, a text model receives
    texts, and a model that was fitted on a data frame receives its columns in the same order. Other models receive
    arrays, unless a column is not numeric or a step selects columns by name. The setting `input` overrides this.

    Args:
        data: The dataset.
        model: The model, fitted or not.
        settings: The settings of the candidate, some of which concern the input.
        fitted: Whether the model is fitted.
        workload: Batch size and shapes; None for the defaults.

    Raises:
        ModelError: The data do not fit the model: features differ, targets are missing, or a classifier would be fitted
            on numbers with fractions.
    """
    workload = workload or Workload()
    if fitted:
        data = data.for_fitted()
    elif data.y_train is None:
        if data.y_all is not None:
            raise ModelError(f"{model_name(model)} is not fitted, and one row is not enough to fit it")
        raise ModelError(
            f"{model_name(model)} is not fitted, and the data have no target; name the target column with --target"
        )
    if declared := getattr(model, "tensors", None):
        return _as_tensors(data, model, declared, settings, workload)
    if workload.shapes:
        raise ModelError(f"{model_name(model)} has no named inputs, so --shape does not apply to it")
    if isinstance(data.X_test, Mapping):
        data = replace(data, X_test=_get_only_array(data.X_test, model))
    if data.kind == "stored":
        check_feature_count(model, data)
        return AdaptedData(with_settings(data, settings))
    notes = data.notes if fitted else (*data.notes, *check_classes(model, data))
    made, told = _generate_rows(data, model) if fitted else (None, ())
    if made is not None:
        data, notes = made, told
    wanted = settings.get("input") or takes(model)
    if wanted in ("texts", "records"):
        adapted, more = as_texts(data, model) if wanted == "texts" else (as_records(data), ())
        return AdaptedData(adapted, (*notes, *more), made is not None)
    data, notes = restore_index(data, model, notes) if fitted else (data, notes)
    form = str(wanted or _preferred_form(data, model, fitted=fitted))
    chosen, more = _as_table(data, model, settings, form, fitted=fitted)
    others = () if wanted else _other_forms(data, model, settings, form, notes, fitted=fitted)
    return AdaptedData(chosen, (*notes, *more), made is not None, others)


def convert_to_input_type(data: Data, model: Any, settings: Mapping[str, Setting]) -> Data:
    """Convert the test rows to the type that a model of another runtime takes, if it takes only one.

    The setting `dtype` has priority. Sparse matrices are converted in any case, because no such model takes them.

    Raises:
        ModelError: The rows cannot be converted.
    """
    if declared := getattr(model, "tensors", None):
        _check_input_settings(declared, model_name(model), settings)
        arrays, _ = tensors.from_data(declared, data.X_test, data.columns, model_name(model))
        return replace(data, X_test=arrays)
    wanted = getattr(model, "input_dtype", None)
    if settings.keys() & {"dtype", "input"}:
        wanted = str(settings.get("dtype", wanted)) if wanted and hasattr(data.X_test, "toarray") else None
    return replace(data, X_test=to_dense_array(data.X_test, wanted)) if wanted else data


def with_settings(data: Data, settings: Mapping[str, Setting]) -> Data:
    """Convert the inputs as the settings `dtype` and `input` of a candidate say.

    Raises:
        ModelError: The inputs cannot be converted, or pandas is not installed.
    """

    def convert(inputs: Any) -> Any:
        if inputs is None:
            return None
        if dtype := settings.get("dtype"):
            try:
                inputs = inputs.astype(dtype)
            except (TypeError, ValueError, AttributeError) as error:
                raise ModelError(f"the data cannot be converted to {dtype}: {error}") from error
        if settings.get("input") == "dataframe" and not is_frame(inputs):
            inputs = to_frame(inputs, data.columns or [f"feature_{index}" for index in range(inputs.shape[1])])
        if settings.get("input") == "array" and is_frame(inputs):
            inputs = to_array(inputs)
        return inputs

    return replace(data, X_train=convert(data.X_train), X_test=convert(data.X_test))


# --- named tensors


def _as_tensors(
    data: Data,
    model: Any,
    declared: Sequence[tensors.TensorInput],
    settings: Mapping[str, Setting],
    workload: Workload,
) -> AdaptedData:
    """Return one array per input of a model, from the data or generated from what the model declares."""
    title = model_name(model)
    _check_input_settings(declared, title, settings)
    tensors.check_shapes(declared, workload.shapes, title)
    for batch_size in workload.batch_sizes:
        check_batch_size(model, batch_size)
    fixed = tensors.fixed_rows(declared)
    generated, notes = False, data.notes
    if workload.shapes or (data.default and not _fits(declared, data)) or (data.default and fixed == 0):
        arrays, notes = tensors.generated(declared, workload.shapes, max(workload.batch_sizes), title)
        data, generated = replace(data, y_test=None, columns=()), True
    elif width := _width_to_generate(declared, data, model):
        given = replace_width(declared, width)
        arrays, notes = tensors.generated(given, {}, max(workload.batch_sizes), title)
        data, generated = replace(data, y_test=None, columns=()), True
    else:
        arrays, more = tensors.from_data(declared, data.X_test, data.columns, title)
        notes = (*notes, *more, *_note_default_width(declared, data, title))
    return AdaptedData(replace(data, X_train=None, X_test=arrays), notes, generated, declared=tuple(declared))


def _width_to_generate(declared: Sequence[tensors.TensorInput], data: Data, model: Any) -> int | None:
    """Return the number of columns to generate for inputs of undeclared shape; None to use the data."""
    if data.kind != "synthetic" or any(one.shape is not None for one in declared):
        return None
    if len(declared) > 1:
        return data.features
    return feature_count(model) if data.default else None


def _note_default_width(declared: Sequence[tensors.TensorInput], data: Data, title: str) -> tuple[str, ...]:
    """Return a note if neither the model nor the user specified the number of columns."""
    if not data.default or any(one.width is not None for one in declared):
        return ()
    there = f"it receives the {data.features} of the default dataset; change that with --features"
    return (f"{title} does not declare its number of columns; {there}",)


def replace_width(declared: Sequence[tensors.TensorInput], features: int) -> tuple[tensors.TensorInput, ...]:
    """Return declared inputs with the given number of columns."""
    return tuple(replace(one, shape=(None, features)) for one in declared)


def _fits(declared: Sequence[tensors.TensorInput], data: Data) -> bool:
    """Return whether the table fits the only input of a model."""
    (first, *others) = declared
    if others or not first.dtype.startswith(("float", "bfloat")):
        return False
    if first.shape is None:
        return True
    return len(first.shape) == 2 and first.shape[1] in (None, data.features)


def _check_input_settings(declared: Sequence[tensors.TensorInput], title: str, settings: Mapping[str, Setting]) -> None:
    """Check that no setting contradicts the inputs that a model declares.

    Raises:
        ModelError: A setting does.
    """
    if len(declared) > 1 and "input" in settings:
        raise ModelError(
            f"{title} takes {len(declared):,} named inputs, so the setting input={settings['input']} does not apply "
            "to it"
        )
    if "input" in settings and settings["input"] != "array":
        raise ModelError(f"{title} takes an array, so the setting input={settings['input']} does not apply to it")
    if "dtype" in settings and settings["dtype"] != declared[0].dtype:
        raise ModelError(
            f"{title} takes {declared[0].dtype}, so the setting dtype={settings['dtype']} does not apply to it"
        )


def _get_only_array(arrays: Mapping[str, Any], model: Any) -> Any:
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    raise ModelError(
        f"{model_name(model)} takes one table, but the data are the arrays {', '.join(arrays)}; "
        "name the rows X and the targets y"
    )


# --- no data


def _generate_rows(data: Data, model: Any) -> tuple[Data | None, tuple[str, ...]]:
    """Return generated rows for a fitted model that does not fit the default dataset; None if it does."""
    count, names = feature_count(model), feature_names(model)
    if not data.default or takes(model):
        if data.default:
            raise ModelError(f"{model_name(model)} takes {takes(model)}; give a file of them with --data")
        return None, ()
    if (count is None or count == data.features) and not names:
        return None, ()
    found = generate_rows(model)
    if found is None:
        return None, ()
    rows, notes = found
    return Data(None, None, rows, None, kind=data.kind, columns=() if is_frame(rows) else tuple(names)), notes


# --- tables


def _preferred_form(data: Data, model: Any, *, fitted: bool) -> str:
    """Return the form that a model most likely takes: `array` or `dataframe`."""
    frame = is_frame(data.X_test)
    if getattr(model, "input_dtype", None):
        return "array"
    if is_booster(model) and fitted:
        named = bool(feature_names(model)) and not are_numbered(feature_names(model))
        return "dataframe" if frame and (named or not is_numeric(data.X_test)) else "array"
    if fitted and has_feature_names(model):
        return "dataframe"
    if fitted and feature_count(model) is not None:
        return "array"
    return "dataframe" if (frame and not is_numeric(data.X_test)) or selects_columns_by_name(model) else "array"


def _other_forms(
    data: Data, model: Any, settings: Mapping[str, Setting], form: str, notes: tuple[str, ...], *, fitted: bool
) -> tuple[Callable[[], AdaptedData], ...]:
    """Return functions that return other forms, for a model that fails with the preferred one."""
    named = is_frame(data.X_test) or bool(data.columns)
    if not named or getattr(model, "input_dtype", None) or data.kind == "synthetic":
        return ()

    def other(wanted: str, told: str) -> AdaptedData:
        adapted, more = _as_table(data, model, settings, wanted, fitted=fitted)
        return AdaptedData(adapted, (*notes, *more, told))

    if form == "array":
        return (partial(other, "dataframe", "called with data frames, because it fails with arrays"),)
    if is_frame(data.X_test) and (texts := [name for name, kind in data.X_test.dtypes.items() if kind.kind == "M"]):
        told = f"dates passed as text, because it fails with dates: {list_names(texts)}"
        undated = replace(data, X_train=as_text(data.X_train, texts), X_test=as_text(data.X_test, texts))
        return (lambda: AdaptedData(_as_table(undated, model, settings, form, fitted=fitted)[0], (*notes, told)),)
    if dates := date_columns(data.X_test):
        told = f"columns passed as dates, because it fails with text: {list_names(dates)}"
        dated = replace(data, X_train=as_dates(data.X_train, dates), X_test=as_dates(data.X_test, dates))
        return (lambda: AdaptedData(_as_table(dated, model, settings, form, fitted=fitted)[0], (*notes, told)),)
    return ()


def _as_table(
    data: Data, model: Any, settings: Mapping[str, Setting], form: str, *, fitted: bool
) -> tuple[Data, tuple[str, ...]]:
    """Return rows as a data frame or an array, with the columns on which a model was fitted."""
    notes: tuple[str, ...] = ()
    if form == "dataframe":
        data, notes = name_columns(data, model, must="input" in settings)
    if fitted:
        data, more = select_known_columns(data, model)
        notes += more
        if is_frame(data.X_test) and form == "dataframe":
            data, more = restore_column_types(data, model)
            notes += more
    if is_frame(data.X_test) and form == "array":
        data = replace(data, X_train=to_array(data.X_train), X_test=to_array(data.X_test))
    if fitted:
        check_feature_count(model, data)
    return convert_to_input_type(with_settings(data, settings), model, settings), notes
