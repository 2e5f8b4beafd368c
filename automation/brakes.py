"""What stops a listener before it changes more tickets than it may without being asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from automation.models import Delivery, Execution, ExternalListener
from automation.reasons import Reason
from automation.references import listener_of


class Held(Exception):
    """The listener changes nothing more until somebody lets it go on."""


class Brakes:
    """The brakes of a batch's listeners.

    Whoever is about to change something has the rows of all of them until the commit: two workers
    never count past each other, and never wait for each other in a circle.
    """

    def __init__(self, listeners: Iterable[ExternalListener] = ()) -> None:
        self._braked = {each.pk for each in listeners if each.most_tickets}
        self._rows: dict[int, ExternalListener] = {}
        self._held: set[int] = set()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Effects, whole or not at all; what is rolled back lets go of the rows too."""
        try:
            with transaction.atomic():
                yield
        except BaseException:
            self._rows = {}
            raise

    def check_not_held(self, listener: ExternalListener) -> None:
        if listener.pk in self._held:
            raise Held

    def grip(self, listener: ExternalListener) -> None:
        """Before anything changes; raises Held where another worker held it meanwhile."""
        if listener.pk not in self._braked:
            return
        if not self._rows:
            rows = ExternalListener.objects.filter(pk__in=self._braked).order_by("pk")
            fresh = rows.only("most_tickets", "within_minutes", "held_at", "counted_from")
            self._rows = {row.pk: row for row in fresh.select_for_update(no_key=True)}
        if self._rows[listener.pk].held_at:
            raise Held

    def check(self, delivery: Delivery, runs: Iterable[Execution]) -> None:
        """After ``runs``; raises Held where they are too much. What somebody looked at, and let go
        on, is done whatever its size.
        """
        listener = listener_of(delivery)
        listener = self._rows.get(listener.pk, listener)
        own = {run.ticket_id for run in runs if run.reason == Reason.APPLIED}
        if not own or not listener.most_tickets:
            return
        others = _changed_by(listener, own)
        let_go = listener.counted_from and delivery.received_at < listener.counted_from
        if others + len(own) > listener.most_tickets and (others or not let_go):
            raise Held

    def hold(self, listener: ExternalListener) -> None:
        self._held.add(listener.pk)
        rows = ExternalListener.objects.filter(pk=listener.pk, held_at=None)
        rows.update(held_at=timezone.now())


def _changed_by(listener: ExternalListener, own: set[int]) -> int:
    """How many tickets besides ``own`` it changed of late; not many more than it may."""
    since = timezone.now() - timedelta(minutes=listener.within_minutes)
    changed = Execution.objects.filter(
        listener=listener,
        reason=Reason.APPLIED,
        created_at__gt=max(since, listener.counted_from or since),
    ).exclude(ticket__in=own)
    return changed.values("ticket").distinct()[: listener.most_tickets + 1].count()
