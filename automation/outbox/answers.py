"""Who takes the answers to calls: by name, since rows outlive processes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from automation.healing import HEALS, renew_connection
from automation.models import Outgoing
from automation.pauses import unpaused

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
    """Hand every answer that waits to who takes it, but for what is paused."""
    for pk in list(_untaken().order_by("pk").values_list("pk", flat=True)):
        try:
            _take(pk)
        except HEALS as error:  # heals: the sweep takes it again
            log.warning("The answer to call %s met trouble: %s", pk, error)
            renew_connection()


def _untaken() -> QuerySet[Outgoing]:
    return Outgoing.objects.untaken().filter(unpaused("project"))


@transaction.atomic
def _take(pk: int) -> None:
    row = _untaken().select_for_update(skip_locked=True).filter(pk=pk).first()
    if row is None:  # taken meanwhile, or paused
        return
    try:
        with transaction.atomic():
            TAKERS[row.taker](row)
    except HEALS:
        raise
    except Exception as error:  # a mistake in one answer is no reason to keep back the others
        log.exception("The answer to %s could not be used", row.public_id)
        row.outcome += f" The answer could not be used: {type(error).__name__}: {error}."
    row.taken_at = timezone.now()
    row.save(update_fields=["taken_at", "outcome"])
