"""`check --self-test`: tests that a gate detects injected slowdowns on this machine and passes identical models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from latency_tui.cli.check_run import FAILED, Check
from latency_tui.cli.headless import TIMED_OUT
from latency_tui.cli.output import print_status
from latency_tui.errors import ModelError, UsageError
from latency_tui.plan import Candidate, Plan
from latency_tui.plan.limits import Limit
from latency_tui.result.gate import Gate
from latency_tui.result.self_test import ModelSelfTest, SelfTest, SelfTestLine
from latency_tui.text.sanitize import clean

COPY, SLOWED, BROKEN = "identical copy", "slowed by the limit's size", "slowed beyond the limit"


def tested_limits(plan: Plan, limits: Iterable[Limit], baseline: str | None) -> dict[str, Limit]:
    """Return the limit that a self-test uses for each model of a check, by slug.

    These are the models that a limit on the ratio of two p50 applies to, each with the first such limit.

    Args:
        plan: The plan of the check.
        limits: Its limits.
        baseline: Slug of the baseline, to which no relative limit applies; None if it is not part of the plan.

    Raises:
        UsageError: No limit is an upper bound on the ratio of two p50 above 1, or it is on no tested model.
    """
    usable = [one for one in limits if one.relative and one.metric == "p50" and one.bound > 1 + plan.equivalence]
    if not usable:
        raise UsageError(
            "A self-test plants a slowdown of the limit's size: add a limit above 1 on the ratio of two p50, such as "
            "--limit 'p50 < 1.05x'."
        )
    slugs = [one.slug for one in plan.candidates]
    for one in usable:
        if one.candidate not in (None, *slugs):
            raise UsageError(
                f"The limit '{one}' is for '{one.candidate}', which is not among the candidates: {', '.join(slugs)}."
            )
    slugs = [slug for slug in slugs if slug != baseline] or slugs
    found = {slug: [one for one in usable if one.candidate in (None, slug)] for slug in slugs}
    if not any(found.values()):
        raise UsageError(f"The limit '{usable[0]}' is on the baseline; name a limit of another model.")
    return {slug: several[0] for slug, several in found.items() if several}


def plan_self_test(plan: Plan, slug: str, limit: Limit) -> Plan:
    """Return the plan of a self-test of a relative limit on one model.

    Four candidates are measured in turns: the model, an identical copy, a copy with a slowdown of the limit's size,
    and a copy with twice that slowdown. The interval of the third candidate usually contains the limit, so that copy
    must only be shown to differ from the model. The last copy must break the limit.

    Args:
        plan: The plan of the gate.
        slug: The model.
        limit: The limit.
    """
    first = next(one for one in plan.candidates if one.slug == slug)
    slowdowns = {COPY: 0.0, SLOWED: limit.bound - 1, BROKEN: limit.bound**2 - 1}
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


def run_self_test(check: Check, limits: Mapping[str, Limit]) -> SelfTest:
    """Run the self-test of a gate, one model after the other, within the time limit of the gate.

    Each model may use an equal part of the time that is left, so time that one does not need benefits the others.

    Args:
        check: The gate.
        limits: The limit of each model, by slug.
    """
    names = {one.slug: one.name for one in check.plan.candidates}
    left, tests, code = check.plan.max_seconds, list[ModelSelfTest](), 0
    environment = None
    for number, (slug, limit) in enumerate(limits.items()):
        if len(limits) > 1:
            print_status(clean(f"Testing {names[slug]} ({number + 1} of {len(limits)})."))
        share = left / (len(limits) - number)
        plan = plan_self_test(msgspec.structs.replace(check.plan, max_seconds=share), slug, limit)
        assert plan.baseline is not None
        gate = Check(plan=plan, baselines=(plan.baseline,), modules=check.modules).run()
        left -= min(gate.seconds, share)
        environment = gate.environment or environment
        tests.append(judge_self_test(gate, names[slug], limit))
        failure = 0 if gate.exit_code in (0, FAILED) else gate.exit_code
        code = code or failure
        if failure not in (0, ModelError.exit_code, TIMED_OUT):  # a signal, or the engine failed
            break
    untested = tuple(names[slug] for slug in list(limits)[len(tests) :])
    succeeds = not untested and all(one.verdict == "PASS" for one in tests)
    return SelfTest(
        verdict="PASS" if succeeds else "FAIL",
        exit_code=code or (0 if succeeds else FAILED),
        models=tuple(tests),
        untested=untested,
        environment=environment,
        seconds=sum(one.seconds for one in tests),
    )


def judge_self_test(gate: Gate, name: str, limit: Limit) -> ModelSelfTest:
    """Return the outcome for one model: the copy must pass, and both slowed copies must fail twice."""
    by_name = {key: line for line in gate.lines for key in (COPY, SLOWED, BROKEN) if f"({key})" in line.name}
    shares = {COPY: 0.0, SLOWED: limit.bound - 1, BROKEN: limit.bound**2 - 1}
    lines = tuple(
        SelfTestLine(
            name=key,
            slowdown=shares[key],
            line=line,
            succeeds=line.verdict == ("PASS" if key == COPY else "FAIL"),
        )
        for key, line in by_name.items()
    )
    succeeds = len(lines) == len(shares) and all(one.succeeds for one in lines)
    return ModelSelfTest(
        model=name, limit=limit.text, verdict="PASS" if succeeds else "FAIL", lines=lines, seconds=gate.seconds
    )
