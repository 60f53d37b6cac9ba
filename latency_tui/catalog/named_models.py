"""Every model that has a name: the six, more of scikit-learn's in groups, and those that installed packages add.

A package adds a model with an entry point, in its `pyproject.toml`; nothing is imported before it is measured:

    [project.entry-points."latency_tui.models"]
    my-model = "my_package.models:MyClassifier"
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from latency_tui.catalog.model_files import TITLES, kind_of, looks_like_file, model_in
from latency_tui.catalog.runtimes import check_runtime
from latency_tui.errors import UsageError
from latency_tui.plan.builtin import BUILTIN_MODELS
from latency_tui.plan.candidates import Candidate, ModelSpec, slugify
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
    _spec("Trees", _C, "Decision Tree", "tree:DecisionTreeClassifier", "One tree, grown whole.", random_state=42),
    _spec("Trees", _C, "Extra Trees", "ensemble:ExtraTreesClassifier", "100 trees split at random.", random_state=42),
    _spec(
        "Trees",
        _C,
        "Gradient Boosting",
        "ensemble:GradientBoostingClassifier",
        "100 small trees, each mending the ones before.",
        random_state=42,
    ),
    _spec(
        "Trees",
        _C,
        "Hist Gradient Boosting",
        "ensemble:HistGradientBoostingClassifier",
        "The same over binned values; takes gaps as they are.",
        random_state=42,
    ),
    _spec("Linear", _C, "Ridge Classifier", "linear_model:RidgeClassifier", "Least squares with a penalty."),
    _spec(
        "Linear",
        _C,
        "SGD Classifier",
        "linear_model:SGDClassifier",
        "A linear model learnt row by row.",
        random_state=42,
    ),
    _spec("Neighbours", _C, "K Nearest Neighbours", "neighbors:KNeighborsClassifier", "The five nearest rows vote."),
    _spec("Bayes", _C, "Naive Bayes", "naive_bayes:GaussianNB", "A Gaussian a feature and class."),
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
        "Numbers scaled, words encoded, gaps filled, then logistic regression.",
    ),
    _spec(
        "Pipelines",
        _C,
        "Random Forest Pipeline",
        "latency_tui.engine.candidate.pipelines:forest_classifier",
        "Numbers scaled, words encoded, gaps filled, then 100 trees.",
    ),
    _spec(
        "Pipelines",
        _C,
        "Hist Gradient Boosting Pipeline",
        "latency_tui.engine.candidate.pipelines:boosting_classifier",
        "Words replaced by numbers, gaps kept, then boosted trees over binned values.",
    ),
    _spec("Floor", _C, "Dummy Classifier", "dummy:DummyClassifier", "Always the most frequent class: the floor."),
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
        "100 small trees over binned values; takes gaps as they are.",
        random_state=42,
    ),
    _spec("Support vectors", _R, "RBF SVR", "svm:SVR", "A support vector machine with a Gaussian kernel."),
    _spec(
        "Neighbours",
        _R,
        "K Nearest Neighbours Regressor",
        "neighbors:KNeighborsRegressor",
        "The mean of the five nearest.",
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
        "Trees", _R, "Decision Tree Regressor", "tree:DecisionTreeRegressor", "One tree, grown whole.", random_state=42
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
        "100 small trees, each mending the ones before.",
        random_state=42,
    ),
    _spec(
        "Linear", _R, "SGD Regressor", "linear_model:SGDRegressor", "A linear model learnt row by row.", random_state=42
    ),
    _spec(
        "Pipelines",
        _R,
        "Encoding Pipeline Regressor",
        "latency_tui.engine.candidate.pipelines:regressor",
        "Numbers scaled, words encoded, gaps filled, then ridge regression.",
    ),
    _spec(
        "Pipelines",
        _R,
        "Random Forest Pipeline Regressor",
        "latency_tui.engine.candidate.pipelines:forest_regressor",
        "Numbers scaled, words encoded, gaps filled, then 100 trees.",
    ),
    _spec(
        "Pipelines",
        _R,
        "Hist Gradient Boosting Pipeline Regressor",
        "latency_tui.engine.candidate.pipelines:boosting_regressor",
        "Words replaced by numbers, gaps kept, then boosted trees over binned values.",
    ),
    _spec("Floor", _R, "Dummy Regressor", "dummy:DummyRegressor", "Always the mean: the floor."),
)
"""More of scikit-learn's models, chosen by name only, or by default where the six cannot do the task."""

_CHOSEN_FOR_REGRESSION = 6
_WITH_GAPS = ("HistGradientBoosting", "RandomForest", "DecisionTree", "ExtraTrees")
"""Parts of the names of scikit-learn's estimators that learn columns with missing values."""


def default_models(task: Task = "classification") -> tuple[ModelSpec, ...]:
    """Return what is measured where nothing is named: the six, or six regressors."""
    if task == "classification":
        return BUILTIN_MODELS
    return tuple(model for model in MORE_MODELS if model.task == "regression")[:_CHOSEN_FOR_REGRESSION]


def encoding_models(task: Task = "classification") -> tuple[ModelSpec, ...]:
    """Return what is measured if nothing is named and a table holds words, dates or gaps."""
    return tuple(model for model in MORE_MODELS if model.task == task and takes_words(model) and model.group != "Floor")


def is_built_in(model: ModelSpec) -> bool:
    """Return whether a model is one of those that come with the program."""
    return any((model.factory, model.name) == (one.factory, one.name) for one in (*BUILTIN_MODELS, *MORE_MODELS))


