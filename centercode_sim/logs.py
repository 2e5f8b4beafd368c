from __future__ import annotations

import logging
import time


class OnceInAWhile(logging.Filter):
    """Lets one record through, then none for some seconds: a flood of trouble is one mail."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now < self.next:
            return False
        self.next = now + self.seconds
        return True
