"""The embedded mode, as it really runs: on SQLite, without Redis."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from tests.installation import ROOT, free_port, wait_until

pytestmark = pytest.mark.processes

NAMES = ("web", "beat", "worker")
SIGNS = {"web": b"granian", "beat": b"--pidfile=", "worker": b"--pool"}


class Hub:
    """``manage.py up`` on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, **self.options()
            )

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "up", "--port", str(self.port)]

    def options(self, **environ: str) -> dict:
        given = {"DATA_DIR": str(self.folder), "DATABASE_URL": "", "CELERY_BROKER_URL": ""}
        return {"cwd": ROOT, "env": os.environ | given | {"ENV_FILE": os.devnull} | environ}

    def serves(self) -> bool:
        address = f"http://127.0.0.1:{self.port}/healthz"
        return urllib.request.urlopen(address, timeout=2).status == 200

    def children(self) -> dict[str, int]:
        """The process ids of those that run, by name."""
        found: dict[str, int] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                command = (folder / "cmdline").read_bytes()
                if int(parent) == self.process.pid:
                    found |= {name: int(folder.name) for name in NAMES if SIGNS[name] in command}
        return found

    def again(self, **environ: str) -> str:
        """What a second one says, which is to refuse."""
        second = subprocess.run(
            self.command(), capture_output=True, text=True, **self.options(**environ)
        )
        assert second.returncode == 1
        return second.stderr

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)


@pytest.fixture
def hub(tmp_path):
    hub = Hub(tmp_path)
    try:
        wait_until(hub.serves, within=60, what="the hub serves")
        wait_until(lambda: len(hub.children()) == 3, within=30, what="all three run")
        yield hub
    finally:
        hub.stop()


def test_ctrl_c_stops_everything_without_a_traceback(hub):
    children = hub.children()

    hub.stop()

    assert hub.process.returncode == 0
    assert not [name for name, pid in children.items() if Path(f"/proc/{pid}").exists()]
    assert "Traceback" not in hub.log.read_text()
    socket.create_server(("127.0.0.1", hub.port)).close()


def test_a_killed_worker_is_started_again(hub):
    first = hub.children()["worker"]

    os.kill(first, signal.SIGKILL)

    again = wait_until(
        lambda: hub.children().get("worker", first) != first, within=30, what="a new worker"
    )
    assert again
    assert "worker ended with code -9, starting again" in hub.log.read_text()


def test_a_second_one_is_refused_with_a_sentence(hub, tmp_path):
    assert "Another “manage.py up” runs on" in hub.again()
    other = str(tmp_path / "other")
    assert f"Port {hub.port} of 127.0.0.1 cannot be used" in hub.again(DATA_DIR=other)
