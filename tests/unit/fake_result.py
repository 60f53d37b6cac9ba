"""A result made by hand with every kind of candidate in it, and one whose names and errors attack a format."""

from __future__ import annotations

import numpy as np

from latency_tui.engine.protocol import Environment
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan
from latency_tui.result.noise import Finding, Noise
from latency_tui.result.result import CandidateResult, Result, Statistics
from latency_tui.stats.comparison import Comparison, Verdict
from latency_tui.stats.percentiles import Percentile

EVIL_NAME = "=cmd|' /C calc'!A0, \"quoted\" | \x1b[31mred\x1b[0m\n<b>bold</b>"
EVIL_ERROR = "ValueError: a | b\n\x1b]0;title\x07 `code` \x9b2J*stars*, “quotes”"


def make_statistics(median: float, *, calls: int = 100) -> Statistics:
    """Statistics around a median, in seconds; a p99 that is only a lower bound where there are few calls."""

    def percentile(factor: float, needed: int) -> Percentile:
        if calls >= needed:
            return Percentile(value=median * factor, low=median * factor * 0.99, high=median * factor * 1.02)
        return Percentile(value=median * factor, low=median * factor * 0.9, high=None, calls_needed=needed)

    return Statistics(
        mean=median * 1.03,
        std=median * 0.2,
        min=median * 0.9,
        max=median * 3,
        p50=percentile(1.0, 6),
        p90=percentile(1.2, 64),
        p95=percentile(1.3, 130),
        p97=percentile(1.4, 219),
        p99=percentile(1.6, 662),
        p99_9=percentile(2.5, 6636),
    )


def make_candidate(spec: ModelSpec, median: float) -> CandidateResult:
    samples = np.full(100, median)
    return CandidateResult(
        name=spec.name,
        slug=Candidate(model=spec).slug,
        colour=spec.colour,
        status="measured",
        training_seconds=0.0123,
        score=0.876,
        cold_start_seconds=median * 20,
        calls=100,
        samples=samples,
        rounds=tuple(range(0, 100, 10)),
        launches=(0,),
        statistics=make_statistics(median),
        throughput=1 / median,
    )


def make_result() -> Result:
    """Three measured (62.1 µs, 71.3 µs and 4.54 ms), one that failed, one that was not reached."""
    logistic, forest, linear, rbf, small, _ = BUILTIN_MODELS
    candidates = (
        make_candidate(forest, 4.54e-3),
        make_candidate(logistic, 62.1e-6),
        make_candidate(linear, 71.3e-6),
        CandidateResult(
            name=rbf.name, slug="rbf-svm", colour=rbf.colour, status="failed", error="ValueError: no such kernel"
        ),
        CandidateResult(name=small.name, slug="small-neural-network", colour=small.colour, status="cancelled"),
    )

    def compare(slug: str, ratio: float, verdict: Verdict) -> Comparison:
        return Comparison(
            baseline="logistic-regression",
            candidate=slug,
            ratio=ratio,
            low=ratio * 0.98,
            high=ratio * 1.02,
            verdict=verdict,
            rounds=10,
        )

    return Result(
        plan=Plan(candidates=tuple(Candidate(model=spec) for spec in BUILTIN_MODELS[:5])),
        environment=Environment(
            host="box",
            os="Linux 6.1",
            cpu="A CPU",
            cores=2,
            python="3.11.7",
            versions={"scikit-learn": "1.9.0"},
            threads=1,
            pinned=(1,),
        ),
        candidates=candidates,
        comparisons=(compare("linear-svm", 1.148, "slower"), compare("random-forest", 73.1, "slower")),
        noise=Noise(
            level="disturbed",
            findings=(
                Finding(
                    cause="lost time", sentence="Other work took 8 % of the time; measure again.", severity="medium"
                ),
            ),
        ),
        answer="Logistic Regression is fastest: p50 62.1 µs, 1.15× faster than Linear SVM (95 % CI 1.13–1.17).",
    )


def make_evil_result() -> Result:
    """One measured model whose name, and one failed model whose error, try to break out of every format."""
    spec = ModelSpec(name=EVIL_NAME, factory="a:b")
    other = ModelSpec(name="@SUM(1+1)", factory="a:b")
    return Result(
        plan=Plan(candidates=(Candidate(model=spec), Candidate(model=other))),
        candidates=(
            make_candidate(spec, 1e-3),
            CandidateResult(name=other.name, slug="sum-1-1", status="failed", error=EVIL_ERROR),
        ),
        answer=f"{EVIL_NAME} is fastest.",
    )
