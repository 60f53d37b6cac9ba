"""The six built-in models, from fast and simple to slow and flexible."""

from __future__ import annotations

from latency_tui.plan.candidates import ModelSpec

BUILTIN_MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="Logistic Regression",
        description="A linear model: fast inference, limited complexity.",
        colour="#7aa2f7",
        factory="sklearn.linear_model:LogisticRegression",
        task="classification",
        parameters={"max_iter": 1000, "random_state": 42},
    ),
    ModelSpec(
        name="Random Forest",
        description="An ensemble of 100 trees: moderate speed, good accuracy.",
        colour="#f7768e",
        factory="sklearn.ensemble:RandomForestClassifier",
        task="classification",
        parameters={"n_estimators": 100, "random_state": 42},
    ),
    ModelSpec(
        name="Linear SVM",
        description="A support vector machine with a linear kernel: good where classes separate linearly.",
        colour="#9ece6a",
        factory="sklearn.svm:SVC",
        task="classification",
        parameters={"kernel": "linear", "random_state": 42},
    ),
    ModelSpec(
        name="RBF SVM",
        description="A support vector machine with a Gaussian kernel: slower, follows non-linear patterns.",
        colour="#bb9af7",
        factory="sklearn.svm:SVC",
        task="classification",
        parameters={"kernel": "rbf", "random_state": 42},
    ),
    ModelSpec(
        name="Small Neural Network",
        description="One hidden layer of 50: moderate speed, some non-linearity.",
        colour="#e0af68",
        factory="sklearn.neural_network:MLPClassifier",
        task="classification",
        parameters={"hidden_layer_sizes": [50], "max_iter": 500, "random_state": 42},
    ),
    ModelSpec(
        name="Large Neural Network",
        description="Hidden layers of 200, 100 and 50: slower, high complexity.",
        colour="#7dcfff",
        factory="sklearn.neural_network:MLPClassifier",
        task="classification",
        parameters={"hidden_layer_sizes": [200, 100, 50], "max_iter": 500, "random_state": 42},
    ),
)
