"""How many threads BLAS and OpenMP may use, set where the libraries stand already."""

from __future__ import annotations

import sys
from typing import Any

_found: tuple[int, Any] = (0, None)
"""How many modules were loaded when the libraries were last looked for, and what has their handles."""


def limit_threads(threads: int, *, known: bool = False) -> None:
    """Limit the threads of every library that is loaded, until they are limited anew.

    Args:
        threads: Of each library.
        known: Whether those will do that this process, or the one that it was forked from, found before, unless
            something was imported since. Looking for them takes 10 ms.
    """
    global _found
    from threadpoolctl import ThreadpoolController  # deferred: it comes with scikit-learn

    if not known or _found[0] != len(sys.modules):
        _found = len(sys.modules), ThreadpoolController()
    _found[1].limit(limits=threads)
