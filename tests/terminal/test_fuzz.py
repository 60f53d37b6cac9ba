"""2,500 keys, clicks, sizes, pastes and bytes of junk, the seeds fixed: no traceback, no hang, and results are kept."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.terminal.terminal import Terminal

SEEDS = range(5)
EVENTS = 500
_KEYS = [*"ptpucovanbdisyefjkhl0137/+-[]?r:<>gG zZéß", "\x1b", "\x1b", "\r", "\r", " ", "\t", "\x10", "\x7f", "\x14"]
_SEQUENCES = [
    *("\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x1b[Z", "\x1bOP"),
    *("\x1b[15~", "\x1b[I", "\x1b[O", "\x1b[200~", "\x1b[201~", "\x1b[1;5C"),
]
_SIZES = [(140, 45), (100, 30), (80, 24), (60, 20), (40, 12), (20, 6), (3, 2), (1, 1), (250, 70)]
_PASTES = ["iris", "random-forest[n_jobs=1]", "no such", "a\nb\nc", "/", "~", "\x00\x1b", "9" * 50, "é" * 300]


_LEAVES_SCREEN = b"\x1b[?1049l"


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


def _clicks_on_quit(terminal: Terminal, burst: bytes) -> bool:
    """Return whether a click is on the footer's `q Quit`, which would end the run early."""
    lines = terminal.text.splitlines()
    for x, y in ((int(x), int(y)) for x, y in re.findall(rb"\x1b\[<\d+;(\d+);(\d+)M", burst)):
        place = lines[y - 1].find("q Quit") if y <= len(lines) else -1
        if place >= 0 and place <= x <= place + len(" q Quit "):
            return True
    return False


def _play(terminal: Terminal, chance: random.Random) -> bool:
    """Send the events; return whether the app is still there, for the palette may end it."""
    for _ in range(EVENTS):
        if chance.random() < 0.03:
            terminal.resize(*chance.choice(_SIZES))
        else:
            burst = _burst(chance).replace(b"q", b"j").replace(b"\x11", b"").replace(b"\x03", b"")
            if not _clicks_on_quit(terminal, burst):
                terminal.process.send(burst)
            terminal.read(chance.choice((0.0, 0.0, 0.02, 0.1)))
        if not terminal.process.isalive():
            return False
    return True


def _come_back(terminal: Terminal) -> None:
    """Go back to the main screen, which shows itself by opening the help: dialogs and fields take the key as text."""
    terminal.resize(140, 45)
    terminal.process.send("\x1b[201~")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        terminal.press("\x1b")
        terminal.read(0.3)
        if _shows(terminal, "?", r"Keys \(1 of \d+\)"):
            terminal.press("\x1b")
            return
        terminal.press("f")  # the screen may be frozen; the same key lets it catch up
    raise AssertionError(f"it does not answer any more:\n{terminal.text}")


def _shows(terminal: Terminal, key: str, pattern: str) -> bool:
    """Press a key, and return whether the screen soon shows what it does on the main screen."""
    terminal.press(key)
    return _soon(terminal, lambda: bool(re.search(pattern, terminal.text)), 3)


def _soon(terminal: Terminal, true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        terminal.read(0.05)
    return true()


def _leave(terminal: Terminal) -> None:
    """Press `q` until every process is gone."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        terminal.press("q")
        if _soon(terminal, lambda: not terminal.processes(), 5):
            return
    raise AssertionError(f"left behind: {[process.cmdline() for process in terminal.processes()]}\n{terminal.text}")


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_typed_clicked_or_sent_ends_or_hangs_the_app(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    chance = random.Random(seed)
    with Terminal("-m", "logistic-regression", "-m", "linear-svm", "-n", "2000") as terminal:
        terminal.until("Nothing is measured yet", 120)
        terminal.press("p")
        terminal.until("measured: ", 300)
        if _play(terminal, chance):
            _come_back(terminal)
            _leave(terminal)
        terminal.gone_within(20)
        terminal.process.wait()
        printed = re.sub(
            r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.raw.rpartition(_LEAVES_SCREEN)[2].decode(errors="replace")
        )
        assert terminal.process.exitstatus == 0, printed
        assert "Traceback" not in printed
        assert "Warning" not in printed
        assert re.search(r"^(model|batch)\b", printed, re.MULTILINE), printed  # the table of the last result
