"""How many threads BLAS and OpenMP may use, set where the libraries stand already."""

from __future__ import annotations

import sys
from typing import Any

_found: tuple[int, Any] = (0, None)
"""How many modules were loaded when the libraries were last looked for, and what has their handles."""


def limit(threads: int) -> Any:
    """Limit the threads of every library that is loaded.

    Looking for libraries takes 10 ms, which a process that was forked from one that has looked need not do again as
    long as it has imported nothing else.

    Args:
        threads: Of each library.

    Returns:
        What keeps the limits: they hold as long as it is referred to.
    """
    global _found
    from threadpoolctl import ThreadpoolController  # deferred: it comes with scikit-learn

    if _found[0] != len(sys.modules):
        _found = len(sys.modules), ThreadpoolController()
    return _found[1].limit(limits=threads)
