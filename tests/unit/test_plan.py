"""Plans: what makes sense is taken, everything else is refused in a sentence; settings are read and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from latency_tui.catalog.named_models import known_models, spec_of_file
from latency_tui.catalog.runtimes import expand_runtimes
from latency_tui.catalog.settings_to_try import settings_to_try
from latency_tui.catalog.validate import check_plan
from latency_tui.errors import UsageError
from latency_tui.plan import BUILTIN_MODELS, Candidate, ModelSpec, Plan, Workload, parse, slug_of, slugify
from latency_tui.plan.settings import environment_folder, format_settings

SIX = tuple(Candidate(model=model) for model in BUILTIN_MODELS)


def test_the_six_are_there_each_with_its_own_colour_and_description() -> None:
    assert [slugify(model.name) for model in BUILTIN_MODELS] == [
        "logistic-regression",
        "random-forest",
        "linear-svm",
        "rbf-svm",
        "small-neural-network",
        "large-neural-network",
    ]
    assert len({model.colour for model in BUILTIN_MODELS}) == 6
    assert all(model.description for model in BUILTIN_MODELS)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("模型一", "模型一"),
        ("Модель Б", "модель-б"),
        ("Café_1", "café-1"),
        ("Cafe\u0301_1", "café-1"),
        ("ＡＢＣ　ⅳ", "abc-iv"),
        ("Straße / 2.0", "strasse-2.0"),
        ("कि", "कि"),
        ("की", "की"),
        ("../x\0\udc80y", "..-x-y"),
        ("!?", "model"),
    ],
)
def test_names_of_every_script_stay_apart_and_are_safe_to_type(name: str, slug: str) -> None:
    assert slugify(name) == slug == slugify(slug)


def test_a_plan_travels_as_json_unchanged() -> None:
    plan = Plan(candidates=SIX, runs=None, seconds=1.5, pinning=(0, 1), baseline="rbf-svm")
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


TWO: list[tuple[str, float]] = [("C", 2), ("max_iter", 50)]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"candidates": ()}, "at least one model"),
        ({"candidates": SIX[:1] * 2}, "Two candidates are called"),
        (
            {"candidates": tuple(Candidate(model=BUILTIN_MODELS[0], settings=dict(s)) for s in (TWO, TWO[::-1]))},
            "are the same",
        ),
        ({"runs": 0}, "from 1 to 10,000,000"),
        ({"runs": 10_000_001}, "from 1 to 10,000,000"),
        ({"runs": None}, "exclude each other"),
        ({"seconds": 1.0}, "exclude each other"),
        ({"runs": None, "seconds": float("nan")}, "more than 0"),
        ({"runs": None, "until_known": True, "candidates": SIX[:1]}, "two models at least"),
        ({"launches": 0}, "Launches"),
        ({"threads": 0}, "Threads"),
        ({"seed": -1}, "seed"),
        ({"call_timeout": 0.0}, "call timeout"),
        ({"baseline": "nobody"}, "baseline 'nobody' is not among"),
        ({"equivalence": -0.1}, "equivalence"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_in_a_sentence(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Plan(**{"candidates": SIX, **fields})


@pytest.mark.parametrize("size", [0, -1, 1_000_001])
def test_a_batch_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match="batch size"):
        Workload(batch_size=size)


def test_a_model_needs_a_name_and_one_origin() -> None:
    with pytest.raises(UsageError, match="needs a name"):
        ModelSpec(name=" ", factory="a:b")
    with pytest.raises(UsageError, match="either a factory or a file"):
        ModelSpec(name="x")
    with pytest.raises(UsageError, match="either a factory or a file"):
        ModelSpec(name="x", factory="a:b", file="c")


def test_settings_are_read_as_they_are_written() -> None:
    name, settings = parse("random-forest[n_jobs=1,dtype=float32,assume_finite=true]")
    assert name == "random-forest"
    assert settings == {"n_jobs": 1, "dtype": "float32", "assume_finite": True}
    candidate = Candidate(model=BUILTIN_MODELS[1], settings=settings)
    assert candidate.name == "Random Forest [n_jobs=1,dtype=float32,assume_finite=true]"
    assert candidate.slug == "random-forest[n_jobs=1,dtype=float32,assume_finite=true]"
    assert (
        slug_of(candidate.name)
        == slug_of("Random Forest[n_jobs=1, dtype=float32, assume_finite=true]")
        == candidate.slug
    )


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ('m[python="/a,b/bin/python"]', {"python": "/a,b/bin/python"}),
        ("m[python='/a [old]/bin/python',n_jobs=1]", {"python": "/a [old]/bin/python", "n_jobs": 1}),
        ('m[name="say ""hi"", now"]', {"name": 'say "hi", now'}),
        ("m[name='it''s',other=don't]", {"name": "it's", "other": "don't"}),
        ('m[n_jobs="1"]', {"n_jobs": "1"}),
        ('m[ name = "a" , n_jobs=2 ,]', {"name": "a", "n_jobs": 2}),
        ('m[name=""]', {"name": ""}),
        ("m[]", {}),
    ],
)
def test_a_value_in_quotes_may_have_commas_and_brackets(text: str, settings: dict[str, Any]) -> None:
    name, found = parse(text)
    assert (name, found) == ("m", settings)
    written = format_settings(found)
    short = {key: environment_folder(str(value)) if key == "python" else value for key, value in found.items()}
    assert parse(f"m[{written}]") == (name, short), "what is shown can be typed"


@pytest.mark.parametrize(
    "text",
    [
        "x[",
        "x]",
        "x[a]",
        "x[=1]",
        "x[dtype=int8]",
        "x[threads=0]",
        "x[threads=two]",
        "x[C=inf]",
        "x[C=1e999]",
        "[a=1]",
        "",
        'x[a="b]',
        'x[a="b" c]',
        "x[a=b]c]",
        "x[a=[1,2]]",
        "x[a=,b=1]",
    ],
)
def test_settings_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


def test_variants_pull_one_lever_each_and_keep_what_is_set() -> None:
    candidate = Candidate(model=BUILTIN_MODELS[1], settings={"dtype": "float32"})
    variants = settings_to_try(candidate)
    assert all(variant.settings["dtype"] == "float32" for variant in variants)
    assert {"dtype": "float32", "n_jobs": -1} in [variant.settings for variant in variants]
    assert len({variant.slug for variant in variants}) == len(variants)
    linear = settings_to_try(Candidate(model=BUILTIN_MODELS[0]))
    assert not any("n_jobs" in variant.settings for variant in linear), "it would change nothing"
    boosted = next(model for model in known_models() if model.name == "Gradient Boosting")
    assert not any("n_jobs" in variant.settings for variant in settings_to_try(Candidate(model=boosted))), "it has none"


def test_variants_that_could_change_nothing_are_left_out() -> None:
    forest = Candidate(model=BUILTIN_MODELS[1])
    assert {"order": "F"} in [v.settings for v in settings_to_try(forest)]
    assert {"order": "F"} not in [v.settings for v in settings_to_try(forest, batch_size=1)], (
        "one row lies in either order"
    )
    sparse = [v.settings for v in settings_to_try(forest, sparse=True)]
    assert {"order": "F"} not in sparse
    assert {"input": "dataframe"} not in sparse
    converted = settings_to_try(msgspec.structs.replace(forest, settings={"runtime": "onnx"}))
    keys = {key for variant in converted for key in variant.settings}
    assert not keys & {"n_jobs", "assume_finite", "skip_parameter_validation"}
    assert not keys & {"dtype", "input", "order"}, "the model declares what it takes"


def test_a_setting_unknown_to_a_runtime_is_refused_only_if_typed() -> None:
    typed = Candidate(model=BUILTIN_MODELS[1], settings={"runtime": "onnx", "n_jobs": 1})
    with pytest.raises(UsageError, match=r"n_jobs would change nothing, because the model's own library"):
        check_plan(Plan(candidates=(typed,)))
    check_plan(Plan(candidates=(msgspec.structs.replace(typed, settings={"runtime": "onnx", "threads": 2}),)))
    one_job = Candidate(model=BUILTIN_MODELS[1], settings={"n_jobs": 1, "threads": 2})
    both = expand_runtimes((one_job, Candidate(model=BUILTIN_MODELS[1], settings={"threads": 2})), ["sklearn", "onnx"])
    assert [c.slug for c in both] == [
        "random-forest[n_jobs=1,threads=2]", "random-forest[threads=2,runtime=onnx]", "random-forest[threads=2]",
    ]  # fmt: skip


def test_other_libraries_files_have_no_variants_by_scikit_learns_settings(tmp_path: Path) -> None:
    forest = tmp_path / "forest.txt"
    forest.write_text("tree\nversion=v4\nnum_class=1\n")
    candidate = Candidate(model=spec_of_file(str(forest), "forest"))
    settings = [v.settings for v in settings_to_try(candidate)]
    assert {"dtype": "float32"} in settings
    assert not any("assume_finite" in one or "skip_parameter_validation" in one for one in settings)
    forest.unlink()
    assert settings_to_try(candidate), "the file is missed when it is measured"


def test_the_control_is_a_copy_of_the_first_under_another_name() -> None:
    plan = Plan(candidates=SIX, control=True)
    assert plan.control_candidate is not None
    assert plan.control_candidate.model.factory == SIX[0].model.factory
    assert len({candidate.slug for candidate in plan.all_candidates}) == 7
    assert Plan(candidates=SIX).all_candidates == SIX
