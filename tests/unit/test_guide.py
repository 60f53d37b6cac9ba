"""The guide and the README say what the program does today: keys, options, exit codes and fields are the code's."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
import signal
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest

from latency_tui.api import measure
from latency_tui.catalog.configuration_schema import Configuration, read_tables
from latency_tui.cli import cli
from latency_tui.cli.check_run import FAILED, UNDECIDED
from latency_tui.cli.headless import TIMED_OUT
from latency_tui.engine.protocol import Environment
from latency_tui.errors import LatencyTuiError
from latency_tui.guide import FOLDER, TOPICS, read_page
from latency_tui.plan.limits import METRICS, parse_limit
from latency_tui.plan.settings import ENGINE_SETTINGS, WORKLOAD_SETTINGS
from latency_tui.report.formats import FORMATS
from latency_tui.result.launch_statistics import LaunchStatistics
from latency_tui.result.limit_verdict import LimitVerdict
from latency_tui.result.load import HighestRate, LoadResult
from latency_tui.result.mix import ClassComparison, ClassResult
from latency_tui.result.noise import Finding, Noise
from latency_tui.result.offline import OfflineResult
from latency_tui.result.result import CandidateResult, ColdStart, Result, Statistics
from latency_tui.stats.comparison import Comparison, Verdict
from latency_tui.stats.percentiles import Percentile
from latency_tui.tui.bindings import key_table
from latency_tui.tui.commands import COMMANDS
from latency_tui.tui.styles import LEVEL_STYLES, SHAPES

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = {topic: read_page(topic).text for topic in TOPICS}
DOCUMENTS = {**{f"guide/{topic}": text for topic, text in PAGES.items()}, "README": README.read_text(encoding="utf-8")}
_CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def names_in(table: str) -> set[str]:
    """Return the names between backticks in the first column of a table."""
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| ")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def between(text: str, start: str, end: str = "\n## ") -> str:
    """Return the part of a page after a line, up to the next heading."""
    assert start in text
    return text.partition(start)[2].partition(end)[0]


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Yield the code blocks of a language, with the document they are in."""
    for document, text in DOCUMENTS.items():
        yield from ((document, code) for found, code in _CODE.findall(text) if found == language)


def commands() -> list[str]:
    """Return every latency-tui command of the documents: in blocks, and in sentences."""
    lines = [line.split(" && ")[-1] for _, code in blocks("sh") for line in code.splitlines()]
    for text in DOCUMENTS.values():
        lines += re.findall(r"`([^`\n]+)`", _CODE.sub("", text))
    return sorted({line for line in lines if re.match(r"(\.venv/bin/)?latency-tui( |$)", line)})


def options_of(commands: Iterable[click.Command]) -> set[str]:
    found = set[str]()
    for command in commands:
        found |= {name for option in command.params for name in option.opts if name[0] == "-"}
        if isinstance(command, click.Group) and command is not cli:
            found |= options_of(command.commands.values())
    return found


def subcommands() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_every_topic_is_a_page_and_every_page_a_topic() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_begins_with_its_title_and_one_short_line(topic: str) -> None:
    page = read_page(topic)
    assert page.title.lower().replace(" ", "-") == topic
    assert page.text.startswith(f"# {page.title}\n\n{page.summary}\n\n")
    assert page.summary.endswith(".")
    assert len(page.summary) <= 62, "the list of topics has to fit into 80 columns"


def test_internal_links_lead_to_files() -> None:
    folders = {"README": ROOT, **{f"guide/{topic}": FOLDER for topic in TOPICS}}
    pages = {name: (folders[name], text) for name, text in DOCUMENTS.items()}
    pages |= {path.name: (path.parent, path.read_text(encoding="utf-8")) for path in (ROOT / ".github").glob("*.md")}
    links = [
        (folder / target.partition("#")[0], name)
        for name, (folder, text) in pages.items()
        for target in re.findall(r"\]\(([^)\s]+)\)", _CODE.sub("", text))
        if "://" not in target
    ]
    assert links
    assert [(str(path), name) for path, name in links if not path.exists()] == []


