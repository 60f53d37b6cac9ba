"""Sweeps: one setting takes several values, and each model is measured with each of them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise, product

import msgspec

from latency_tui.errors import UsageError
from latency_tui.plan.candidates import Candidate
from latency_tui.plan.settings import Setting, format_settings, parse_value, validate

MAX_CELLS = 128
"""Most cells of a plan: each needs processes of its own and a block in every round."""

_NAME = re.compile(r"^\s*(?P<name>[^=]*?)\s*=(?P<values>.*)$", re.DOTALL)


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """A setting and the values that it takes, in ascending order if they are numbers.

    Attributes:
        parameter: Name of the setting: `batch`, `threads`, `features`, or a parameter of the models.
        values: Its values, at least two.
    """

    parameter: str
    values: tuple[Setting, ...]

    def __post_init__(self) -> None:
        if not self.parameter.isidentifier():
            raise UsageError(f"A sweep is written setting=values, such as batch=1,2,4..256, not {self.parameter!r}.")
        if self.parameter == "python":
            raise UsageError("A sweep cannot change the interpreter; give each model its own: -m 'NAME[python=PATH]'.")
        for value in self.values:
            validate(self.parameter, value)
        if len({(type(value), value) for value in self.values}) < 2:
            raise UsageError(f"A sweep needs at least two values of {self.parameter}, such as 1,2,4..256.")
        written = [_written(value) for value in self.values]
        if twice := next((value for value in written if written.count(value) > 1), None):
            raise UsageError(f"The sweep of {self.parameter} has the value {twice} twice.")

    def __str__(self) -> str:
        """Return the sweep as it is typed."""
        return f"{self.parameter}={','.join(map(_written, self.values))}"

    @property
    def is_numeric(self) -> bool:
        """Whether all values are positive numbers, so that they have a place on a logarithmic axis."""
        return all(is_number(value) and float(value) > 0 for value in self.values)


def is_number(value: Setting) -> bool:
    """Return whether a value is a number; `true` is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def parse_sweep(text: str) -> Sweep:
    """Parse `batch=1,2,4..256`.

    A list has commas. `4..256` doubles; after one number, `10,20..100` continues the step; after two, `1,2,4..256`
    continues the ratio or the step that they have in common. The last number of a range is always included.

    Raises:
        UsageError: The text is not a sweep; the message is one sentence.
    """
    match = _NAME.match(text)
    if match is None or not match["name"]:
        raise UsageError(f"A sweep is written setting=values, such as batch=1,2,4..256, not {text.strip()!r}.")
    name = match["name"]
    values: list[Setting] = []
    for part in (part.strip() for part in match["values"].split(",")):
        if not part:
            raise UsageError(f"The sweep of {name} has an empty value in {match['values'].strip()!r}.")
        if ".." in part:
            values += _range(name, part, values)
        else:
            values.append(parse_value(part))
        if len(values) > MAX_CELLS:
            raise UsageError(_too_many(name))
    return make_sweep(name, values)


def make_sweep(parameter: str, values: Iterable[Setting]) -> Sweep:
    """Return a sweep with its values in ascending order if they are numbers.

    Raises:
        UsageError: The name or a value is invalid.
    """
    given = tuple(values)
    if all(is_number(value) for value in given):
        given = tuple(sorted(given, key=float))
    return Sweep(parameter=parameter, values=given)


def _range(name: str, part: str, before: Sequence[Setting]) -> list[Setting]:
    start_text, _, end_text = part.partition("..")
    start, end = parse_value(start_text.strip()), parse_value(end_text.strip())
    if not (is_number(start) and is_number(end) and math.isfinite(float(start)) and math.isfinite(float(end))):
        raise UsageError(f"A range needs a number on both sides of the dots, such as 4..256, not {part!r}.")
    if not float(start) < float(end):
        raise UsageError(f"A range must rise, such as 4..256; {part!r} does not.")
    earlier = [*before[-2:], start]
    if not all(is_number(value) for value in earlier):
        raise UsageError(f"The range {part!r} cannot follow {_written(before[-1])!r}, which is not a number.")
    numbers = [float(value) for value in earlier]
    step, ratio = _progression(name, numbers)
    whole = all(isinstance(value, int) for value in (*earlier, end))
    found, value = list[Setting](), float(start)
    while value < float(end) * (1 - 1e-9):
        found.append(_rounded(value, whole=whole))
        if len(found) > MAX_CELLS:
            raise UsageError(_too_many(name))
        value = value + step if step else value * ratio
    found.append(end if whole else float(end))
    return list(dict.fromkeys(found))


def _progression(name: str, numbers: Sequence[float]) -> tuple[float, float]:
    """Return the step and the ratio with which a range continues; one of them is 0."""
    if any(second <= first for first, second in pairwise(numbers)):
        raise UsageError(f"The values before a range must rise; {_listed(numbers)} of {name} do not.")
    if len(numbers) == 2:
        return numbers[1] - numbers[0], 0.0
    if len(numbers) == 1:
        if numbers[0] <= 0:
            raise UsageError(f"A range that doubles needs a positive number, not {numbers[0]:g}.")
        return 0.0, 2.0
    first, second, third = numbers
    if math.isclose(third - second, second - first, rel_tol=1e-9):
        return third - second, 0.0
    if first > 0 and math.isclose(third / second, second / first, rel_tol=1e-9):
        return 0.0, third / second
    raise UsageError(f"{_listed(numbers)} have no common step and no common ratio, so no range can continue them.")


def _rounded(value: float, *, whole: bool) -> Setting:
    return round(value) if whole else float(f"{value:.12g}")


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _too_many(name: str) -> str:
    return (
        f"A plan has at most {MAX_CELLS} cells (models × values), and the sweep of {name} alone has more; use fewer "
        "values: 1,2,4..256 doubles."
    )


def _written(value: Setting) -> str:
    return format_settings({"": value}).removeprefix("=")


def expand(candidates: Sequence[Candidate], sweeps: Sequence[Sweep]) -> tuple[Candidate, ...]:
    """Return the cells of sweeps: each candidate with each combination of values.

    Raises:
        UsageError: A setting is swept twice or set already, or there are too many cells.
    """
    names = [sweep.parameter for sweep in sweeps]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"{twice} is swept twice; list all its values once: --sweep {twice}=1,2,4.")
    for candidate in candidates:
        if both := next((name for name in names if name in candidate.settings), None):
            raise UsageError(f"{candidate.slug} sets {both}, which the sweep sets as well; remove one of the two.")
    count = len(candidates) * math.prod(len(sweep.values) for sweep in sweeps)
    if count > MAX_CELLS:
        factors = " × ".join(
            [f"{len(candidates):,} models", *(f"{len(sweep.values):,} values of {sweep.parameter}" for sweep in sweeps)]
        )
        raise UsageError(
            f"{factors} are {count:,} cells, and a plan has at most {MAX_CELLS}; use fewer models or values."
        )
    return tuple(
        msgspec.structs.replace(
            candidate, settings={**candidate.settings, **dict(zip(names, combination, strict=True))}
        )
        for candidate in candidates
        for combination in product(*(sweep.values for sweep in sweeps))
    )


def without(candidate: Candidate, parameters: Iterable[str]) -> Candidate:
    """Return a candidate without some of its settings: the curve or the model that a cell belongs to."""
    left_out = {*parameters}
    settings = {key: value for key, value in candidate.settings.items() if key not in left_out}
    return msgspec.structs.replace(candidate, settings=settings)
