"""Loads models, applies settings, and checks outputs. Runs only in a candidate's process."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pickle
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latency_tui.catalog.trust_store import check_configuration_trust
from latency_tui.engine.candidate.call_adapters import caller
from latency_tui.engine.candidate.error_messages import extract_cause
from latency_tui.engine.candidate.invalid_answers import describe_invalid_answer
from latency_tui.engine.candidate.models.booster_files import adapted
from latency_tui.engine.candidate.models.model_files import load_file
from latency_tui.engine.candidate.models.pickles import unpickle
from latency_tui.engine.data.rows import count_rows, is_frame, take
from latency_tui.engine.user_imports import import_with_fallback
from latency_tui.errors import ModelError, SettingsError
from latency_tui.plan import ENGINE_SETTINGS, METHODS, OTHER_SETTINGS, SKLEARN_SETTINGS, Candidate, Setting, Trust
from latency_tui.plan.suggest import closest_match

MAX_JOBS = 4096


@dataclass(frozen=True)
class LoadedModel:
    """A model as loaded.

    Attributes:
        model: An object with the methods, or a function of an array.
        fitted: Whether it is fitted.
        notes: Notes on loading, one sentence each.
        origin: The scikit-learn version that saved it; empty if it is the installed one, or unknown.
    """

    model: Any
    fitted: bool
    notes: tuple[str, ...] = ()
    origin: str = ""


def load(
    candidate: Candidate, trust: Trust | None = None, threads: int = 1, folders: Sequence[str] = ()
) -> LoadedModel:
    """Load the model of a candidate from a file, or import it.

    Args:
        candidate: The candidate.
        trust: Which files may run their author's code; None for none.
        threads: Number of threads that the model may use.
        folders: Folders in which users' modules are searched.

    Raises:
        LatencyTuiError: The factory or the file does not exist or is not trusted.
        Exception: The model's own code raised it.
    """
    spec = candidate.model
    if spec.is_temporary_pickle:
        # Written by the process that started this engine, from objects of the caller's own.
        found = unpickle(lambda: pickle.loads(Path(spec.file).read_bytes()), folders)  # noqa: S301
        model, notes = adapted(found, threads)
        return LoadedModel(model, True, notes)
    if spec.file:
        loaded = load_file(spec.file, trust or Trust(), threads, candidate.settings.get("key"), folders)
        return LoadedModel(loaded.model, is_fitted(loaded.model), loaded.notes, loaded.origin)
    check_configuration_trust(candidate, trust or Trust())
    model = _import(spec.factory, spec.parameters, folders)
    return LoadedModel(model, is_fitted(model))


def _import(path: str, parameters: Mapping[str, Any], folders: Sequence[str]) -> Any:
    """Return the model for `package.module:name`: the object itself, or what the class or factory returns."""
    module, _, name = path.partition(":")
    try:
        found = import_with_fallback(lambda: importlib.import_module(module), folders)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ModelError(f"cannot find {path!r}: {error}") from error
    if inspect.isclass(found):
        return found(**parameters)
    if any(callable(getattr(found, method, None)) for method in METHODS):
        if parameters:
            if not hasattr(found, "set_params"):
                raise ModelError(f"{path!r} is already a model, so it takes no parameters")
            found.set_params(**parameters)
        return found
    if not callable(found):
        raise ModelError(f"{path!r} is {type(found).__name__}, neither a model nor a function that returns one")
    if not parameters and _requires_arguments(found):
        return found
    model = found(**parameters)
    if model is None:
        raise ModelError(f"{path!r} was called and returned None")
    return model


def _requires_arguments(function: Any) -> bool:
    """Return whether a function has required arguments; it is then a model that takes rows, not a factory."""
    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    except ValueError:  # a C function without a signature
        return True
    return False


def is_fitted(model: Any) -> bool:
    """Return whether a model has no `fit`, or scikit-learn considers it fitted."""
    if not hasattr(model, "fit"):
        return True
    from sklearn.exceptions import NotFittedError  # deferred: what has no fit need not import it
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    except Exception:  # noqa: BLE001 (not a scikit-learn estimator)
        if callable(tells := getattr(model, "is_fitted", None)):
            return bool(tells())
        return any(name.endswith("_") and not name.startswith("_") for name in vars(model))
    return True


def apply_settings(model: Any, settings: Mapping[str, Setting]) -> None:
    """Apply the settings of the model or of scikit-learn; `inputs.with_settings` has those that act on inputs.

    Raises:
        SettingsError: The model has no such parameter, or the parameter cannot have that value.
    """
    configure(settings)
    for key, value in settings.items():
        if key in {*ENGINE_SETTINGS, *OTHER_SETTINGS}:
            continue
        known = model.get_params() if hasattr(model, "get_params") and not isinstance(model, type) else {}
        if key not in known:
            raise SettingsError(f"{type(model).__name__} has no parameter {key!r}; {_suggest_setting(key, known)}")
        try:
            model.set_params(**{key: value})
            owner = model.get_params().get(key.rpartition("__")[0], model)
            if hasattr(owner, "_validate_params") and not settings.get("skip_parameter_validation"):
                owner._validate_params()
        except Exception as error:
            raise SettingsError(f"{type(model).__name__} cannot have {key}={value}: {extract_cause(error)}") from error


def _suggest_setting(key: str, known: Iterable[str]) -> str:
    """Return a suggestion for an unknown setting, as the end of a sentence."""
    words = [*known, *ENGINE_SETTINGS, *OTHER_SETTINGS]
    near = next((word for word in words if word.casefold() == key.casefold()), None) or closest_match(key, words)
    listed = ", ".join(name for name in known if "__" not in name)
    return f"did you mean {near}?" if near else f"it has {listed}" if listed else "it has none that can be set"


def configure(settings: Mapping[str, Setting]) -> None:
    """Apply the settings of scikit-learn's configuration."""
    if wanted := {key: value for key, value in settings.items() if key in SKLEARN_SETTINGS}:
        import sklearn  # deferred: a process whose model is none of scikit-learn's need not import it

        sklearn.set_config(**wanted)


