"""Sentences that describe what disturbed a measurement, and what to do about it."""

from __future__ import annotations

from latency_tui.result.noise import Finding
from latency_tui.stats.noise import NoiseFigures, severities


def describe_findings(figures: NoiseFigures) -> tuple[Finding, ...]:
    """Describe what disturbed a measurement, the most severe disturbance first."""
    found = []
    for name, severity in severities(figures).items():
        cause, sentence = _describe(name, figures)
        found.append(Finding(cause=cause, sentence=sentence, severity=severity))
    return tuple(found)


def _describe(name: str, figures: NoiseFigures) -> tuple[str, str]:
    """Return the cause of a disturbance in one or two words, and a sentence with a remedy."""
    match name:
        case "refused":
            blocks = "1 block was" if figures.refused == 1 else f"{figures.refused:,} blocks were"
            return "clock", (
                f"{blocks} left out because a latency was zero or negative: the clock was set back or is too coarse; "
                "measure larger batches, or check the clock source of the machine."
            )
        case "lost_cores":
            *most, last = map(str, figures.lost_cores)
            cores = f"Cores {', '.join(most)} and {last} were" if most else f"Core {last} was"
            return "lost cores", (
                f"{cores} taken away from the models during the measurement (by a container limit, another program or "
                "a model), so they ran on other cores; measure again while the available cores stay the same."
            )
        case "lost_time":
            return "lost time", (
                f"Other processes ran in {_percent(figures.lost_time)} of the measuring time; close other programs, "
                "or pin to an idle core (--cpu)."
            )
        case "steal":
            return "steal", (
                f"The host gave {_percent(figures.steal)} of the time of the measured cores to other virtual machines; "
                "measure at another time, or on a machine with dedicated cores."
            )
        case "control":
            return "control", (
                f"The control differs from its original by {_percent(figures.control)}, so differences of that size "
                "may be noise; measure longer, or in more launches."
            )
        case "control_failed":
            reason = (figures.control_failed or "").rstrip(".")
            return "control", (
                f"The control failed, so the noise floor of this machine is unknown; measure again: {reason}."
            )
        case "disturbed_share":
            return "interruptions", (
                f"{_percent(figures.disturbed_share)} of the calls are in blocks that the scheduler interrupted, which "
                "affects p99 most; close other programs, or choose another core (--cpu)."
            )
        case "drift":
            return "drift", (
                f"The slowest tenth of the measurement was {_percent(figures.drift)} slower than the fastest; ratios "
                "are stable, but measure longer before you rely on an absolute latency."
            )
        case "load":
            return "load", (
                f"The load average before the measurement was {figures.load:.1f} per core; close other programs, or "
                "wait until they are done."
            )
        case "unsteady":
            names = figures.unsteady
            models = " and ".join(names) if len(names) < 3 else f"{len(names)} models"
            return "warm-up", (
                f"{models} did not reach a steady latency during warm-up; measure again, or measure longer."
            )
        case "collected":
            model, share = figures.collected or ("", 0.0)
            return "collector", (
                f"Garbage collection paused {_percent(share)} of the calls of {model}, which raises p99, as it would "
                "in production; call gc.freeze() after loading the model to shorten the pauses."
            )
        case "autocorrelation":
            return "slow waves", (
                f"Consecutive calls are correlated (autocorrelation {figures.autocorrelation:.2f}), so they carry "
                "little information; more rounds help, more calls per round do not."
            )
        case "floor_share":
            return "timer", (
                f"Reading the clock takes {_percent(figures.floor_share)} of the fastest latency; measure larger "
                "batches."
            )
        case "step_share":
            return "clock", (
                f"The resolution of the clock is {_percent(figures.step_share)} of the fastest latency, and the "
                "intervals include it; measure larger batches."
            )
        case "governor":
            return "governor", (
                f"The processor frequency follows the load (governor {figures.governor}); the performance governor "
                "is steadier."
            )
        case _:
            return "not pinned", "Models may move between cores; use --cpu to pin them to one core."


def _percent(share: float | None) -> str:
    share = share or 0.0
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"
