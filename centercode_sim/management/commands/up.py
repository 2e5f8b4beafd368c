from __future__ import annotations

import fcntl
import socket
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser, call_command

from centercode_sim import environment as env
from centercode_sim.processes import Child, interrupt_on_stop, stop_all

WEB = ("granian", "--interface", "wsgi", "--http", "1", "--no-ws", "--no-access-log")
QUIET = ("--log-level", "warning")
THREADS = ("--blocking-threads", "4")
AS_ROOT = ("-W", "ignore:You're running the worker with superuser privileges")
CELERY = ("celery", "--app", "centercode_sim", "--quiet")
WORKER = ("worker", "--pool", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat")
BEAT = ("beat", "--pidfile=")


class Command(BaseCommand):
    help = "Migrates, then runs web, worker and beat until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=port_number, default=env.text("PORT", "8000"))

    def handle(self, *args: Any, host: str, port: int, verbosity: int, **options: Any) -> None:
        interrupt_on_stop()
        try:
            with only_one(settings.DATA_DIR / "lock"):
                refuse_taken(host, port)
                call_command("migrate", interactive=False, verbosity=verbosity)
                if verbosity:
                    self.stdout.write(f"Serving http://{host}:{port}/ until Ctrl-C.")
                serve(host, port)
        except KeyboardInterrupt:
            if verbosity:
                self.stdout.write("Stopped.")


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"Another “manage.py up” runs on {lock.parent}. "
                "Stop it, or set DATA_DIR to a folder of its own."
            ) from None
        yield


def refuse_taken(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} of {host} cannot be used: {error.strerror}. "
                "Stop what listens there, or choose another, such as PORT=8001."
            ) from None


def port_number(value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise ArgumentTypeError(f"“{value}” is no port: give a number from 1 to 65535")
    return int(value)


def serve(host: str, port: int) -> None:
    address = ("--host", host, "--port", str(port), "centercode_sim.wsgi:application")
    children: list[Child] = []
    try:
        for name, *command in (
            ("web", "-m", *WEB, *QUIET, *THREADS, *address),
            ("beat", "-m", *CELERY, *BEAT),
            ("worker", *AS_ROOT, "-m", *CELERY, *WORKER),
        ):
            children.append(Child(name, *command))
        while True:
            time.sleep(0.2)
            for child in children:
                child.keep_alive()
    finally:
        stop_all(children)
