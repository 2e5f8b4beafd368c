"""Mail and calls that runs cause: rows of the run's own transaction, sent after it.

At least once: a worker that dies between sending and noting it sends again, under the same
Idempotency-Key or Message-ID.
"""

from __future__ import annotations

from automation.outbox.answers import takes_answers
from automation.outbox.decisions import cancel, send_again
from automation.outbox.digests import close_digest
from automation.outbox.put import put_call, put_mail
from automation.outbox.sending import send_due

__all__ = [
    "cancel",
    "close_digest",
    "put_call",
    "put_mail",
    "send_again",
    "send_due",
    "takes_answers",
]
