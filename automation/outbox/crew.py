"""Threads of a worker process that send, so that no delivery waits for a slow host."""

from __future__ import annotations

import logging
import os
import threading

from django.db import connection

from automation.healing import HEALS
from automation.outbox.sending import send_due

log = logging.getLogger(__name__)

MOST = 3  # threads of a process


class Crew:
    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._at_work = 0
        self._process = os.getpid()

    def call(self) -> None:
        """One more thread sends until nothing is due, unless enough are at it; returns at once."""
        with self._counting:
            if self._process != os.getpid():  # threads do not survive a fork
                self._process, self._at_work = os.getpid(), 0
            if self._at_work >= MOST:
                return
            self._at_work += 1
        threading.Thread(target=self._work, name="outbox").start()

    def _work(self) -> None:
        """A process that ends waits for what its threads send at this moment, and no longer."""
        try:
            send_due(going=threading.main_thread().is_alive)
        except HEALS as error:
            log.warning("The database is in trouble, the sweep will send: %s", error)
        except Exception:  # nobody waits for the thread, so nobody else would tell of it
            log.exception("The outbox stopped, the sweep will start it again")
        finally:
            connection.close()
            with self._counting:
                self._at_work -= 1


call_crew = Crew().call
