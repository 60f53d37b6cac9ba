"""`latency-tui guide`, `help`, `--version` and `--info`: what they print, and what they print on a mistake."""

from __future__ import annotations

import json
import re
from importlib.metadata import version

import pytest
from click.testing import CliRunner

from latency_tui.cli import cli, guide
from latency_tui.guide import TOPICS, read_page


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_guide_lists_the_topics_with_one_line_each() -> None:
    lines = printed("guide").splitlines()
    assert [line.split()[0] for line in lines[: len(TOPICS)]] == list(TOPICS)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("typed", ["reading-results", "Reading Results", "reading_results", "reading-results.md"])
def test_guide_prints_a_page_as_markdown_into_a_pipe(typed: str) -> None:
    assert printed("guide", typed) == read_page("reading-results").text


def test_guide_renders_a_page_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide, "terminal_style", lambda: (70, False))
    page = printed("guide", "security")
    assert "**" not in page
    assert "](" not in page
    assert "\x1b" not in page, "no colour was wanted"
    assert max(map(len, page.splitlines())) <= 70
    monkeypatch.setattr(guide, "terminal_style", lambda: (400, True))
    page = re.sub("\x1b\\[[0-9;]*m", "", printed("guide", "security"))
    assert max(map(len, page.splitlines())) <= 100, "lines stay short enough to be read"


def test_an_unknown_topic_is_refused_with_the_nearest() -> None:
    done = CliRunner().invoke(cli, ["guide", "figurs"])
    assert done.exit_code == 2
    assert done.stderr == "latency-tui: There is no topic 'figurs'; did you mean figures?\n"


def test_topics_complete() -> None:
    [topic] = guide.command.params
    assert [item.value for item in topic.shell_complete(guide.command.make_context("guide", []), "re")] == [
        "reading-results"
    ]


def test_info_has_versions_cores_and_folders() -> None:
    told = json.loads(printed("--info"))
    assert told["version"] == version("latency-tui")
    assert told["libraries"]["textual"] == version("textual")
    assert told["libraries"].keys() >= {"numpy", "scikit-learn", "onnxruntime", "torch"}
    assert "pytest" not in told["libraries"]
    assert 1 <= told["cores"]["usable"] <= told["cores"]["machine"]
    assert told["paths"].keys() == {"package", "configuration_used", "configuration_of_user", "data", "logs"}


def test_info_survives_a_configuration_with_a_mistake(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    with open("latency-tui.toml", "w") as file:  # noqa: PTH123
        file.write("[model")
    assert json.loads(printed("--info"))["paths"]["configuration_used"] is None


def test_help_of_a_command_is_what_its_option_shows() -> None:
    assert printed("help", "guide") == printed("guide", "--help")
    assert printed("help") == printed("--help")
