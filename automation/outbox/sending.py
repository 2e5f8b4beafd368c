"""What is due is claimed, sent outside of any transaction, and its result noted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from automation.models import Outgoing
from automation.outbox.answers import take_answers
from automation.outbox.calls import make_call
from automation.outbox.mail import send_mail
from automation.outbox.results import NotSent, Sent
from automation.outbox.secrets import without, without_secrets

log = logging.getLogger(__name__)

# Longer than any call or conversation with a mail server; then it counts as died with its worker.
CLAIM_HOLDS = timedelta(minutes=5)
HOLDS_OTHERS = timedelta(seconds=30)  # for so long nothing else goes to the same destination
CLAIMING = 7_101_970  # the number of a lock, like no other in the database
WAITS = [  # after the first, the second … attempt; a failure after the last of them is the end
    *(timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)),
    *(timedelta(hours=1), timedelta(hours=3), timedelta(hours=6), timedelta(hours=12)),
]
MOST_ATTEMPTS = len(WAITS) + 1
SENDERS: dict[str, Callable[[Outgoing], Sent]] = {
    Outgoing.Kind.MAIL: send_mail,
    Outgoing.Kind.CALL: make_call,
}


def send_due(*, going: Callable[[], bool] = lambda: True) -> int:
    """Send what is due, one after the other, while ``going``; returns how many were tried.

    Several at it, in threads or workers, send different ones, and not two to one destination.
    """
    tried = 0
    take_answers()
    while going() and (claimed := claim()):
        attempt(claimed)
        take_answers()
        tried += 1
    return tried


@transaction.atomic
def claim() -> Outgoing | None:
    """The next that is due, now ours; its attempt is committed before it is made."""
    _claim_alone()
    now = timezone.now()
    busy = Outgoing.objects.claimed_since(now - HOLDS_OTHERS)
    row = (
        Outgoing.objects.due(now)
        .exclude(destination__in=busy.values("destination"))
        .select_for_update(skip_locked=True)
        .order_by("next_attempt_at", "pk")
        .first()
    )
    if row is not None:
        row.attempts += 1
        row.claimed_at, row.next_attempt_at = now, now + CLAIM_HOLDS
        row.save(update_fields=["attempts", "claimed_at", "next_attempt_at"])
    return row


def _claim_alone() -> None:
    """Two who claim at once would not see that they claim for one destination."""
    if connection.vendor == "postgresql":  # SQLite has one writer anyway
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIMING])


def attempt(row: Outgoing) -> None:
    """Send ``row``, which is claimed, and note what came of it."""
    try:
        if row.attempts > MOST_ATTEMPTS:
            raise NotSent("The worker died each time.", heals=True)
        sent = SENDERS[row.kind](row)
    except NotSent as failure:
        _note_failure(row, failure)
    except Exception as error:
        log.exception("Outgoing %s failed", row.public_id)
        why = f"Something unexpected went wrong here: {type(error).__name__}: {error}."
        why = without(why, row.content.get("secrets", []))
        _note_failure(row, NotSent(why, heals=False))
    else:
        _note(
            row,
            status=Outgoing.Status.SENT,
            sent_at=timezone.now(),
            outcome=sent.outcome,
            answer=sent.answer,
            content=without_secrets(row.content),
        )


def _note_failure(row: Outgoing, failure: NotSent) -> None:
    if failure.heals and row.attempts < MOST_ATTEMPTS:
        wait = max(WAITS[row.attempts - 1], failure.wait)
        _note(
            row,
            next_attempt_at=timezone.now() + wait,
            outcome=str(failure),
            answer=failure.answer,
        )
        return
    tries = f" Tried {MOST_ATTEMPTS} times, no more." if failure.heals else ""
    _note(row, status=Outgoing.Status.FAILED, outcome=f"{failure}{tries}", answer=failure.answer)


def _note(row: Outgoing, **values: Any) -> None:
    """Unless the claim was too old, and another worker has it meanwhile."""
    ours = Outgoing.objects.waiting().filter(pk=row.pk, claimed_at=row.claimed_at)
    if not ours.update(claimed_at=None, **values):
        log.warning("Outgoing %s took so long that another worker sends it too", row.public_id)