def test_every_page_of_the_guide_is_linked_from_the_readme() -> None:
    assert {topic for topic in TOPICS if f"guide/{topic}.md" not in DOCUMENTS["README"]} == set()


def test_the_readme_is_short() -> None:
    assert len(README.read_bytes()) <= 8192


def test_the_table_of_keys_is_that_of_the_commands() -> None:
    assert between(PAGES["keys"], "<!-- keys -->", "<!-- /keys -->").strip() == key_table().strip()


def test_a_key_runs_one_command() -> None:
    used = [key for command in COMMANDS.values() for key in command.keys]
    assert sorted(used) == sorted(set(used))


def test_keys_named_in_sentences_exist() -> None:
    known = {part for command in COMMANDS.values() for part in command.default_label().split()} | {"ctrl+t"}
    for name, text in DOCUMENTS.items():
        assert set(re.findall(r"[Pp]ress `([^`]+)`", text)) <= known, name


def test_every_option_is_explained_and_no_other() -> None:
    page, all_commands = PAGES["options"], subcommands()
    shared = options_of([cli]) - {"-V", "--version", "--info"}
    tables = (
        (between(page, "These options apply to"), shared),
        (between(page, "## Options of run"), options_of([all_commands["run"]]) - shared),
        (between(page, "## Options of serve"), options_of([all_commands["serve"]]) - shared),
    )
    for table, known in tables:
        shown = {name.split(" ")[0] for name in names_in(table.partition("\n\n|")[2].partition("\n\n")[0])}
        assert shown == known


def test_options_of_the_other_commands_are_in_the_guide() -> None:
    known = options_of(command for name, command in subcommands().items() if name not in ("run", "serve"))
    everything = "\n".join(PAGES.values())
    assert {option for option in known if not re.search(rf"{option}\b", everything)} == set()


def test_every_subcommand_is_in_the_guide() -> None:
    everything = "\n".join(PAGES.values())
    assert {name for name in subcommands() if f"latency-tui {name}" not in everything} == set()


@pytest.mark.parametrize("line", commands())
def test_commands_of_the_guide_parse(line: str) -> None:
    words = shlex.split(line, comments=True)
    words = words[1 : next((i for i, word in enumerate(words) if word in (">", "|", "&&")), None)]
    try:
        context = cli.make_context("latency-tui", list(words))
        if context._protected_args:
            name, command, rest = cli.resolve_command(context, [*context._protected_args, *context.args])
            assert command is not None
            command.make_context(name, rest, parent=context)
    except click.exceptions.Exit as ended:  # --version and its like
        code = ended.exit_code
    else:
        code = 0
    assert code == 0


def test_exit_codes_are_those_of_the_program() -> None:
    table = between(PAGES["automation"], "## Exit codes", "\n\nAfter")
    shown = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    signals = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
    assert shown == {0, FAILED, UNDECIDED, TIMED_OUT} | signals | {
        error.exit_code for error in _errors(LatencyTuiError)
    }


