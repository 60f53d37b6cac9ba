"""Gets a model ready to answer, and checks that its answers are answers. Runs only in a candidate's process."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pickle
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latency_tui.catalog.trust_store import check_configuration_trust
from latency_tui.engine.candidate.calls import caller
from latency_tui.engine.candidate.error_messages import extract_cause
from latency_tui.engine.candidate.invalid_answers import describe_invalid_answer
from latency_tui.engine.candidate.models.booster_files import adapted
from latency_tui.engine.candidate.models.model_files import load_file
from latency_tui.engine.candidate.models.pickles import unpickle
from latency_tui.engine.data.dataset import Data
from latency_tui.engine.data.rows import count_rows, is_frame, take
from latency_tui.engine.user_imports import import_with_fallback
from latency_tui.errors import ModelError, SettingsError
from latency_tui.plan import ENGINE_SETTINGS, METHODS, OTHER_SETTINGS, SKLEARN_SETTINGS, Candidate, Setting, Trust
from latency_tui.plan.suggest import closest_match

MAX_JOBS = 4096


@dataclass(frozen=True)
class LoadedModel:
    """A model as it came.

    Attributes:
        model: Anything with the methods, or a function of an array.
        fitted: Whether it can answer as it is.
        notes: What is to be told about its loading.
        origin: Which other version of scikit-learn made it; empty if it was this one, or that is not known.
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
    if spec.handed_over:
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
                raise ModelError(f"{path!r} is a model already and takes no parameters")
            found.set_params(**parameters)
        return found
    if not callable(found):
        raise ModelError(f"{path!r} is {type(found).__name__}, neither a model nor anything that makes one")
    if not parameters and _requires_arguments(found):
        return found
    model = found(**parameters)
    if model is None:
        raise ModelError(f"{path!r} was called and made nothing")
    return model


def _requires_arguments(function: Any) -> bool:
    """Whether a function cannot be called with nothing: then it is the model, and what it wants is rows."""
    try:
        inspect.signature(function).bind()
    except TypeError:
        return True
    except ValueError:  # a function of C's that does not tell
        return True
    return False


def is_fitted(model: Any) -> bool:
    """Whether a model can answer as it is: it has no `fit`, or scikit-learn finds it fitted."""
    if not hasattr(model, "fit"):
        return True
    from sklearn.exceptions import NotFittedError  # deferred: what has no fit need not import it
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        return False
    except Exception:  # noqa: BLE001 (no estimator of scikit-learn's making: by its own word or the convention then)
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
    """Return the setting that was most likely meant, or all parameters, as the end of a sentence."""
    words = [*known, *ENGINE_SETTINGS, *OTHER_SETTINGS]
    near = next((word for word in words if word.casefold() == key.casefold()), None) or closest_match(key, words)
    listed = ", ".join(name for name in known if "__" not in name)
    return f"did you mean {near}?" if near else f"it has {listed}" if listed else "it has none that can be set"


def configure(settings: Mapping[str, Setting]) -> None:
    """Pull the settings that act on scikit-learn as a whole."""
    if wanted := {key: value for key, value in settings.items() if key in SKLEARN_SETTINGS}:
        import sklearn  # deferred: a process whose model is none of scikit-learn's need not import it

        sklearn.set_config(**wanted)


def find_modules(model: Any) -> tuple[str, ...]:
    """Return the modules that a process imports for a model, before it reads it.

    Those of its class and of its parts (steps of a pipeline, members of a vote), of a function its own, and the library
    that answers where the class is but an adapter of ours.
    """
    parts = [model]
    if callable(getattr(model, "get_params", None)):
        with contextlib.suppress(Exception):  # of a model that only looks like one of scikit-learn's
            parts += [part for part in model.get_params(deep=True).values() if hasattr(part, "get_params")]
    names = [str(getattr(part, "__module__", "") or "") for part in parts]
    return tuple(dict.fromkeys([*getattr(model, "libraries", ()), *(name for name in names if name)]))


def job_count(model: Any) -> int:
    """Return how many jobs a model may run at once, by its own `n_jobs` or that of its steps; 0 for one a core."""
    try:
        parameters = getattr(model, "best_estimator_", model).get_params(deep=True)  # a search answers by the best
        asked = [value for key, value in parameters.items() if key == "n_jobs" or key.endswith("__n_jobs")]
    except Exception:  # noqa: BLE001 (no estimator of scikit-learn's making)
        return 1
    jobs = [value for value in asked if isinstance(value, int) and not isinstance(value, bool)]
    return 0 if any(value < 0 for value in jobs) else min(max(jobs, default=1), MAX_JOBS)


def score(model: Any, data: Data) -> float | None:
    """Return held-out accuracy or R², or None where there is nothing to score with, or it fails, which is warned of."""
    if data.y_test is None or not hasattr(model, "score"):
        return None
    try:
        found = model.score(data.X_test, data.y_test)
        return None if found is None else float(found)
    except Exception as error:  # noqa: BLE001 (labels of another kind, say: how fast it answers can be measured still)
        said = extract_cause(error) or type(error).__name__
        warnings.warn(f"it could not be scored: {said}", stacklevel=2)
        return None


def unfitted(model: Any) -> Any:
    """Return a model as it was before a `fit` that failed, with the same parameters."""
    if not hasattr(model, "get_params"):
        return model
    from sklearn.base import clone  # deferred: a model of another library need not import it

    return clone(model)


def check(answer: Any, asked: int | None, method: str) -> None:
    """Refuse an answer that does not hold one answer per row.

    Args:
        answer: What the call returned, as scikit-learn would give it.
        asked: Number of rows that the call received; None if the answer need not have rows.
        method: What was called.

    Raises:
        ModelError: It has another length, or none, or is still to be computed.
    """
    if why := describe_invalid_answer(answer):
        raise ModelError(f"{method} returned {why}")
    if asked is None:
        return
    given = _answered_rows(answer, asked)
    if given is None:
        raise ModelError(f"{method} returned one {type(answer).__name__} for {asked:,} rows")
    if given != asked:
        answers, rows = "answer" if given == 1 else "answers", "row" if asked == 1 else "rows"
        raise ModelError(f"{method} returned {given:,} {answers} for {asked:,} {rows}")


def _answered_rows(answer: Any, asked: int) -> int | None:
    """Return how many rows an answer has, None if none. If it holds several outputs, each of them has all rows."""
    if asked == 1 and isinstance(answer, str | bytes | Mapping):
        return 1  # one answer, whatever its length
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
    """Refuse a model that gives one answer for two rows: it does not see the rows that it is asked about.

    A text model that is given a data frame reads the names of its columns, for example. A model that raises for two
    rows may answer a single one per call, which is fine.

    Args:
        model: Ready to answer.
        method: What is called.
        rows: As the model gets them, `(n_rows, ...)`.

    Raises:
        ModelError: It gives another number of answers than two.
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
        raise ModelError(f"{error}: it does not answer each row that it is given{hint}") from None
