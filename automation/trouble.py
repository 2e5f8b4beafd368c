"""What nobody foresaw ends the run that met it, and no other; what heals is tried again later."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from automation.healing import HEALS, renew_connection
from automation.listener_types.base import Work
from automation.models import BulkTicket, Execution
from automation.reasons import Reason, Stop
from automation.rehearsing import unless_rehearsing
from automation.runs import carry_out, refuse
from automation.storable import storable
from feedback.models import TicketEvent

log = logging.getLogger(__name__)
log.addFilter(unless_rehearsing)

MOST_ATTEMPTS = 6
FIRST_WAIT = timedelta(seconds=5)  # doubled at each attempt


def wait_after(attempts: int) -> timedelta:
    return FIRST_WAIT * 2 ** (min(attempts, MOST_ATTEMPTS) - 1)


def try_later(
    rows: QuerySet[BulkTicket] | QuerySet[TicketEvent], what: str, error: Exception
) -> None:
    """Let the first of ``rows``, about ``what``, wait: what is no mistake of a run may heal."""
    unusual = not isinstance(error, HEALS)
    log.warning("%s met trouble: %s", what, error, exc_info=unusual)
    renew_connection()
    for row in rows.order_by("pk")[:1]:
        row.attempts = min(row.attempts + 1, MOST_ATTEMPTS)
        row.next_attempt_at = timezone.now() + wait_after(row.attempts)
        row.save(update_fields=["attempts", "next_attempt_at"])


def carry_out_alone(work: Work, execution: Execution, *, attempts: int = 0) -> Execution:
    """``carry_out``, but what nobody foresaw is kept as a failed run; what heals is raised.

    ``attempts`` met what heals before: after the last of them it gives up.
    """
    if attempts >= MOST_ATTEMPTS:
        why = "The database was in trouble each time."
        return refuse(work, execution, Stop(Reason.GAVE_UP, attempts=attempts, why=why))
    try:
        with transaction.atomic():
            return carry_out(work, execution)
    except HEALS:
        raise
    except Exception as error:  # a mistake in one run is no reason to stop those of others
        log.exception("%s failed on %s", work.title, execution.ticket)
        execution.pk = None
        ticket = execution.ticket.ref
        return refuse(work, execution, unforeseen(error, str(work.macro or work.title), ticket))


def unforeseen(error: Exception, macro: str, ticket: str) -> Stop:
    why = as_sentence(error)
    return Stop(Reason.ACTION_FAILED, action="The run", macro=macro, ticket=ticket, why=why)


def as_sentence(error: Exception) -> str:
    return storable(f"{type(error).__name__}: {error}".strip() + ".")


def each_alone(*parts: Callable[[], object]) -> bool:
    """Do every part, whatever becomes of the others; says whether each is through for now."""
    through = [_through(part) for part in parts]
    return all(through)


def _through(part: Callable[[], object]) -> bool:
    try:
        return part() is not False
    except Exception:  # the other parts must not wait for this one; the sweep comes back to it
        log.exception("What runs by itself met trouble, the sweep will try again")
        renew_connection()
        return True
