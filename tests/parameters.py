"""Parameters of tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_quick(cases: Iterable[Any], *, whole: bool = False) -> list[Any]:
    """Return cases of which the first belongs to the quick tests, and the others are marked as slow.

    For cases that repeat one check at other sizes or with other distributions.

    Args:
        cases: The cases; a tuple holds the values of several parameters.
        whole: Whether a tuple is the value of one parameter, such as a size.
    """
    sets = [case if isinstance(case, tuple) and not whole else (case,) for case in cases]
    return [pytest.param(*values, marks=[pytest.mark.slow] if number else []) for number, values in enumerate(sets)]
