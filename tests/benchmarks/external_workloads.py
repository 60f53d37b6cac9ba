"""What other tools are pointed at: the same models and rows, for pyperf, pytest-benchmark and hyperfine.

`external_workloads.py pyperf SPINS [OPTIONS]` is a pyperf script. `external_workloads.py serve CALLS SPINS...` keeps a
process per model and answers each connection after a hundred calls or more, so that hyperfine gets a command that takes
2 ms of its own. As a module of pytest it holds a benchmark per model.
"""

from __future__ import annotations

import os
import socket
import sys
from itertools import cycle
from typing import Any

from tests.benchmarks.slowed_models import fitted

SPINS = [int(word) for word in os.environ.get("SPINS", "0").split(",")]


def pytest_generate_tests(metafunc: Any) -> None:
    """A benchmark a model, in the order of `SPINS`."""
    metafunc.parametrize("spins", SPINS, ids=[f"model{index}" for index in range(len(SPINS))])


def test_predict(benchmark: Any, spins: int) -> None:
    """As pytest-benchmark's documentation has it: the function and its argument."""
    model, rows = fitted(spins)
    row = cycle(rows)
    benchmark(lambda: model.predict(next(row)))


def run_pyperf() -> None:
    """As pyperf's documentation has it: a runner and `bench_func`."""
    import pyperf  # installed for these programs only

    spins = int(sys.argv.pop(2))
    sys.argv.pop(1)
    runner = pyperf.Runner(program_args=[__file__, "pyperf", str(spins)])
    model, rows = fitted(spins)
    row = cycle(rows)
    runner.bench_func("predict", lambda: model.predict(next(row)))


def serve() -> None:
    """Print a port a model, then answer until the standard input closes."""
    calls, *spins = (int(word) for word in sys.argv[2:])
    children = []
    for value in spins:
        listener = socket.create_server(("127.0.0.1", 0))
        child = os.fork()
        if not child:
            _answer(listener, value, calls)
        children.append(child)
        print(listener.getsockname()[1], flush=True)
        listener.close()
    sys.stdin.read()
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)


def _answer(listener: socket.socket, spins: int, calls: int) -> None:
    os.close(0)
    model, rows = fitted(spins)
    row = cycle(rows)
    parent = os.getppid()
    listener.settimeout(5)
    while os.getppid() == parent:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        with connection:
            for _ in range(calls):
                model.predict(next(row))
    os._exit(0)


if __name__ == "__main__":
    if sys.argv[1] == "pyperf":
        run_pyperf()
    else:
        serve()
