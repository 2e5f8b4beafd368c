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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
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
from feedback.services import (submit_ticket)
beta = make_beta()
for number in range(2, {tickets} + 1):
    submit_ticket(beta.bugs, summary=f"Ticket {{number}}", submitter=beta.ada)
comment = [("add_comment", {{"body": "Seen", "exposure": "public"}})]
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


class Database:
    """One of our own on the server: empty, or a copy of another."""

    def __init__(self, server_url: str, copy_of: Database | None = None) -> None:
        self.server_url = server_url
        self.name = f"test_installation_{os.getpid()}_{free_port()}"
        self.url = urlsplit(server_url)._replace(path=f"/{self.name}").geturl()
        template = f" TEMPLATE {copy_of.name}" if copy_of else ""
        self._administer(f"CREATE DATABASE {self.name}{template}")

    def drop(self) -> None:
        self._administer(f"DROP DATABASE {self.name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(statement)


class Furnished:
    """A database with the cast of the stories, for each installation to begin with a copy."""

    def __init__(self, server_url: str, folder: Path, *, tickets: int) -> None:
        self.database = Database(server_url)
        environ = environ_of(self.database, folder)
        run_python(environ, "manage.py", "migrate", "--verbosity", "0")
        self.key = json.loads(run_python(environ, "-c", MAKE.format(tickets=tickets)))


def environ_of(database: Database, folder: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": database.url,
        "CELERY_BROKER_URL": "",
        "DATA_DIR": str(folder),
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "centercode_sim.settings",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        **more,
    }


def run_python(environ: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environ,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


class Installation:
    def __init__(self, folder: Path, furnished: Furnished) -> None:
        self.database = Database(furnished.database.server_url, copy_of=furnished.database)
        self.key = furnished.key
        self.port = free_port()
        self.redis = Redis()
        self.running: list[subprocess.Popen[bytes]] = []
        self.log = (folder / "log").open("wb")
        self.environ = environ_of(
            self.database,
            folder,
            CELERY_BROKER_URL=f"redis://127.0.0.1:{self.redis.port}/0",
            PORT=str(self.port),
        )

    def start(self, name: str, extra: str = "") -> subprocess.Popen[bytes]:
        """A process of the Procfile, as a process manager starts it."""
        process = self._spawn(["sh", "-c", f"exec {PROCFILE[name]} {extra}"])
        if name == "web":
            address = f"http://127.0.0.1:{self.port}/healthz"
            wait_until(
                lambda: urllib.request.urlopen(address, timeout=2), within=60, what="web answers"
            )
        return process

    def _spawn(self, command: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environ,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def restart_what_died(self) -> None:
        """As every process manager does: a worker that loses its broker may end itself."""
        for process in [each for each in self.running if each.poll() is not None]:
            self.kill(process)
            self.running.remove(process)
            self._spawn(process.args)

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
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(query).fetchall()

    def value(self, query: str):
        return self.rows(query)[0][0]

    @contextmanager
    def holding(self, statement: str) -> Iterator[None]:
        """While it lasts, whoever needs the locks that ``statement`` takes must wait for us."""
        with psycopg.connect(self.database.url) as connection:
            connection.execute(statement)
            yield

    def somebody_waits_for_a_lock(self) -> bool:
        return bool(
            self.value(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )

    def settled(self) -> bool:
        return not self.value("SELECT count(*) FROM automation_delivery WHERE status = 'received'")

    def end(self) -> None:
        for process in self.running:
            self.kill(process)
        self.redis.kill()
        self.log.close()
        self.database.drop()
