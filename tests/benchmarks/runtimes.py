"""scikit-learn against ONNX Runtime: every built-in model at batch 1 and 1,000, with the parity of their answers.

Each pair is measured side by side in interleaved rounds, native model and converted one; the ratio above 1 says how
many times faster ONNX Runtime answers. With --catalogue, the other classifiers too.
"""

from __future__ import annotations

import asyncio

from latency_tui.analysis.recorder import Recorder
from latency_tui.catalog.named_models import MORE_MODELS
from latency_tui.catalog.runtimes import expand_runtimes
from latency_tui.engine.client import Engine
from latency_tui.engine.launches import measure
from latency_tui.errors import LatencyTuiError
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan, SyntheticDataset, Workload
from latency_tui.result.result import Result
from tests.benchmarks.harness import Report, Row, duration, options, progress

BATCHES = (1, 1000)


async def pair(engine: Engine, spec: ModelSpec, batch_size: int, seconds: float, job: str) -> Result:
    """Measure one model under both runtimes."""
    plan = Plan(
        candidates=expand_runtimes([Candidate(model=spec)], ["sklearn", "onnx"]),
        workload=Workload(dataset=SyntheticDataset(samples=4000), batch_size=batch_size),
        runs=None,
        seconds=seconds,
    )
    recording = Recorder(plan)
    async for event in measure(plan, engine=engine, job=job):
        recording.add(event)
    return recording.result()


def row_of(spec: ModelSpec, batch_size: int, result: Result) -> Row:
    """The line of one pair."""
    native, other = result.candidates
    figure = f"{spec.name}, {batch_size:,} row{'s' if batch_size > 1 else ''}"
    if native.statistics is None or other.statistics is None:
        return Row(figure, "failed", "", other.error or native.error or "")
    before, after = native.statistics.p50.value or 0.0, other.statistics.p50.value or 0.0
    parity = next((note.partition(": ")[2] for note in other.notes if "agrees" in note), "")
    shown = f"{duration(before)} → {duration(after)}"
    ratio = low = high = None
    for comparison in result.comparisons:
        if comparison.ratio and comparison.low and comparison.high:
            flip = comparison.candidate == native.slug
            ratio = comparison.ratio if flip else 1 / comparison.ratio
            low, high = (comparison.low, comparison.high) if flip else (1 / comparison.high, 1 / comparison.low)
            shown += f", {ratio:.3g}× ({low:.3g}–{high:.3g})"
    return Row(figure, shown, "", parity, ratio, low, high)


async def run(report: Report, specs: tuple[ModelSpec, ...], seconds: float) -> None:
    """Measure every pair, keeping the engine and so the trained models from batch to batch."""
    for spec in specs:
        parity = ""
        async with Engine() as engine:
            for batch_size in BATCHES:
                if report.options.out_of_time:
                    return
                progress(f"runtimes: {spec.name}, batch {batch_size:,}")
                try:
                    result = await pair(engine, spec, batch_size, seconds, f"{spec.name} {batch_size}")
                except LatencyTuiError as error:
                    report.rows.append(Row(f"{spec.name}, {batch_size:,}", "failed", "", str(error)))
                    continue
                row = row_of(spec, batch_size, result)
                row.note = parity = row.note or parity  # told once, when it is converted
                report.rows.append(row)
                report.save()


def main() -> None:
    """Measure and print."""
    chosen, more = options(__doc__ or "", trials=1, minutes=10, seconds=1.0, catalogue=False)
    report = Report("scikit-learn → ONNX Runtime, p50 a call", chosen)
    others = tuple(model for model in MORE_MODELS if model.task == "classification") if more.catalogue else ()
    asyncio.run(run(report, (*BUILTIN_MODELS, *others), more.seconds))
    report.notes.append(f"{more.seconds:g} s of timed calls a model and runtime; parity over the whole test set.")
    report.notes.append("Ratio: how many times faster ONNX Runtime answers, with its 95 % interval in this launch.")
    report.print()


if __name__ == "__main__":
    main()
