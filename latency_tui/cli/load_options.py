"""The options of a load test, and the value that they describe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from latency_tui.catalog.arrivals import read_gaps
from latency_tui.errors import UsageError
from latency_tui.plan import LoadTest
from latency_tui.plan.load import DEFAULT_DURATION, OFFLINE_DURATION, SCENARIOS, WORKER_KINDS

LOAD_OPTIONS: tuple[Callable[[Any], Any], ...] = (  # Any: any command
    click.option(
        "--rate",
        "rates",
        metavar="RATES",
        help="Also measure under load: requests per second, such as 200 or 50,100,200.",
    ),
    click.option(
        "--find-rate",
        is_flag=True,
        help="Search the highest request rate at which the limits on the response time hold.",
    ),
    click.option(
        "--scenario",
        type=click.Choice(SCENARIOS, case_sensitive=False),
        help="Scenario of MLPerf beside single-stream: server is --rate or --find-rate, offline is the throughput at "
        "the best batch size.",
    ),
    click.option("--workers", type=int, metavar="N", help="Workers per model under load.  [default: 1]"),
    click.option(
        "--worker-kind",
        type=click.Choice(WORKER_KINDS),
        help="Whether workers are processes, or threads of one process.  [default: process]",
    ),
    click.option(
        "--arrivals",
        metavar="poisson|constant|FILE",
        help="Gaps between requests: exponential, equal, or recorded ones in seconds, one per line of FILE.  "
        "[default: poisson]",
    ),
    click.option(
        "--duration",
        type=float,
        metavar="SECONDS",
        help=f"Seconds of load per model and rate.  [default: {DEFAULT_DURATION:g}, offline {OFFLINE_DURATION:g}]",
    ),
)
_DEPENDENT = {
    "workers": "--workers",
    "worker_kind": "--worker-kind",
    "arrivals": "--arrivals",
    "duration": "--duration",
}


def make_load_test(values: Mapping[str, Any]) -> LoadTest | None:
    """Return the load test that the options describe; None if they describe none.

    Raises:
        UsageError: An option is invalid, or has no effect without a load test.
    """
    rates = parse_rates(values["rates"]) if values["rates"] is not None else ()
    scenario = values["scenario"]
    given = {name: values[name] for name in _DEPENDENT if values[name] is not None}
    gaps: tuple[float, ...] = ()
    arrivals = given.pop("arrivals", "poisson")
    if arrivals not in ("poisson", "constant"):
        gaps = read_gaps(Path(arrivals))
        given["gaps_file"] = arrivals
        if not rates and not values["find_rate"] and scenario in (None, "server"):
            rates = (len(gaps) / sum(gaps),)
    asked = bool(rates) or values["find_rate"]
    if asked and scenario not in (None, "server"):
        raise UsageError(f"--rate and --find-rate are the scenario server; omit --scenario {scenario}.")
    if scenario == "server" and not asked:
        raise UsageError("The scenario server needs a request rate; add --rate 200, or --find-rate with a limit.")
    if not asked and scenario != "offline":
        if given or values["arrivals"] is not None:
            option = next(_DEPENDENT[name] for name in _DEPENDENT if values[name] is not None)
            raise UsageError(f"{option} is for a load test; add --rate, --find-rate or --scenario offline.")
        return None
    if rates and values["find_rate"]:
        raise UsageError("--rate and --find-rate exclude each other; give one of them.")
    return LoadTest(
        rates=rates,
        find_rate=values["find_rate"],
        offline=scenario == "offline",
        duration=given.pop("duration", OFFLINE_DURATION if scenario == "offline" else DEFAULT_DURATION),
        arrivals="recorded" if gaps else arrivals,
        gaps=gaps,
        **given,
    )


def parse_rates(text: str | float) -> tuple[float, ...]:
    """Parse request rates such as `200` or `50,100,200`, in requests per second; `/s` may follow a number.

    Raises:
        UsageError: It is no list of numbers.
    """
    try:
        return tuple(float(part.strip().removesuffix("/s")) for part in str(text).split(","))
    except ValueError:
        raise UsageError(f"Request rates are numbers per second such as 200 or 50,100,200, not {text!r}.") from None


def format_load_arguments(values: Mapping[str, Any]) -> list[str]:
    """Return the options of a load test as command-line arguments."""
    given = [("--rate", values["rates"]), *((option, values[name]) for name, option in _DEPENDENT.items())]
    found = [f"{option}={value}" for option, value in given if value is not None]
    found += [f"--scenario={values['scenario']}"] if values["scenario"] else []
    return found + (["--find-rate"] if values["find_rate"] else [])
