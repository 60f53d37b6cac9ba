"""What `latency-tui.toml` says acts in the app: its models are listed, its keys do what they say, its theme is on."""

from __future__ import annotations

import pickle
from pathlib import Path

import msgspec
import pytest

from latency_tui.catalog.configuration import LoadedConfiguration, find_configuration, load_configuration
from latency_tui.catalog.resolve import Request, extend_trust, listed_models, resolve
from latency_tui.catalog.trust_store import digest_of, recall
from latency_tui.errors import UsageError
from latency_tui.plan import BUILTIN_MODELS, Plan
from latency_tui.tui.app import LatencyApp
from latency_tui.tui.bindings import key_table
from tests.parameters import one_quick
from tests.tui.conftest import Open
from tests.tui.fake_engine import fake_plan, until


def load(folder: Path, text: str) -> LoadedConfiguration:
    (folder / "latency-tui.toml").write_text(text)
    return load_configuration(folder / "latency-tui.toml")


@pytest.mark.slow
async def test_keys_of_the_file_act_and_are_shown_wherever_keys_are(open_app: Open, tmp_path: Path) -> None:
    loaded = load(tmp_path, '[keys]\nprofile = "x,f5"\nadd-model = "ctrl+n"\nstop = "w"\n')
    async with open_app(configuration=loaded) as harness:
        text = harness.text()
        assert "x  profiles the 6 models" in text
        assert "x Profile" in text
        assert "ctrl+n Add" in text or "^n Add" in text
        await harness.press("p", "plus")
        assert (harness.state.work, len(harness.app.screen_stack)) == ("idle", 1), "the old keys do nothing"
        await harness.press("question_mark")
        assert "Measure the selected models" in next(line for line in harness.text().splitlines() if " x " in line)
        await harness.press("escape", "f5")
        await until(lambda: bool(harness.state.measurements))
        await harness.idle()
        await harness.press("x")
        await until(lambda: len(harness.state.measurements) == 2)
        await harness.idle()
        await harness.press("ctrl+n")
        await until(lambda: "Add a model" in harness.text())
    assert "| `p` | Measure" in key_table(), "the guide shows the default keys"


async def test_without_a_file_the_keys_are_those_that_come_along(open_app: Open) -> None:
    async with open_app() as harness:
        assert "p  profiles the 6 models" in harness.text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[keys]\nprofil = "x"\n', r"keys\.profil is no action; did you mean profile\?"),
        ('[keys]\nprofile = "t"\n', "The key t is that of profile and of train"),
        ('[keys]\nprofile = "?"\n', r"The key \? is that of profile and of show-help"),
        ('[keys]\nprofile = "pp"\n', "'pp', which is no key"),
        ('[keys]\nprofile = ""\n', "'', which is no key"),
        ('theme = "nrod"\n', "There is no theme 'nrod'; did you mean nord"),
    ],
)
def test_keys_and_themes_that_there_are_not_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
    with pytest.raises(UsageError, match=said):
        LatencyApp(fake_plan(), BUILTIN_MODELS, configuration=load(tmp_path, text))


async def test_the_theme_of_the_file_is_used_unless_the_environment_has_one(
    open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(tmp_path, 'theme = "textual-light"\n')
    async with open_app(configuration=loaded) as harness:
        assert harness.app.current_theme.name == "textual-light"
        assert not harness.app.current_theme.dark


async def test_models_of_the_file_are_listed_in_their_colours(open_app: Open, tmp_path: Path) -> None:
    (tmp_path / "old.pkl").write_bytes(pickle.dumps([1]))
    loaded = load(
        tmp_path,
        '[models.checkout]\nname = "Checkout Forest"\ncolour = "#73daca"\n'
        'path = "sklearn.ensemble:RandomForestClassifier"\n'
        '[models.old]\nfile = "old.pkl"\ntrust = true\nchosen = false\n',
    )
    asked = resolve(Request(), loaded)
    listed = listed_models(asked.dataset, loaded)
    trust = extend_trust(asked.trust, listed, loaded)
    plan = Plan(candidates=asked.candidates, trust=trust)
    async with open_app(plan=plan, models=listed) as harness:
        assert "Checkout Forest" in harness.text()
        assert [(row.slug, row.selected) for row in harness.state.rows[6:]] == [
            ("checkout-forest", True),
            ("old", False),
        ]
        assert harness.state.colours["checkout-forest"] == "#73daca"
    assert trust.trusts_all(digest_of(tmp_path / "old.pkl")), "the file trusts it, so that it may be chosen later"


@pytest.mark.parametrize("size", one_quick([(60, 20), (140, 45)], whole=True))
async def test_what_a_found_file_names_is_asked_about_before_it_runs(
    open_app: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("latency_tui.catalog.trust_store.memory_path", lambda: tmp_path / "memory" / "trusted.json")
    load(tmp_path, '[models.mine]\npath = "os:system"\nparameters = {command = "touch ran"}\n')
    found = find_configuration()
    asked = resolve(Request(), found, lenient=True)
    plan = Plan(candidates=asked.candidates)
    async with open_app(*size, plan=plan, models=(*BUILTIN_MODELS, *found.models()), configuration=found) as harness:
        for key in ("p", "t"):
            await harness.press(key)
            assert "Trust latency-tui.toml?" in harness.text()
            assert "os:system(command='touch ran')" in harness.text()
            await harness.press("enter")
            await harness.press("ctrl+t")
            assert (harness.state.work, len(harness.app.screen_stack)) == ("idle", 1)
        assert not harness.state.measurements
        assert recall() == {}
        await harness.press("p", "ctrl+t")
        await until(lambda: bool(harness.state.measurements))
        await harness.idle()
        assert harness.state.measurements[0].plan.trust.trusts_all(found.digest)
    assert recall() == {found.digest: ("*",)}
    assert find_configuration().is_trusted_location


async def test_models_that_a_found_file_does_not_name_are_measured_at_once(open_app: Open, tmp_path: Path) -> None:
    loaded = load(tmp_path, '[models.mine]\npath = "os:system"\n')
    found = msgspec.structs.replace(loaded, is_trusted_location=False)
    async with open_app(models=(*BUILTIN_MODELS, *found.models()), configuration=found) as harness:
        await harness.profile()
        assert harness.state.measurements
