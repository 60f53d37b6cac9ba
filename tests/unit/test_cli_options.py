"""The command line as it is typed: what plan it makes, and what it says to what makes no sense."""

from __future__ import annotations

import json
import os
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from latency_tui.catalog.named_models import find_model
from latency_tui.cli import cli
from latency_tui.cli.input_options import read_configuration
from latency_tui.cli.options import format_arguments, make_plan, measuring_options
from latency_tui.errors import UsageError
from latency_tui.plan import BUILTIN_MODELS, Plan


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def make_from(values: dict[str, Any], **how: bool) -> Plan:
    return make_plan(values, read_configuration(values), **how)


def plan_of(*arguments: str) -> Plan:
    """Return the plan that these options make."""
    return make_from(values_of(*arguments))


def test_each_setting_is_tried_by_itself_against_the_plain_model() -> None:
    plan = make_from(values_of("-m", "random-forest", "-b", "64"), settings=True)
    assert plan.baseline == plan.candidates[0].slug == "random-forest"
    pulled = [candidate.settings for candidate in plan.candidates[1:]]
    for setting in ({"assume_finite": True}, {"dtype": "float32"}, {"order": "F"}, {"threads": 2}, {"n_jobs": -1}):
        assert setting in pulled
    single = make_from(values_of("-m", "random-forest", "--sparse"), settings=True)
    assert not any({"order", "input"} & candidate.settings.keys() for candidate in single.candidates)
    with pytest.raises(UsageError, match="needs exactly one model"):
        make_from(values_of("-m", "random-forest", "-m", "rbf-svm"), settings=True)
    with pytest.raises(UsageError, match="omit --baseline"):
        make_from(values_of("-m", "random-forest", "--baseline", "random-forest"), settings=True)


def values_of(*arguments: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}

    @click.command()
    @measuring_options
    def command(**values: Any) -> None:
        kept.update(values)

    command.main(list(arguments), standalone_mode=False)
    return kept


def test_without_options_it_is_all_six_a_hundred_times() -> None:
    assert plan_of() == Plan(candidates=plan_of().candidates)
    assert [c.name for c in plan_of().candidates] == [model.name for model in BUILTIN_MODELS]


@pytest.mark.parametrize(
    "typed", ["random-forest", "Random Forest", "RANDOM FOREST", "Random-Forest", " random forest "]
)
def test_models_go_by_name_or_slug(typed: str) -> None:
    assert find_model(typed, BUILTIN_MODELS).name == "Random Forest"


def test_a_model_may_come_with_settings() -> None:
    plan = plan_of("-m", "Random Forest[n_jobs=1]", "-m", "random-forest", "--baseline", "random-forest[n_jobs=1]")
    assert [c.settings for c in plan.candidates] == [{"n_jobs": 1}, {}]
    assert plan.baseline == plan.candidates[0].slug


def test_every_option_reaches_the_plan() -> None:
    core = min(os.sched_getaffinity(0))
    plan = plan_of(
        *("-m", "rbf-svm", "--model", "linear-svm", "-t", "2.5", "-b", "32", "--method", "decision_function"),
        *("--baseline", "RBF SVM", "--launches", "5", "--seed", "7", "--cpu", f"{core}", "--threads", "2"),
        *("--call-timeout", "3"),
    )
    assert [c.slug for c in plan.candidates] == ["rbf-svm", "linear-svm"]
    assert (plan.runs, plan.seconds, plan.workload.batch_size, plan.workload.method) == (
        *(None, 2.5, 32),
        "decision_function",
    )
    assert (plan.baseline, plan.launches, plan.seed, plan.pinning) == ("rbf-svm", 5, 7, (core,))
    assert (plan.threads, plan.call_timeout) == (2, 3.0)


