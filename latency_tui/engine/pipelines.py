"""Pipelines that the catalogue of models offers. Runs only in a candidate's process."""

from __future__ import annotations

from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def classifier() -> Pipeline:
    """Return logistic regression behind scaling of numbers and encoding of words, gaps filled in."""
    return make_pipeline(_columns(), LogisticRegression(max_iter=1000))


def regressor() -> Pipeline:
    """Return ridge regression behind the same."""
    return make_pipeline(_columns(), Ridge())


def _columns() -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("words", make_pipeline(SimpleImputer(strategy="constant", fill_value=""), _encoder()), words),
        ]
    )


def _encoder() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore", sparse_output=False, max_categories=100)


def numbers(rows: Any) -> list[int]:
    """Return which columns hold numbers; all of an array's."""
    return [index for index in range(rows.shape[1]) if index not in set(words(rows))]


def words(rows: Any) -> list[int]:
    """Return which columns of a data frame hold anything but numbers."""
    kinds = rows.dtypes if hasattr(rows, "iloc") else ()
    return [index for index, kind in enumerate(kinds) if getattr(kind, "kind", "O") not in "fiub"]
