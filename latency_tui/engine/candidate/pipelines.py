"""Pipelines for tables with text, dates and missing values. Runs only in a candidate's process."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from latency_tui.engine.data.rows import is_frame


def classifier() -> Pipeline:
    """Return logistic regression after scaling of numbers, encoding of text and imputation of missing values."""
    return make_pipeline(_one_hot(), LogisticRegression(max_iter=1000))


def regressor() -> Pipeline:
    """Return ridge regression after the same steps."""
    return make_pipeline(_one_hot(), Ridge())


def forest_classifier() -> Pipeline:
    """Return a random forest after the same steps."""
    return make_pipeline(_one_hot(), RandomForestClassifier(random_state=42))


def forest_regressor() -> Pipeline:
    """Return a random forest after the same steps."""
    return make_pipeline(_one_hot(), RandomForestRegressor(random_state=42))


def boosting_classifier() -> Pipeline:
    """Return gradient-boosted trees after ordinal encoding of text; missing values are kept."""
    return make_pipeline(_ordinal(), HistGradientBoostingClassifier(random_state=42))


def boosting_regressor() -> Pipeline:
    """Return gradient-boosted trees after the same steps."""
    return make_pipeline(_ordinal(), HistGradientBoostingRegressor(random_state=42))


def _one_hot() -> ColumnTransformer:
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, max_categories=100)
    filled = SimpleImputer(keep_empty_features=True)
    return ColumnTransformer(
        [
            ("numbers", make_pipeline(filled, StandardScaler()), numbers),
            ("dates", make_pipeline(FunctionTransformer(as_seconds), filled, StandardScaler()), dates),
            ("words", make_pipeline(FunctionTransformer(as_texts), encoder), words),
        ]
    )


def _ordinal() -> ColumnTransformer:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return ColumnTransformer(
        [
            ("numbers", FunctionTransformer(as_floats), numbers),
            ("dates", FunctionTransformer(as_seconds), dates),
            ("words", make_pipeline(FunctionTransformer(as_texts), encoder), words),
        ]
    )


def numbers(rows: Any) -> list[int]:
    """Return the indices of numeric columns; all columns of an array are numeric."""
    return [index for index in range(rows.shape[1]) if index not in {*words(rows), *dates(rows)}]


def dates(rows: Any) -> list[int]:
    """Return the indices of the columns of a data frame with dates or durations."""
    return [index for index, kind in enumerate(_kinds(rows)) if kind in "mM"]


def words(rows: Any) -> list[int]:
    """Return the indices of the columns of a data frame with neither numbers nor dates."""
    return [index for index, kind in enumerate(_kinds(rows)) if kind not in "fiubmM"]


def as_floats(rows: Any) -> Any:
    """Convert numeric columns to an array of floats, `(n_rows, n_columns)`, with NaN for missing values."""
    return rows.to_numpy(dtype="float64", na_value=np.nan) if is_frame(rows) else rows


def as_texts(rows: Any) -> Any:
    """Convert text columns to an array of texts, `(n_rows, n_columns)`, empty for missing values."""
    found = rows.to_numpy(dtype=object)
    missing = rows.isna().to_numpy()
    return np.where(missing, "", found.astype(str)).astype(object)


def as_seconds(rows: Any) -> Any:
    """Convert dates to seconds since 1970, `(n_rows, n_columns)`, with NaN for missing values."""
    columns = [rows.iloc[:, index] for index in range(rows.shape[1])]
    found = [np.where(column.isna(), np.nan, column.astype("int64") / _units_of(column)) for column in columns]
    return np.column_stack(found) if found else np.empty((len(rows), 0))


def _units_of(column: Any) -> float:
    """Return the number of units of a date column per second."""
    return {"s": 1.0, "ms": 1e3, "us": 1e6}.get(getattr(column.dt, "unit", "ns"), 1e9)


def _kinds(rows: Any) -> list[str]:
    return [getattr(kind, "kind", "O") for kind in rows.dtypes] if is_frame(rows) else []
