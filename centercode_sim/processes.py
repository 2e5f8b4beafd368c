"""The processes of the embedded mode: started, watched, restarted and stopped in order."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from centercode_sim.environment import BASE_DIR

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a dead child is started again
STOP_WITHIN = 8.0
STOPPING = (signal.SIGINT, signal.SIGTERM)
PR_SET_PDEATHSIG = 1

logger = logging.getLogger(__name__)
prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


class Child:
    """One process in a session of its own, where Ctrl-C does not reach it."""

    def __init__(self, name: str, *command: str) -> None:
        self.name = name
        self.command = [sys.executable, *command]
        self.pause = FIRST_PAUSE
        self.start()

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            cwd=BASE_DIR,
            start_new_session=True,
            preexec_fn=stop_with_parent,
        )

    def keep_alive(self) -> None:
        age = time.monotonic() - self.started
        if self.process.poll() is None or age < self.pause:
            return
        logger.warning("%s ended with code %s, starting again", self.name, self.process.returncode)
        self.kill()
        self.pause = FIRST_PAUSE if age > 2 * LONGEST_PAUSE else min(self.pause * 2, LONGEST_PAUSE)
        self.start()

    def stop(self, deadline: float) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.1, deadline - time.monotonic()))
        self.kill()

    def kill(self) -> None:
        """End what is left of the child's session, its own children included."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def stop_with_parent() -> None:
    if prctl:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def interrupt_on_stop() -> None:
    """SIGTERM ends us as Ctrl-C does, also where a shell started us in the background."""
    for number in STOPPING:
        signal.signal(number, signal.default_int_handler)


def stop_all(children: Sequence[Child], *, within: float = STOP_WITHIN) -> None:
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    deadline = time.monotonic() + within
    for child in children:
        child.stop(deadline)
