"""A real installation for the tests: PostgreSQL, Redis, and the processes of the Procfile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).parent.parent
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())

MAKE = """
import json, django
django.setup()
from automation.macros import save_macro
from automation.models import Macro
from tests.conftest import closing_macro, make_beta, make_key, make_listener
from feedback.services import submit_ticket
beta = make_beta()
for number in range(2, {tickets} + 1):
    submit_ticket(beta.bugs, summary=f"Ticket {{number}}", submitter=beta.ada)
comment = {{"add_comment": {{"body": "Seen", "exposure": "public"}}}}
make_listener(beta, save_macro(Macro(feedback_type=beta.bugs, name="Note"), comment),
    name="Note", key="note", sender="generic")
make_listener(beta, closing_macro(beta), name="Close", key="close", sender="generic")
make_listener(beta, closing_macro(beta, "Reopen", beta.open), name="Reopen", key="reopen",
    sender="generic")
print(json.dumps(make_key().secret))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true, *, within: float, what: str):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with suppress(OSError):
            if found := true():
                return found
        time.sleep(0.05)
    raise AssertionError(f"Not within {within} s: {what}")


class Redis:
    """A broker of our own, which keeps nothing on disk."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        options = ["--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [shutil.which("redis-server") or "redis-server", *options],
            stdout=subprocess.DEVNULL,
        )
        wait_until(lambda: self._answers(), within=10, what="Redis answers")

    def _answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Installation:
    def __init__(self, folder: Path, server_url: str, *, tickets: int) -> None:
        self.server_url = server_url
        self.name = f"test_installation_{os.getpid()}_{free_port()}"
        self.port = free_port()
        self.redis = Redis()
        self.running: list[subprocess.Popen[bytes]] = []
        self._administer(f"CREATE DATABASE {self.name}")
        parts = urlsplit(server_url)
        self.database_url = parts._replace(path=f"/{self.name}").geturl()
        self.log = (folder / "log").open("wb")
        self.environ = {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "CELERY_BROKER_URL": f"redis://127.0.0.1:{self.redis.port}/0",
            "DATA_DIR": str(folder),
            "ENV_FILE": os.devnull,
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "centercode_sim.settings",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self._python("manage.py", "migrate", "--verbosity", "0")
        self.key = json.loads(self._python("-c", MAKE.format(tickets=tickets)))

    def _python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environ,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(statement)

    def start(self, name: str, extra: str = "") -> subprocess.Popen[bytes]:
        """A process of the Procfile, as a process manager starts it."""
        process = subprocess.Popen(
            ["sh", "-c", f"exec {PROCFILE[name]} {extra}"],
            cwd=ROOT,
            env=self.environ,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.running.append(process)
        if name == "web":
            address = f"http://127.0.0.1:{self.port}/healthz"
            wait_until(
                lambda: urllib.request.urlopen(address, timeout=2), within=60, what="web answers"
            )
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End it and its children at once, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def post(self, listener: str, find: str, headers: dict[str, str] | None = None) -> dict:
        address = f"http://127.0.0.1:{self.port}/api/v1/projects/beta/feedbackListeners/{listener}"
        request = urllib.request.Request(
            f"{address}?find={find}",
            method="POST",
            headers={"X-API-Key": self.key} | (headers or {}),
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def rows(self, query: str) -> list[tuple]:
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(query).fetchall()

    def value(self, query: str):
        return self.rows(query)[0][0]

    def settled(self) -> bool:
        return not self.value("SELECT count(*) FROM automation_delivery WHERE status = 'received'")

    def end(self) -> None:
        for process in self.running:
            self.kill(process)
        self.redis.kill()
        self.log.close()
        self._administer(f"DROP DATABASE {self.name} WITH (FORCE)")
