"""Hosts that are reached over SSH: network namespaces of this machine, each with an address and an sshd of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("asyncssh")
pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("cluster")]

END_SECONDS = 30.0
"""Generous, because the machine may be busy."""


def _command(line: str) -> None:
    subprocess.run(line.split(), check=True, capture_output=True)


class Hosts:
    """Two namespaces on a bridge."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"l{os.getpid() % 100_000}"
        self.names = (f"{self.mark}a", f"{self.mark}b")
        self.network = f"10.{os.getpid() % 200 + 20}.{os.getpid() // 200 % 250}"
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        ssh = self.folder / ".ssh"
        ssh.mkdir(mode=0o700)
        for key in (ssh / "id", self.folder / "host_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        _command(f"ip link add {self.mark} type bridge")
        _command(f"ip addr add {self.network}.1/24 dev {self.mark}")
        _command(f"ip link set {self.mark} up")
        Path("/run/sshd").mkdir(exist_ok=True)
        host_key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        for number, name in enumerate(self.names, 11):
            address = f"{self.network}.{number}"
            _command(f"ip netns add {name}")
            _command(f"ip link add v{name} type veth peer name eth0 netns {name}")
            _command(f"ip link set v{name} master {self.mark} up")
            _command(f"ip -n {name} addr add {address}/24 dev eth0")
            _command(f"ip -n {name} link set eth0 up")
            _command(f"ip -n {name} link set lo up")
            settings = [f"ListenAddress {address}", f"HostKey {self.folder}/host_key", "StrictModes no", "UsePAM no"]
            settings += [f"AuthorizedKeysFile {ssh}/id.pub", "PidFile none", "SetEnv LATENCY_TUI_LOCK="]
            configuration = self.folder / f"{name}.conf"
            configuration.write_text("\n".join(settings) + "\n")
            daemon = [
                "ip",
                "netns",
                "exec",
                name,
                shutil.which("sshd") or "/usr/sbin/sshd",
                "-D",
                "-f",
                str(configuration),
            ]
            self.daemons[name] = subprocess.Popen(daemon, stderr=subprocess.DEVNULL)
            with (ssh / "config").open("a") as file:
                file.write(f"Host {name}\n  HostName {address}\n  User root\n  IdentityFile {ssh}/id\n")
                file.write(f"  UserKnownHostsFile {ssh}/known_hosts\n")
            with (ssh / "known_hosts").open("a") as file:
                file.write(f"{address} {host_key}\n")
        time.sleep(1)

    def close(self) -> None:
        for daemon in self.daemons.values():
            for child in psutil.Process(daemon.pid).children(recursive=True):
                child.kill()
            daemon.kill()
            daemon.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self.mark], check=False, capture_output=True)

    def processes(self) -> list[str]:
        """Return the command lines of workers and engines on the hosts."""
        found = []
        for name in self.names:
            listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False)
            for pid in listed.stdout.split():
                with contextlib.suppress(psutil.Error):
                    line = " ".join(psutil.Process(int(pid)).cmdline())
                    found += [line] if "dask_spec" in line or "latency_tui" in line else []
        return found

    def run(self, *options: str, hosts: str = "") -> subprocess.Popen[str]:
        named = hosts or ",".join(self.names)
        command = [sys.executable, "-m", "latency_tui", "run", "--hosts", named, "--no-history"]
        return subprocess.Popen(
            [*command, "--format", "json", "--no-samples", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder)},
        )


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "ssh-keygen"))) or not _has_sshd():
        pytest.skip("network namespaces with sshd need root, iproute2 and openssh-server")
    made = Hosts(tmp_path_factory.mktemp("hosts"))
    try:
        try:
            made.start()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine refuses network namespaces: {error.stderr}")
        yield made
    finally:
        made.close()


def _has_sshd() -> bool:
    return shutil.which("sshd") is not None or Path("/usr/sbin/sshd").exists()


def _wait_until(holds: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_hosts_measure_over_ssh_and_one_that_cannot_be_reached_is_named(hosts: Hosts) -> None:
    process = hosts.run("-m", "logistic-regression", "-n", "20", hosts=f"{hosts.names[0]},missing.invalid,local")
    out, err = process.communicate(timeout=300)
    found = json.loads(out)
    assert process.returncode == 1
    assert [host["host"] for host in found["hosts"]] == [hosts.names[0], "local", "missing.invalid"]
    assert "cannot be reached over SSH" in found["hosts"][2]["error"]
    for host in found["hosts"][:2]:
        assert host["error"] == ""
        assert host["result"]["candidates"][0]["calls"] == 20
    assert "Traceback" not in err
    _wait_until(lambda: not hosts.processes(), END_SECONDS)


def test_an_interpreter_that_is_not_there_is_named_with_the_option(hosts: Hosts) -> None:
    process = hosts.run("-m", "logistic-regression", "-n", "20", "--remote-python", "/missing/python")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "/missing/python cannot be run there" in err
    assert "--remote-python" in err
    assert "Traceback" not in err


def test_a_killed_front_end_leaves_no_process_on_hosts(hosts: Hosts) -> None:
    process = hosts.run("-m", "logistic-regression", "-t", "60")
    _wait_until(lambda: sum("latency_tui.engine" in line for line in hosts.processes()) >= 2, 120)
    process.send_signal(signal.SIGKILL)
    process.wait()
    _wait_until(lambda: not hosts.processes(), END_SECONDS)


def test_a_host_that_is_cut_off_is_named_and_the_other_goes_on(hosts: Hosts, tmp_path: Path) -> None:
    # The time limit is shortened for the test: the program runs in a process that changes it first.
    code = (
        "import sys; from latency_tui.cluster import measuring; measuring.SILENT_SECONDS = 8.0\n"
        "from latency_tui.__main__ import main; sys.argv[0] = 'latency-tui'; sys.exit(main())"
    )
    options = ["run", "--hosts", ",".join(hosts.names), "--no-history", "-m", "logistic-regression", "-t", "15"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *options, "--format", "json", "--no-samples"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=hosts.folder,
        env={**os.environ, "HOME": str(hosts.folder)},
    )
    _wait_until(lambda: sum("latency_tui.engine" in line for line in hosts.processes()) >= 2, 120)
    time.sleep(5)
    _command(f"ip link set v{hosts.names[1]} down")
    try:
        out, err = process.communicate(timeout=300)
    finally:
        _command(f"ip link set v{hosts.names[1]} up")
    found = json.loads(out)
    assert process.returncode == 1, err
    first, second = found["hosts"]
    assert first["error"] == ""
    assert first["result"]["candidates"][0]["status"] == "measured"
    assert second["error"] != ""
    assert "Traceback" not in err


def test_what_runs_code_is_reachable_only_on_the_addresses_it_needs(hosts: Hosts) -> None:
    name = hosts.names[0]
    process = hosts.run("-m", "logistic-regression", "-t", "60", hosts=f"{name},local")
    _wait_until(lambda: len(hosts.processes()) > 2 or process.poll() is not None, 120)
    front_end = psutil.Process(process.pid)
    here = {
        one.laddr.ip
        for each in (front_end, *front_end.children(recursive=True))
        for one in each.net_connections()
        if one.status == psutil.CONN_LISTEN
    }
    listed = subprocess.run(
        ["ip", "netns", "exec", name, "ss", "-Hltn"], capture_output=True, text=True, check=True
    ).stdout
    there = {line.split()[3].rpartition(":")[0] for line in listed.splitlines()}
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert here == {"127.0.0.1", f"{hosts.network}.1"}, err
    assert there == {"127.0.0.1", f"{hosts.network}.11"}, err
    assert "8787" not in err