def _errors(kind: type[LatencyTuiError]) -> Iterator[type[LatencyTuiError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _errors(each)


@pytest.mark.parametrize(
    ("heading", "struct"),
    [
        ("**Result**", Result),
        ("**Candidate**", CandidateResult),
        ("**Percentile**", Percentile),
        ("**Comparison**", Comparison),
        ("**Limit**", LimitVerdict),
        ("**Load**", LoadResult),
        ("**Highest rate**", HighestRate),
        ("**Offline**", OfflineResult),
        ("**Class** (", ClassResult),
        ("**Class comparison**", ClassComparison),
        ("**Noise**", Noise),
    ],
)
def test_fields_of_the_json_are_those_of_the_result(heading: str, struct: Any) -> None:
    table = between(PAGES["automation"], heading).partition("\n\n|")[2].partition("\n\n")[0]
    assert names_in(table) == set(struct.__struct_fields__)


@pytest.mark.parametrize(
    ("field", "struct"),
    [
        ("environment", Environment),
        ("cold_start", ColdStart),
        ("statistics", Statistics),
        ("per_launch", LaunchStatistics),
        ("findings", Finding),
    ],
)
def test_inner_fields_of_the_json_are_those_of_the_result(field: str, struct: Any) -> None:
    [row] = re.findall(rf"^\| `{field}` \| (.*) \|$", PAGES["automation"], re.MULTILINE)
    assert set(re.findall(r"`([^`]+)`", row)) == set(struct.__struct_fields__)


def test_verdicts_and_noise_levels_are_those_of_a_result() -> None:
    table = between(PAGES["reading-results"], "## Verdicts").partition("\n\nTwo")[0]
    shown = {word for row in re.findall(r"^\| ([a-z, ]+) \|", table, re.MULTILINE) for word in row.split(", ")}
    assert shown - {"verdict"} == set(get_args(Verdict))
    levels = re.findall(r"^\| (\w+) \|", between(PAGES["glossary"], "## Noise levels"), re.MULTILINE)
    [*known] = get_args({field.name: field.type for field in msgspec.structs.fields(Noise)}["level"])
    assert set(levels) - {"level"} == set(known) == set(LEVEL_STYLES)


def test_the_glossary_shows_the_marks_of_the_six_models() -> None:
    assert f"`{' '.join(SHAPES[:6])}`" in PAGES["glossary"]


def test_limits_of_the_guide_can_be_read() -> None:
    limits = re.findall(r"^\| `'([^']+)'` \|", PAGES["options"], re.MULTILINE)
    limits += re.findall(r"--limit '([^']+)'", "\n".join(DOCUMENTS.values()))
    assert {parse_limit(limit).metric for limit in limits} <= set(METRICS)
    assert {parse_limit(limit).metric for limit in limits} >= {"p99", "throughput", "cold_start", "memory", "accuracy"}


def test_settings_of_the_guide_are_those_of_the_program() -> None:
    table = between(PAGES["options"], "## Settings").partition("| setting")[2]
    shown = {name.split("=")[0] for name in names_in(table)}
    assert shown == {*ENGINE_SETTINGS, *WORKLOAD_SETTINGS, "threads", "runtime", "python", "slowdown"}


def test_report_formats_of_the_guide_are_those_of_the_program() -> None:
    assert names_in(between(PAGES["exporting"], "| format | suffix | for |", "\n\n")) == set(FORMATS)
    rows = re.findall(r"^\| `([a-z-]+)` \| (`\.[^|]*) \|", PAGES["exporting"], re.MULTILINE)
    assert {form: tuple(re.findall(r"`([^`]+)`", suffixes)) for form, suffixes in rows} == {
        form: traits.suffixes for form, traits in FORMATS.items()
    }
    losses = names_in(between(PAGES["exporting"], "| format | keeps | loses |", "\n\n"))
    assert losses == set(FORMATS) - {"json"}


def test_arguments_of_measure_are_those_of_the_guide() -> None:
    table = between(PAGES["python"], "| argument | meaning |", "\n\n")
    taken = {name for name, one in inspect.signature(measure).parameters.items() if one.kind is one.KEYWORD_ONLY}
    assert names_in(table) == taken


def test_python_of_the_guide_parses_and_toml_is_a_configuration(tmp_path: Path) -> None:
    for _, code in blocks("python"):
        ast.parse(code)
    [(_, configuration)] = blocks("toml")
    assert read_tables(configuration.encode(), tmp_path / "latency-tui.toml").plans
    shown = names_in(between(PAGES["configuration"], "| table | holds |", "\n\n"))
    assert {name.strip("[]").partition(".")[0] for name in shown} == set(Configuration.__struct_fields__)


def test_extras_of_the_guide_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"]) - {"dev"}
    assert names_in(between(PAGES["own-models"], "| extra | for |", "\n\n")) == extras
