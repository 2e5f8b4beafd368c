"""Tell a worker that there is work: one message for all that came in a moment.

A thread sends it, so that nobody waits for a broker. A message that is lost loses nothing: the
sweep finds the rows.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from celery import current_app

log = logging.getLogger(__name__)

MOMENT = 0.02  # seconds
EXPIRES = 5  # seconds: later the sweep has done its work


class Waker:
    def __init__(self, task: str) -> None:
        self._task = task
        self._called = threading.Event()
        self._starting = threading.Lock()
        self._process = 0

    def wake(self) -> None:
        self._called.set()
        if self._process != os.getpid():  # a thread does not survive a fork
            with self._starting:
                if self._process != os.getpid():
                    self._process = os.getpid()
                    threading.Thread(target=self._run, name="waker", daemon=True).start()

    def _run(self) -> None:
        while self._called.wait():
            self._called.clear()
            try:
                current_app.send_task(self._task, retry=False, expires=EXPIRES)
            except Exception as error:
                log.warning("The broker cannot be reached, the sweep will do: %s", error)
            time.sleep(MOMENT)


wake = Waker("automation.tasks.settle_received").wake
wake_outbox = Waker("automation.tasks.send_outgoing").wake