def takes_words(model: ModelSpec) -> bool:
    """Return whether a built-in model takes columns of words, dates and gaps as they are."""
    return model.factory.startswith(("latency_tui.engine.candidate.pipelines:", "sklearn.dummy:"))


def takes_gaps(model: ModelSpec) -> bool:
    """Return whether a built-in model takes columns of numbers with gaps."""
    return takes_words(model) or any(part in model.factory for part in _WITH_GAPS)


def installed_models() -> tuple[ModelSpec, ...]:
    """Return the models that installed packages add, without importing any."""
    from importlib.metadata import entry_points  # deferred: it reads what is installed

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
    """Return every model that has a name; one of the configuration file counts instead of one that comes along.

    Args:
        own: Those of the configuration file, which come first.
    """
    own = tuple(own)
    slugs = {slugify(model.name) for model in own}
    found: dict[str, ModelSpec] = {}
    for model in (*BUILTIN_MODELS, *installed_models(), *MORE_MODELS):
        if slugify(model.name) not in slugs:
            found.setdefault(slugify(model.name), model)
    return (*own, *found.values())


def find_model(name: str, models: Iterable[ModelSpec]) -> ModelSpec:
    """Return the model of that name, table of the configuration file or slug, upper or lower case.

    Raises:
        UsageError: There is none, or several are typed that way; the sentence names the nearest one, or these.
    """
    models = tuple(models)
    if (found := named_model(name, models)) is not None:
        return found
    known = [word for model in models for word in (slugify(model.name), model.key) if word]
    raise UsageError(f"There is no model {name!r}; {hint(slugify(name), known, listed_by='latency-tui models')}")


def typed(model: ModelSpec, models: Iterable[ModelSpec]) -> str:
    """Return what names a model on the command line: its slug, or its table where others have that slug too."""
    slug = slugify(model.name)
    return model.key if model.key and [slugify(other.name) for other in models].count(slug) > 1 else slug


def named_model(name: str, models: Iterable[ModelSpec]) -> ModelSpec | None:
    """Return the model that a name means: as it is written, by its table, or by its slug; None if there is none.

    Raises:
        UsageError: Several are typed that way.
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
            raise UsageError(f"{name!r} may be one of several models; name it as it is written: {known}.")
        if alike:
            return alike[0]
    return None


def resolve_model(text: str, models: Iterable[ModelSpec] | None = None, folder: Path | None = None) -> Candidate:
    """Return the candidate that a name, a file or an import path means, each with settings in brackets or without.

    `random-forest`, `random-forest[n_jobs=1]`, `model.skops[dtype=float32]`, `package.module:name`. Nothing is loaded
    or imported; a file is looked at.

    Args:
        text: As it was typed.
        models: Those that have names; None for all that are known without a configuration file.
        folder: Where a module may lie besides where Python looks: the configuration's.

    Raises:
        UsageError: It is none of these, or a setting makes no sense.
    """
    name, settings = parse(text)
    if "runtime" in settings:
        check_runtime(str(settings["runtime"]))
    known = tuple(models) if models is not None else known_models()
    named = None if looks_like_file(name) else named_model(name, known)
    if named is not None:
        return Candidate(model=named, settings=settings)
    if looks_like_file(name) or _exists(name):
        return Candidate(model=model_of_file(name), settings=settings)
    if ":" in name:
        return Candidate(model=_model_of_path(name, folder), settings=settings)
    return Candidate(model=find_model(name, known), settings=settings)


def resolve_models(
    texts: Iterable[str], models: Iterable[ModelSpec] | None = None, folder: Path | None = None
) -> tuple[Candidate, ...]:
    """Return the candidates that several texts mean; two files or paths of one name are told apart by the whole of it.

    Raises:
        UsageError: See `resolve_model`.
    """
    known = tuple(models) if models is not None else known_models()
    found = [resolve_model(text, known, folder) for text in texts]
    origins: dict[str, set[str]] = {}
    for candidate in found:
        origins.setdefault(candidate.model.name, set()).add(candidate.model.file or candidate.model.factory)
    return tuple(_in_full(c) if len(origins[c.model.name]) > 1 else c for c in found)


def model_of_file(text: str, name: str = "") -> ModelSpec:
    """Return the model in a file, which is looked at and not loaded.

    Raises:
        UsageError: The file is not there or not what it says.
    """
    named = Path(text)
    path = model_in(named)
    if path == named:
        return ModelSpec(name=name or path.name, description=described(path), file=text)
    folder = named.parent if named.name == "MLmodel" else named
    return ModelSpec(name=name or folder.resolve().name, description=described(path), file=str(path))


def described(path: Path) -> str:
    """Return what a model file is and where it lies, in a line.

    Raises:
        UsageError: The file is not there or not what it says.
    """
    return f"{TITLES[kind_of(path)]}: {path}"[2:].lstrip()


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # longer than a name can be
        return False


def _model_of_path(text: str, folder: Path | None) -> ModelSpec:
    from latency_tui.catalog.import_paths import describe  # deferred: with ast 5 ms, and most models have names

    describe(text, folder)
    return ModelSpec(name=text.partition(":")[2], description=text, factory=text)


def _in_full(candidate: Candidate) -> Candidate:
    """Return the candidate under its whole path, where it has one."""
    whole = candidate.model.file or (
        candidate.model.factory if candidate.model.description == candidate.model.factory else ""
    )
    if not whole:
        return candidate
    return msgspec.structs.replace(candidate, model=msgspec.structs.replace(candidate.model, name=whole))
