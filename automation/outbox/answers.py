"""Who takes the answers to calls: by name, since rows outlive processes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from automation.models import Outgoing

log = logging.getLogger(__name__)

Taker = Callable[[Outgoing], None]
TAKERS: dict[str, Taker] = {}


def takes_answers(name: str) -> Callable[[Taker], Taker]:
    """Register a function that gets each call put with ``taker=name``, once it was answered 2xx.

    It runs in a worker, in a transaction with the note that it did: its effects happen once. What
    it raises ends that; the row then says so.
    """

    def register(taker: Taker) -> Taker:
        TAKERS[name] = taker
        return taker

    return register


def take_answers() -> None:
    """Hand every answer that waits to who takes it."""
    while _take_next():
        pass


def _take_next() -> bool:
    with transaction.atomic():
        row = Outgoing.objects.untaken().select_for_update(skip_locked=True).order_by("pk").first()
        if row is None:
            return False
        try:
            with transaction.atomic():
                TAKERS[row.taker](row)
        except (OperationalError, InterfaceError):  # heals
            raise
        except Exception as error:
            log.exception("The answer to %s could not be used", row.public_id)
            row.outcome += f" The answer could not be used: {type(error).__name__}: {error}."
        row.taken_at = timezone.now()
        row.save(update_fields=["taken_at", "outcome"])
    return True