def find_modules(model: Any) -> tuple[str, ...]:
    """Return the modules that a process imports for a model before it loads the model.

    These are the modules of its class and of its parts (such as the steps of a pipeline), and the library behind an
    adapter.
    """
    parts = [model]
    if callable(getattr(model, "get_params", None)):
        with contextlib.suppress(Exception):  # of a model that only looks like one of scikit-learn's
            parts += [part for part in model.get_params(deep=True).values() if hasattr(part, "get_params")]
    names = [str(getattr(part, "__module__", "") or "") for part in parts]
    return tuple(dict.fromkeys([*getattr(model, "libraries", ()), *(name for name in names if name)]))


def job_count(model: Any) -> int:
    """Return how many jobs a model may run in parallel, by `n_jobs` of the model or its steps; 0 for one per core."""
    try:
        parameters = getattr(model, "best_estimator_", model).get_params(
            deep=True
        )  # a search predicts with the best estimator
        asked = [value for key, value in parameters.items() if key == "n_jobs" or key.endswith("__n_jobs")]
    except Exception:  # noqa: BLE001 (not a scikit-learn estimator)
        return 1
    jobs = [value for value in asked if isinstance(value, int) and not isinstance(value, bool)]
    return 0 if any(value < 0 for value in jobs) else min(max(jobs, default=1), MAX_JOBS)


def unfitted(model: Any) -> Any:
    """Return an unfitted clone of a model, with the same parameters."""
    if not hasattr(model, "get_params"):
        return model
    from sklearn.base import clone  # deferred: a model of another library need not import it

    return clone(model)


def check(answer: Any, asked: int | None, method: str) -> None:
    """Check that an output has one value per row.

    Args:
        answer: The output in the format of scikit-learn.
        asked: Number of rows of the input; None if the output need not have rows.
        method: The method that was called.

    Raises:
        ModelError: The output has another length or no length, or is a lazy computation.
    """
    if why := describe_invalid_answer(answer):
        raise ModelError(f"{method} returned {why}")
    if asked is None:
        return
    given = _answered_rows(answer, asked)
    if given is None:
        raise ModelError(f"{method} returned one {type(answer).__name__} for {asked:,} rows")
    if given != asked:
        answers, rows = "output" if given == 1 else "outputs", "row" if asked == 1 else "rows"
        raise ModelError(f"{method} returned {given:,} {answers} for {asked:,} {rows}")


def _answered_rows(answer: Any, asked: int) -> int | None:
    """Return the number of rows of an output; None if it has none. Several outputs must each have all rows."""
    if asked == 1 and isinstance(answer, str | bytes | Mapping):
        return 1  # one output of any length
    try:
        given = count_rows(answer)
    except TypeError:
        return 1 if asked == 1 else None  # a bare number for a single row
    if given != asked and isinstance(answer, list | tuple):
        lengths = {count_rows(one) for one in answer if getattr(one, "shape", None)}
        if len(lengths) == 1 and all(getattr(one, "shape", None) for one in answer):
            return lengths.pop()
    return given


def check_two_rows(model: Any, method: str, rows: Any) -> None:
    """Check that a model returns two outputs for two rows.

    A text model iterates over the column names of a data frame, for example, so its output does not depend on the rows.
    A model that fails with two rows may accept only one row per call, which is allowed.

    Args:
        model: The fitted model.
        method: The method that is called.
        rows: The rows as the model takes them, `(n_rows, ...)`.

    Raises:
        ModelError: The number of outputs is not two.
    """
    if getattr(model, "tensors", None) or count_rows(rows) < 2:
        return
    two = take(rows, [0, 1])
    try:
        answer = caller(model, method)(two)
    except Exception:  # noqa: BLE001 (as said: it may take one row per call)
        return
    try:
        check(answer, 2, method)
    except ModelError as error:
        hint = "; if it takes texts or records, give [input=texts] or [input=records]" if is_frame(rows) else ""
        raise ModelError(f"{error}: it does not return one output per row{hint}") from None
