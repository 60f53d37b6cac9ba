"""Models that can be measured by name: built-in ones, more from scikit-learn, and those of installed packages.

A package adds a model with an entry point in `pyproject.toml`. Its module is imported only when the model is measured:

    [project.entry-points."latency_tui.models"]
    my-model = "my_package.models:MyClassifier"
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.catalog.model_files import TITLES, find_model_file, kind_of, looks_like_file
from latency_tui.catalog.runtimes import check_runtime
from latency_tui.errors import UsageError
from latency_tui.plan.builtin import BUILTIN_MODELS
from latency_tui.plan.candidates import Candidate, ModelFormat, ModelSpec, slugify
from latency_tui.plan.datasets import Task
from latency_tui.plan.settings import parse
from latency_tui.plan.suggest import hint

GROUP = "latency_tui.models"


def _spec(group: str, task: Task, name: str, factory: str, description: str, **parameters: Any) -> ModelSpec:
    return ModelSpec(
        name=name,
        description=description,
        factory=factory if ":" in factory and "." in factory.partition(":")[0] else f"sklearn.{factory}",
        parameters=parameters,
        group=group,
        task=task,
    )


_C: Task = "classification"
_R: Task = "regression"

MORE_MODELS: tuple[ModelSpec, ...] = (
    _spec("Trees", _C, "Decision Tree", "tree:DecisionTreeClassifier", "A single unpruned tree.", random_state=42),
    _spec("Trees", _C, "Extra Trees", "ensemble:ExtraTreesClassifier", "100 trees split at random.", random_state=42),
    _spec(
        "Trees",
        _C,
        "Gradient Boosting",
        "ensemble:GradientBoostingClassifier",
        "100 small trees, each correcting the previous ones.",
        random_state=42,
    ),
    _spec(
        "Trees",
        _C,
        "Hist Gradient Boosting",
        "ensemble:HistGradientBoostingClassifier",
        "Boosted trees over binned values; accepts missing values.",
        random_state=42,
    ),
    _spec("Linear", _C, "Ridge Classifier", "linear_model:RidgeClassifier", "Least squares with a penalty."),
    _spec(
        "Linear",
        _C,
        "SGD Classifier",
        "linear_model:SGDClassifier",
        "A linear model trained by stochastic gradient descent.",
        random_state=42,
    ),
    _spec("Neighbours", _C, "K Nearest Neighbours", "neighbors:KNeighborsClassifier", "The five nearest rows vote."),
    _spec("Bayes", _C, "Naive Bayes", "naive_bayes:GaussianNB", "One Gaussian per feature and class."),
    _spec(
        "Neural networks",
        _C,
        "Multi-Layer Perceptron",
        "neural_network:MLPClassifier",
        "One hidden layer of 100.",
        max_iter=500,
        random_state=42,
    ),
    _spec(
        "Pipelines",
        _C,
        "Encoding Pipeline",
        "latency_tui.engine.candidate.pipelines:classifier",
        "Scaled numbers, encoded categories, imputed values, then logistic regression.",
    ),
    _spec(
        "Pipelines",
        _C,
        "Random Forest Pipeline",
        "latency_tui.engine.candidate.pipelines:forest_classifier",
        "Scaled numbers, encoded categories, imputed values, then 100 trees.",
    ),
    _spec(
        "Pipelines",
        _C,
        "Hist Gradient Boosting Pipeline",
        "latency_tui.engine.candidate.pipelines:boosting_classifier",
        "Encoded categories, then boosted trees over binned values.",
    ),
    _spec(
        "Floor",
        _C,
        "Dummy Classifier",
        "dummy:DummyClassifier",
        "Always the most frequent class: the baseline.",
    ),
    _spec("Linear", _R, "Ridge", "linear_model:Ridge", "Least squares with a penalty."),
    _spec(
        "Trees",
        _R,
        "Random Forest Regressor",
        "ensemble:RandomForestRegressor",
        "An ensemble of 100 trees.",
        random_state=42,
    ),
    _spec(
        "Trees",
        _R,
        "Hist Gradient Boosting Regressor",
        "ensemble:HistGradientBoostingRegressor",
        "100 small trees over binned values; accepts missing values.",
        random_state=42,
    ),
    _spec("Support vectors", _R, "RBF SVR", "svm:SVR", "A support vector machine with a Gaussian kernel."),
    _spec(
        "Neighbours",
        _R,
        "K Nearest Neighbours Regressor",
        "neighbors:KNeighborsRegressor",
        "The mean of the five nearest rows.",
    ),
    _spec(
        "Neural networks",
        _R,
        "Multi-Layer Perceptron Regressor",
        "neural_network:MLPRegressor",
        "One hidden layer of 100.",
        max_iter=500,
        random_state=42,
    ),
    _spec(
        "Trees", _R, "Decision Tree Regressor", "tree:DecisionTreeRegressor", "A single unpruned tree.", random_state=42
    ),
    _spec(
        "Trees",
        _R,
        "Extra Trees Regressor",
        "ensemble:ExtraTreesRegressor",
        "100 trees split at random.",
        random_state=42,
    ),
    _spec(
        "Trees",
        _R,
        "Gradient Boosting Regressor",
        "ensemble:GradientBoostingRegressor",
        "100 small trees, each correcting the previous ones.",
        random_state=42,
    ),
    _spec(
        "Linear",
        _R,
        "SGD Regressor",
        "linear_model:SGDRegressor",
        "A linear model trained by stochastic gradient descent.",
        random_state=42,
    ),
    _spec(
        "Pipelines",
        _R,
        "Encoding Pipeline Regressor",
        "latency_tui.engine.candidate.pipelines:regressor",
        "Scaled numbers, encoded categories, imputed values, then ridge regression.",
    ),
    _spec(
        "Pipelines",
        _R,
        "Random Forest Pipeline Regressor",
        "latency_tui.engine.candidate.pipelines:forest_regressor",
        "Scaled numbers, encoded categories, imputed values, then 100 trees.",
    ),
    _spec(
        "Pipelines",
        _R,
        "Hist Gradient Boosting Pipeline Regressor",
        "latency_tui.engine.candidate.pipelines:boosting_regressor",
        "Encoded categories, then boosted trees over binned values.",
    ),
    _spec("Floor", _R, "Dummy Regressor", "dummy:DummyRegressor", "Always predicts the mean: the baseline."),
)
"""Additional scikit-learn models, measured by name, or by default if the six built-in models do not fit the task."""

_DEFAULT_REGRESSORS = 6
_ACCEPT_MISSING = ("HistGradientBoosting", "RandomForest", "DecisionTree", "ExtraTrees")
"""Parts of the names of scikit-learn estimators that accept missing values."""


def default_models(task: Task = "classification") -> tuple[ModelSpec, ...]:
    """Return the models that are measured by default: six classifiers or six regressors."""
    if task == "classification":
        return BUILTIN_MODELS
    return tuple(model for model in MORE_MODELS if model.task == "regression")[:_DEFAULT_REGRESSORS]


def encoding_models(task: Task = "classification") -> tuple[ModelSpec, ...]:
    """Return the models that are measured by default if a table has text, dates or missing values."""
    return tuple(
        model for model in MORE_MODELS if model.task == task and accepts_text(model) and model.group != "Floor"
    )


def is_built_in(model: ModelSpec) -> bool:
    """Return whether a model is part of latency-tui."""
    return any((model.factory, model.name) == (one.factory, one.name) for one in (*BUILTIN_MODELS, *MORE_MODELS))


def accepts_text(model: ModelSpec) -> bool:
    """Return whether a built-in model accepts columns of text, dates and missing values."""
    return model.factory.startswith(("latency_tui.engine.candidate.pipelines:", "sklearn.dummy:"))


def accepts_missing(model: ModelSpec) -> bool:
    """Return whether a built-in model accepts numeric columns with missing values."""
    return accepts_text(model) or any(part in model.factory for part in _ACCEPT_MISSING)


def installed_models() -> tuple[ModelSpec, ...]:
    """Return the models that installed packages add, without importing the packages."""
    from importlib.metadata import entry_points  # deferred: it scans the installed packages

    return tuple(
        ModelSpec(
            name=entry.name,
            description=f"From {entry.dist.name}." if entry.dist else "",
            factory=entry.value,
            group=entry.dist.name if entry.dist else "",
        )
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    )


def known_models(own: Iterable[ModelSpec] = ()) -> tuple[ModelSpec, ...]:
    """Return all named models; a model of the configuration file replaces other models of the same slug.

    Args:
        own: The models of the configuration file, which are returned first.
    """
    own = tuple(own)
    slugs = {slugify(model.name) for model in own}
    found: dict[str, ModelSpec] = {}
    for model in (*BUILTIN_MODELS, *installed_models(), *MORE_MODELS):
        if slugify(model.name) not in slugs:
            found.setdefault(slugify(model.name), model)
    return (*own, *found.values())


def find_model(name: str, models: Iterable[ModelSpec]) -> ModelSpec:
    """Return the model with a name, configuration key or slug; slugs are case-insensitive.

    Raises:
        UsageError: No model matches, or several do; the message suggests a name.
    """
    models = tuple(models)
    if (found := named_model(name, models)) is not None:
        return found
    known = [word for model in models for word in (slugify(model.name), model.key) if word]
    raise UsageError(f"There is no model {name!r}; {hint(slugify(name), known, listed_by='latency-tui models')}")


def typed(model: ModelSpec, models: Iterable[ModelSpec]) -> str:
    """Return the name of a model for the command line: its slug, or its configuration key if the slug is ambiguous."""
    slug = slugify(model.name)
    return model.key if model.key and [slugify(other.name) for other in models].count(slug) > 1 else slug


def named_model(name: str, models: Iterable[ModelSpec]) -> ModelSpec | None:
    """Return the model with a name, configuration key or slug, in this order; None if there is none.

    Raises:
        UsageError: The name is ambiguous.
    """
    models, slug = tuple(models), slugify(name)
    for alike in (
        [model for model in models if model.name == name],
        [model for model in models if model.key == name],
        [model for model in models if slugify(model.name) == slug],
        [model for model in models if model.key and slugify(model.key) == slug],
    ):
        if len(alike) > 1:
            known = " or ".join(repr(model.key or model.name) for model in alike)
            raise UsageError(f"{name!r} is ambiguous; type the exact name: {known}.")
        if alike:
            return alike[0]
    return None


def resolve_model(text: str, models: Iterable[ModelSpec] | None = None, folder: Path | None = None) -> Candidate:
    """Return the candidate for a model name, a file or an import path, with optional settings in brackets.

    Examples are `random-forest`, `random-forest[n_jobs=1]`, `model.skops[dtype=float32]` and `package.module:name`.
    Nothing is imported; only the first bytes of a file are read.

    Args:
        text: The text that the user typed.
        models: The named models; None for all models except those of a configuration file.
        folder: An additional folder in which modules are searched: that of the configuration file.

    Raises:
        UsageError: There is no such model, or a setting is invalid.
    """
    name, settings = parse(text)
    if "runtime" in settings:
        check_runtime(str(settings["runtime"]))
    known = tuple(models) if models is not None else known_models()
    named = None if looks_like_file(name) else named_model(name, known)
    if named is not None:
        return Candidate(model=named, settings=settings)
    if looks_like_file(name) or _exists(name):
        return Candidate(model=spec_of_file(name), settings=settings)
    if ":" in name:
        find = "python" not in settings  # the module may be installed only there
        return Candidate(model=_spec_of_import_path(name, folder, find=find), settings=settings)
    return Candidate(model=find_model(name, known), settings=settings)


def resolve_models(
    texts: Iterable[str], models: Iterable[ModelSpec] | None = None, folder: Path | None = None
) -> tuple[Candidate, ...]:
    """Return the candidates for several texts; files or import paths with equal names are shown with the full path.

    Raises:
        UsageError: See `resolve_model`.
    """
    known = tuple(models) if models is not None else known_models()
    found = [resolve_model(text, known, folder) for text in texts]
    origins: dict[str, set[str]] = {}
    for candidate in found:
        origins.setdefault(candidate.model.name, set()).add(candidate.model.file or candidate.model.factory)
    return tuple(_name_by_path(c) if len(origins[c.model.name]) > 1 else c for c in found)


def spec_of_file(text: str, name: str = "") -> ModelSpec:
    """Return the model specification for a file, without loading the model.

    Raises:
        UsageError: The file does not exist, or its content does not match its name.
    """
    named = Path(text)
    path = find_model_file(named)
    found = kind_of(path)
    if path == named:
        return ModelSpec(name=name or path.name, description=describe_file(path, found), file=text, file_format=found)
    folder = named.parent if named.name == "MLmodel" else named
    return ModelSpec(
        name=name or folder.resolve().name, description=describe_file(path, found), file=str(path), file_format=found
    )


def describe_file(path: Path, file_format: ModelFormat) -> str:
    """Return the format and the path of a model file in one line."""
    return f"{TITLES[file_format]}: {path}"[2:].lstrip()


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # the text is too long for a file name
        return False


def _spec_of_import_path(text: str, folder: Path | None, *, find: bool) -> ModelSpec:
    from latency_tui.catalog.import_paths import check_form, describe  # deferred: with ast 5 ms

    if find:
        describe(text, folder)
    else:
        check_form(text)
    return ModelSpec(name=text.partition(":")[2], description=text, factory=text)


def _name_by_path(candidate: Candidate) -> Candidate:
    """Return a candidate named after its full path, if it has one."""
    whole = candidate.model.file or (
        candidate.model.factory if candidate.model.description == candidate.model.factory else ""
    )
    if not whole:
        return candidate
    return msgspec.structs.replace(candidate, model=msgspec.structs.replace(candidate.model, name=whole))
