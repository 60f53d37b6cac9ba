"""`check --self-test`: tests that a gate detects an injected slowdown on this machine and passes an identical model."""

from __future__ import annotations

import msgspec

from latency_tui.cli.check_run import FAILED, Check
from latency_tui.errors import UsageError
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.limits import Limit
from latency_tui.result.gate import Gate
from latency_tui.result.self_test import SelfTest, SelfTestLine

COPY, SLOWED, BROKEN = "identical copy", "slowed by the limit's size", "slowed beyond the limit"


def plan_self_test(plan: Plan, limit: Limit) -> Plan:
    """Return the plan of a self-test of a relative limit.

    Four candidates are measured in turns: the baseline, an identical copy, a copy with a slowdown of the limit's size,
    and a copy with twice that slowdown. The interval of the third candidate usually contains the limit, so that copy
    must only be shown to differ from the baseline. The last copy must break the limit.

    Args:
        plan: The plan of the gate.
        limit: The limit.

    Raises:
        UsageError: The limit is not an upper bound on the ratio of two p50 above 1.
    """
    if not limit.relative or limit.metric != "p50" or limit.bound <= 1 + plan.equivalence:
        raise UsageError(
            "A self-test plants a slowdown of the limit's size: add a limit above 1 on the ratio of two p50, such as "
            "--limit 'p50 < 1.05x'."
        )
    first = next((one for one in plan.candidates if one.slug == plan.baseline), plan.candidates[0])
    size = limit.bound - 1
    slowdowns = {COPY: 0.0, SLOWED: size, BROKEN: limit.bound**2 - 1}
    baseline = _slowed(first, first.model.name, 0.0)
    copies = {name: _slowed(first, f"{first.model.name} ({name})", share) for name, share in slowdowns.items()}
    seen = msgspec.structs.replace(limit, bound=1 + plan.equivalence, text=f"p50 < {1 + plan.equivalence:g}x")
    limits = {COPY: limit, SLOWED: seen, BROKEN: limit}
    return msgspec.structs.replace(
        plan,
        candidates=(baseline, *copies.values()),
        baseline=baseline.slug,
        control=False,
        cold_start=False,
        limits=tuple(msgspec.structs.replace(limits[name], candidate=one.slug) for name, one in copies.items()),
    )


def _slowed(candidate: Candidate, name: str, share: float) -> Candidate:
    model = msgspec.structs.replace(candidate.model, name=name)
    return msgspec.structs.replace(candidate, model=model, settings={**candidate.settings, "slowdown": round(share, 6)})


def run_self_test(check: Check, limit: Limit) -> SelfTest:
    """Run the self-test of a gate with one of its relative limits."""
    plan = plan_self_test(check.plan, limit)
    assert plan.baseline is not None
    gate = Check(plan=plan, baselines=(plan.baseline,), modules=check.modules).run()
    test = judge_self_test(gate, limit)
    return msgspec.structs.replace(
        test, model=plan.candidates[0].model.name, other_models=len(check.plan.candidates) - 1
    )


def judge_self_test(gate: Gate, limit: Limit) -> SelfTest:
    """Return the outcome of a self-test: the copy must pass, and both slowed copies must fail twice."""
    by_name = {name: line for line in gate.lines for name in (COPY, SLOWED, BROKEN) if f"({name})" in line.name}
    size = limit.bound - 1
    shares = {COPY: 0.0, SLOWED: size, BROKEN: limit.bound**2 - 1}
    lines = tuple(
        SelfTestLine(
            name=name,
            slowdown=shares[name],
            line=line,
            succeeds=line.verdict == ("PASS" if name == COPY else "FAIL"),
        )
        for name, line in by_name.items()
    )
    succeeds = len(lines) == len(shares) and all(one.succeeds for one in lines)
    code = gate.exit_code if gate.exit_code not in (0, FAILED) else 0 if succeeds else FAILED
    return SelfTest(
        verdict="PASS" if succeeds else "FAIL",
        exit_code=code,
        limit=limit.text,
        lines=lines,
        environment=gate.environment,
        seconds=gate.seconds,
    )
