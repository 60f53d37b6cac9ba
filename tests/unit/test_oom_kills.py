"""Evidence that Linux killed a process because memory ran out."""

from __future__ import annotations

from pathlib import Path

import pytest

from latency_tui.engine.server.oom_kills import count_oom_kills


@pytest.mark.parametrize(
    ("groups", "file", "content", "count"),
    [
        ("0::/app/box", "app/box/memory.events", "low 0\noom 5\noom_kill 3\noom_group_kill 7\n", 5),
        ("0::/", "memory.events", "oom_kill 1\n", 3),
        ("9:memory:/app", "memory/app/memory.oom_control", "under_oom 0\noom_kill 4\n", 6),
        ("7:cpu,memory:/", "memory/memory.oom_control", "oom_kill 1\n", 3),
        ("1:name=systemd:/", "memory.events", "oom_kill 9\n", 2),
        ("garbage", "memory.events", "oom_kill 9\n", 2),
    ],
)
def test_kills_of_the_host_and_of_the_own_group_count(
    tmp_path: Path, groups: str, file: str, content: str, count: int
) -> None:
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "vmstat").write_text("pgfault 12\noom_kill 2\nswap_ra 0\n")
    (proc / "self" / "cgroup").write_text(f"{groups}\n")
    (cgroups / file).parent.mkdir(parents=True, exist_ok=True)
    (cgroups / file).write_text(content)
    assert count_oom_kills(proc, cgroups) == count


def test_a_system_without_these_files_has_no_evidence(tmp_path: Path) -> None:
    assert count_oom_kills(tmp_path, tmp_path) == 0