@pytest.mark.parametrize(("typed", "cores"), [("0", (0,)), ("0,2-4", (0, 2, 3, 4)), ("3,1,1", (1, 3))])
def test_cores_are_a_list_of_numbers_and_ranges(
    typed: str, cores: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert plan_of("--cpu", typed).pinning == cores


def test_cores_may_be_none_or_left_to_the_engine() -> None:
    assert plan_of("--cpu", "none").pinning == "none"
    assert plan_of().pinning == "auto"


@pytest.mark.parametrize("length", [["-n", "7"], ["-t", "0.25"], ["--until-known", "--max-time", "9"], []], ids=str)
def test_what_serve_starts_the_app_with_makes_the_same_plan(length: list[str]) -> None:
    typed = [
        *("-m", "rbf-svm", "-m", "Linear SVM", "--baseline", "linear-svm", "--cpu", "none", "--seed", "3", *length),
        *("--method", "decision_function", "-b", "8", "--launches", "2", "--threads", "2", "--call-timeout", "7.5"),
    ]
    again = format_arguments(values_of(*typed))
    assert values_of(*again) == values_of(*typed)
    assert plan_of(*again) == plan_of(*typed)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-m", "forst"], "did you mean random-forest?"),
        (["-m", "neural"], "did you mean small-neural-network?"),
        (["-m", "xyzzy"], "`latency-tui models` lists all"),
        (["-m", "random-forest[n_jobs"], "random-forest[n_jobs=1]"),
        (["-m", ""], "not a model"),
        (["-n", "0"], "from 1 to 10,000,000"),
        (["-n", "10000001"], "from 1 to 10,000,000"),
        (["-n", "1.5"], "not a valid integer"),
        (["-n", "many"], "not a valid integer"),
        (["-t", "0"], "more than 0"),
        (["-t", "nan"], "more than 0"),
        (["-n", "5", "-t", "5"], "exclude each other"),
        (["-n", "5", "--until-known"], "exclude each other"),
        (["--until-known", "-m", "linear-svm"], "two models"),
        (["--max-time", "0", "--until-known"], "time limit"),
        (["--max-time", "9"], "add --until-known"),
        (["--task", "regression", "--classes", "5"], "--classes is for classification"),
        (["-b", "0"], "batch size"),
        (["--method", "guess"], "predict_proba"),
        (["--baseline", "nobody"], "nobody"),
        (["-m", "linear-svm", "--baseline", "rbf-svm"], "not among the candidates"),
        (["-m", "linear-svm", "-m", "Linear SVM"], "Two candidates"),
        (["--launches", "0"], "Launches"),
        (["--threads", "0"], "Threads"),
        (["--seed", "-1"], "seed"),
        (["--cpu", "all"], "numbers such as 0"),
        (["--cpu", "4-2"], "not a range"),
        (["--cpu", "4095"], "cannot be used here"),
        (["--call-timeout", "-1"], "timeout"),
        (["--format", "xml"], "json"),
        (["-o", "result.xlsx"], ".json, .csv, .parquet, .md"),
        (["-o", "/nonexistent/result.json"], "there is no folder /nonexistent"),
        (["--speed", "9"], "No such option"),
        (["surprise"], "surprise"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_one_sentence_and_exit_2(arguments: list[str], sentence: str) -> None:
    done = invoke("run", *arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("latency-tui: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_unknown_command_is_one_sentence() -> None:
    done = invoke("rum")
    assert done.exit_code == 2
    assert done.stderr.startswith("latency-tui: No such command 'rum'")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rnu", "did you mean run?"),
        ("modles", "did you mean models?"),
        ("server", "did you mean serve?"),
        ("hlep", "did you mean help?"),
        ("random-forest", "use -m random-forest"),
        ("pyproject.toml", "use -m pyproject.toml for a model file, or --data pyproject.toml"),
        ("xyzzy", "`latency-tui --help` lists all."),
    ],
)
def test_an_unknown_command_comes_with_what_was_meant(typed: str, meant: str) -> None:
    assert meant in invoke(typed).stderr


def test_help_is_a_command_too() -> None:
    assert invoke("help").stdout == invoke("--help").stdout
    assert invoke("help", "run").stdout == invoke("run", "--help").stdout
    assert "did you mean run?" in invoke("help", "rnu").stderr


def test_the_version_has_a_short_option() -> None:
    assert invoke("-V").stdout == invoke("--version").stdout


def test_names_in_a_sentence_cannot_write_to_the_terminal() -> None:
    done = invoke("run", "-m", "\x1b[2Jwiped", "-o", "\x1b]0;title\x07.xlsx")
    assert "\x1b" not in done.stderr


def test_options_before_the_command_count_as_well() -> None:
    assert "from 1 to 10,000,000, not 0" in invoke("-n", "0", "run").stderr
    assert "Core 4095 cannot be used here" in invoke("--cpu", "4095", "-m", "linear-svm", "run").stderr
    assert "There is no model 'x'" in invoke("-m", "x", "run", "-n", "5").stderr


def test_the_app_asks_for_a_terminal() -> None:
    done = invoke()
    assert done.exit_code == 2
    assert "needs a terminal" in done.stderr


@pytest.mark.parametrize("command", [[], ["run"], ["models"], ["serve"]])
def test_help_names_every_option_and_fits(command: list[str]) -> None:
    text = invoke(*command, "--help").stdout
    assert text.startswith("Usage: latency-tui")
    assert max(map(len, text.splitlines())) <= 80
    if command != ["models"]:
        for option in ("--model", "--runs", "--time", "--batch-size", "--method", "--baseline", "--launches", "--cpu"):
            assert option in text


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert invoke("--version").stdout == f"latency-tui {version('latency-tui')}\n"


def test_models_lists_names_slugs_and_descriptions() -> None:
    lines = invoke("models").stdout.splitlines()
    assert len(lines) == 1 + len(BUILTIN_MODELS)
    assert "Random Forest" in lines[2]
    assert "random-forest" in lines[2]


def test_all_models_stand_under_the_headings_of_their_groups() -> None:
    lines = invoke("models", "--all").stdout.splitlines()
    (heading,) = (index for index, line in enumerate(lines) if line == "Support vectors")
    assert lines[heading - 1] == ""
    assert lines[heading + 1].startswith("RBF SVR ")
    trees = lines[lines.index("Trees") + 1 : lines.index("Linear") - 1]
    assert {line.partition("  ")[0] for line in trees} >= {"Decision Tree", "Decision Tree Regressor"}
    assert not [line for line in trees if not line.strip()]


def test_models_as_json() -> None:
    models = json.loads(invoke("models", "--format", "json").stdout)
    assert [model["name"] for model in models] == [model.name for model in BUILTIN_MODELS]
    assert models[1]["slug"] == "random-forest"


def test_an_unknown_model_never_reaches_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    import latency_tui.cli.headless as headless

    monkeypatch.setattr(headless, "measure_and_report", lambda *_, **__: pytest.fail("it started"))
    with pytest.raises(UsageError):
        find_model("nonsense", BUILTIN_MODELS)
    assert invoke("run", "-m", "nonsense").exit_code == 2
