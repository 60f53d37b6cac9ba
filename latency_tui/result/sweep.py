"""Results of sweeps: the curve of each model over the values of a setting. Times are in seconds."""

from __future__ import annotations

import msgspec

from latency_tui.plan.settings import Setting


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A value and its 95 % confidence interval; an end is None if it is unknown."""

    value: float
    low: float | None = None
    high: float | None = None


class SweepCell(msgspec.Struct, frozen=True, kw_only=True):
    """One measured value of the setting.

    Attributes:
        value: The value.
        candidate: Slug of the candidate with this value.
        p50: Median latency of a call.
    """

    value: Setting
    candidate: str
    p50: Estimate


class LineFit(msgspec.Struct, frozen=True, kw_only=True):
    """A straight line through the cells of a curve.

    Attributes:
        fixed_seconds: Fixed part of a call.
        per_row_seconds: Additional time per row for a sweep of `batch`, otherwise per unit of the setting.
        fixed_low: Lower end of the interval of the fixed part.
        fixed_high: Upper end of it.
        per_row_low: Lower end of the interval of the additional time.
        per_row_high: Upper end of it.
        is_straight: Whether no cell is shown to be more than 10 % off the line.
        misfit_value: Value of the setting at which the line is off most; None if it is straight.
        misfit: How far that cell is off, as a share of the line; 0 if it is straight.
        largest_to_predicted: The largest cell divided by what the line through the others predicts; None if there are
            too few cells.
    """

    fixed_seconds: float
    per_row_seconds: float
    fixed_low: float | None = None
    fixed_high: float | None = None
    per_row_low: float | None = None
    per_row_high: float | None = None
    is_straight: bool = True
    misfit_value: Setting | None = None
    misfit: float = 0.0
    largest_to_predicted: Estimate | None = None


class Knee(msgspec.Struct, frozen=True, kw_only=True):
    """The number of rows beyond which a row gets cheaper by less than 5 %.

    Attributes:
        value: The number of rows; None if it is not within the measured values.
        low: Lower end of its interval.
        high: Upper end of its interval; None if it may be beyond the measured values.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


class Crossing(msgspec.Struct, frozen=True, kw_only=True):
    """Where the curve becomes faster than another one.

    Attributes:
        overtakes: The other curve: slug of its candidate without the swept setting.
        value: The estimate on the axis of the setting.
        low: Lower end of its interval.
        high: Upper end of its interval.
    """

    overtakes: str
    value: float
    low: float
    high: float


class BestValue(msgspec.Struct, frozen=True, kw_only=True):
    """The fastest value of a setting such as `threads`.

    Attributes:
        value: The value with the smallest p50.
        reference: The first value, with which it is compared.
        speed_up: Latency with the first value divided by that with the best one; None if it is the first.
    """

    value: Setting
    reference: Setting
    speed_up: Estimate | None = None


class SweepCurve(msgspec.Struct, frozen=True, kw_only=True):
    """The curve of one model over the values of one setting.

    Attributes:
        parameter: The swept setting.
        candidate: Slug of the candidate without that setting.
        name: Display name of it.
        colour: Its colour, `#rrggbb`.
        cells: The measured cells in the order of the values.
        fit: A straight line through them; None if the setting is not a size, or if there are too few cells.
        knee: The knee of the price per row, for a sweep of `batch`; None if there are too few cells.
        best: The fastest value, for settings that are not sizes.
        crossings: Where this curve becomes faster than others.
        leads_at: Values at which this curve is shown to be the fastest of all.
    """

    parameter: str
    candidate: str
    name: str
    colour: str = ""
    cells: tuple[SweepCell, ...] = ()
    fit: LineFit | None = None
    knee: Knee | None = None
    best: BestValue | None = None
    crossings: tuple[Crossing, ...] = ()
    leads_at: tuple[Setting, ...] = ()
