"""Limits the threads of BLAS and OpenMP libraries."""

from __future__ import annotations

import sys
from typing import Any


class ThreadLimiter:
    """Limits the threads of the libraries that are loaded.

    It keeps the handles of the libraries that it found, because the search takes 10 ms; a forked process inherits them.
    """

    def __init__(self) -> None:
        self._controller: Any = None  # Any: threadpoolctl is imported only in the engine's processes
        self._module_count = 0

    def limit(self, threads: int, *, reuse: bool = False) -> None:
        """Limit the threads of each library until the next call.

        Args:
            threads: Threads per library.
            reuse: Whether to skip the search for libraries if no module was imported since the last one.
        """
        from threadpoolctl import ThreadpoolController  # deferred: it comes with scikit-learn

        if not reuse or self._controller is None or self._module_count != len(sys.modules):
            self._module_count, self._controller = len(sys.modules), ThreadpoolController()
        self._controller.limit(limits=threads)
