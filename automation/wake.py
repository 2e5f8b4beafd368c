"""Tell a worker that something was received: one message for all that came in a moment.

A thread sends it, so that the door never waits for a broker. A message that is lost loses
nothing: the sweep finds the rows.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from automation.tasks import settle_received

log = logging.getLogger(__name__)

MOMENT = 0.02  # seconds
EXPIRES = 5  # seconds: later the sweep has done its work


class Waker:
    def __init__(self) -> None:
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
                settle_received.apply_async(retry=False, expires=EXPIRES)
            except Exception as error:
                log.warning("The broker cannot be reached, the sweep will do: %s", error)
            time.sleep(MOMENT)


wake = Waker().wake
