"""5,000 keys, clicks, sizes, pastes and bytes of junk, the seeds fixed: no traceback, no hang, and results are kept."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest

from tests.terminal.terminal import Terminal

SEEDS = range(10)
EVENTS = 500
_KEYS = [*"ptpucovanbdisyefjkhl0137/+-[]?r:<>gG zZéß", "\x1b", "\x1b", "\r", "\r", " ", "\t", "\x10", "\x7f", "\x14"]
_SEQUENCES = [
    *("\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x1b[Z", "\x1bOP"),
    *("\x1b[15~", "\x1b[I", "\x1b[O", "\x1b[200~", "\x1b[201~", "\x1b[1;5C"),
]
_SIZES = [(140, 45), (100, 30), (80, 24), (60, 20), (40, 12), (20, 6), (3, 2), (1, 1), (250, 70)]
_PASTES = ["iris", "random-forest[n_jobs=1]", "no such", "a\nb\nc", "/", "~", "\x00\x1b", "9" * 50, "é" * 300]


def _burst(chance: random.Random) -> bytes:
    """Return a few events as one packet, as a slow line delivers them."""
    kind = chance.random()
    if kind < 0.5:
        return "".join(chance.choices(_KEYS, k=chance.randint(1, 4))).encode()
    if kind < 0.6:
        return chance.choice(_SEQUENCES).encode() * chance.randint(1, 3)
    if kind < 0.85:
        x, y = chance.randint(1, 150), chance.randint(1, 48)
        press = f"\x1b[<{chance.choice((0, 0, 0, 2, 64, 65, 35))};{x};{y}M\x1b[<0;{x};{y}m"
        return press.encode() * chance.randint(1, 3)
    if kind < 0.93:
        return f"\x1b[200~{chance.choice(_PASTES)}\x1b[201~".encode()
    return chance.choice(
        (b"\x1b[M \xe80", b"\xe9", bytes(chance.randrange(256) for _ in range(8)).replace(b"\x11", b""))
    )


def _play(terminal: Terminal, chance: random.Random) -> None:
    for _ in range(EVENTS):
        if chance.random() < 0.03:
            terminal.resize(*chance.choice(_SIZES))
        else:
            terminal.process.send(_burst(chance).replace(b"q", b"j").replace(b"\x11", b"").replace(b"\x03", b""))
            terminal.read(chance.choice((0.0, 0.0, 0.02, 0.1)))
        assert terminal.process.isalive(), terminal.raw[-4000:].decode(errors="replace")


def _come_back(terminal: Terminal) -> None:
    """Go back to the main screen, stop what runs, and show that keys still do something."""
    terminal.resize(140, 45)
    terminal.process.send("\x1b[201~")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        for key in ("\x1b", "n"):
            terminal.press(key)
            terminal.read(0.5)
        if re.search(r"\b0 of \d+ chosen", terminal.text):
            return
        terminal.press("f")  # the screen may be frozen; the same key lets it catch up
    raise AssertionError(f"it does not answer any more:\n{terminal.text}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_typed_clicked_or_sent_ends_or_hangs_the_app(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    chance = random.Random(seed)
    with Terminal("-m", "logistic-regression", "-m", "linear-svm", "-n", "2000") as terminal:
        terminal.until("Nothing is measured yet")
        terminal.press("p")
        terminal.until("measured: ")
        _play(terminal, chance)
        _come_back(terminal)
        terminal.press("qq")  # it asks once while it measures
        terminal.gone_within(20)
        terminal.process.wait()
        assert b"Traceback" not in terminal.raw
        assert terminal.process.exitstatus == 0
        assert "Logistic Regression" in terminal.raw.rpartition(b"\x1b[?1049l")[2].decode(errors="replace")
