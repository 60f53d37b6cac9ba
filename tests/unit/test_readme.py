"""The README tells what the program does today: its keys and options are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

from latency_tui.cli import cli
from latency_tui.tui.bindings import key_table

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_table_of_keys_is_that_of_the_commands() -> None:
    shown = README.partition("<!-- keys -->")[2].partition("<!-- /keys -->")[0]
    assert shown.strip() == key_table().strip()


def test_every_option_of_the_program_is_explained_and_no_other() -> None:
    known = {name for option in cli.params for name in option.opts} - {"-V", "--version"}
    table = README.partition("| option | what it says")[2].partition("`run` also takes")[0]
    shown = set(re.findall(r"`(--?[a-z][a-z-]*)", table))
    assert shown == known
