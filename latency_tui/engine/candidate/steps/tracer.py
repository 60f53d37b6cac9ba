"""Times the methods of the parts of a model, without changing the model outside the calls that are traced.

The methods are replaced on the objects themselves, not on their classes, and no object is replaced, so that
`isinstance`, `clone` and pickling work as before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from threading import get_ident
from time import perf_counter_ns
from types import MethodType
from typing import Any

from latency_tui.engine.candidate.steps.parts import TIMED_METHODS, Part, find_parts, safe_attribute

_INDEX_BITS = 16
_MAX_NODES = 1 << _INDEX_BITS
_MISSING = object()


class Node:
    """A part in the place in which a call used it.

    Attributes:
        part: The part; None for the call itself.
        path: Names from the outermost part to this one.
        index: Its number, in the order of first use.
        children: Nodes inside it, by name.
    """

    __slots__ = ("children", "index", "part", "path")

    def __init__(self, part: Part | None, path: tuple[str, ...], index: int) -> None:
        self.part = part
        self.path = path
        self.index = index
        self.children: dict[str, Node] = {}


class Tracer:
    """Records how long each part of a model takes in a call.

    Args:
        model: The model; its own methods are not replaced.

    Attributes:
        nodes: The parts that were used so far; the first is the call itself.
        spans: Durations recorded since the list was replaced; see `decode`.
        parallel: Whether parts were used in several threads.
        failed: Path of the innermost part that raised an exception; None if none did.
        untimed: Parts whose methods cannot be replaced.
        has_parts: Whether the model contains other models.
    """

    def __init__(self, model: Any) -> None:
        self.nodes = [Node(None, (), 0)]
        self.spans: list[int] = []
        self.parallel = False
        self.failed: tuple[str, ...] | None = None
        self.untimed: list[Part] = []
        self.main = [self.nodes[0]]
        self.stacks = {get_ident(): self.main}
        self._parts = find_parts(model)
        self.has_parts = bool(self._parts)
        self._restore: list[Callable[[], None]] = []

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Time the parts in this context."""
        try:
            for part in self._parts:
                self._install(part)
            yield
        finally:
            for restore in reversed(self._restore):
                restore()
            self._restore.clear()
            del self.main[1:]

    def _install(self, part: Part) -> None:
        methods = {name: safe_attribute(part.model, name) for name in TIMED_METHODS}
        timed = {name: TimedMethod(self, part, name, method) for name, method in methods.items() if callable(method)}
        try:
            for name, method in timed.items():
                self._replace(part.model, name, method)
        except (AttributeError, TypeError):  # it has slots, or is implemented in C
            if not self._derive(part.model, timed) and part not in self.untimed:
                self.untimed.append(part)

    def _replace(self, model: Any, name: str, method: TimedMethod) -> None:
        before = getattr(model, "__dict__", {}).get(name, _MISSING)
        object.__setattr__(model, name, method)

        def restore() -> None:
            if before is _MISSING:
                object.__delattr__(model, name)
            else:
                object.__setattr__(model, name, before)

        self._restore.append(restore)

    def _derive(self, model: Any, timed: dict[str, TimedMethod]) -> bool:
        """Give a model without a dictionary a subclass with the methods; return whether that is possible."""
        kind = type(model)
        names = {"__slots__": (), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
        try:
            model.__class__ = type(kind.__name__, (kind,), names | timed)
        except TypeError:
            return False
        self._restore.append(lambda: setattr(model, "__class__", kind))
        return True

    def stack(self) -> list[Node]:
        """Return the nodes of the calls that run in this thread, the innermost last."""
        stack = self.stacks.get(get_ident())
        if stack is None:
            stack = self.stacks[get_ident()] = [self.main[-1]]
        if stack is not self.main:
            self.parallel = True
            if len(stack) == 1:  # a thread of a pool, which works for the innermost call of the main thread
                stack[0] = self.main[-1]
        return stack

    def add(self, parent: Node, part: Part) -> Node:
        """Return the new node of a part that was used inside another one."""
        if len(self.nodes) >= _MAX_NODES:
            return parent
        node = parent.children[part.name] = Node(part, (*parent.path, part.name), len(self.nodes))
        self.nodes.append(node)
        return node


class TimedMethod:
    """A method of a part that records its duration; it is pickled as the method itself."""

    __slots__ = ("method", "name", "part", "tracer")

    def __init__(self, tracer: Tracer, part: Part, name: str, method: Callable[..., Any]) -> None:
        self.tracer = tracer
        self.part = part
        self.name = name
        self.method = method

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the method; a part that calls its own method is timed once."""
        tracer, part = self.tracer, self.part
        stack = tracer.stack()
        parent = stack[-1]
        if parent.part is part:
            return self.method(*args, **kwargs)
        node = parent.children.get(part.name) or tracer.add(parent, part)
        stack.append(node)
        started = perf_counter_ns()
        try:
            return self.method(*args, **kwargs)
        except BaseException:
            tracer.failed = tracer.failed or node.path
            raise
        finally:
            elapsed = perf_counter_ns() - started
            stack.pop()
            # One integer, which the garbage collector does not track, and which threads append at once.
            tracer.spans.append(elapsed << _INDEX_BITS | node.index)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the method, such as `__name__`, which scikit-learn reads."""
        return getattr(self.method, name)

    def __reduce__(self) -> tuple[Any, ...]:
        owner = self.part.model
        if hasattr(type(owner), self.name):
            return _plain_method, (owner, self.name)
        return _as_it_is, (self.method,)


def decode(span: int) -> tuple[int, int]:
    """Return the index of the node, and the nanoseconds, of a recorded duration."""
    return span & (_MAX_NODES - 1), span >> _INDEX_BITS


def _plain_method(owner: Any, name: str) -> Any:
    """Return a method of a class, bound to an object whose attributes may not be set yet."""
    return MethodType(getattr(type(owner), name), owner)


def _as_it_is(method: Any) -> Any:
    return method
