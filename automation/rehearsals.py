"""What would come of a request that came once, if it came now. Nothing of it stays."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.datastructures import CaseInsensitiveMapping

from access.callers import Caller
from automation.brakes import Brakes
from automation.intake import as_listener_reads, as_told
from automation.models import Delivery, ExternalListener
from automation.models.outcomes import public_id
from automation.pauses import pause_over
from automation.queue import lock_tickets, settle
from automation.reasons import DeliveryStatus, Reason, Stop
from automation.references import Directory, listener_of
from automation.runs import rehearsal
from automation.shown_runs import ShownRun, shown_runs

MOST_DAYS = 30
MOST_REQUESTS = 200
LONGEST = 20.0  # seconds for all of them
BRAKE = (
    "The listener would be held: this request would change more tickets than it may at once "
    "without being asked."
)
NOT_REHEARSED = "A refused request reached no listener: nothing would happen."
TROUBLE = "The database is in trouble, and the request would be tried again later: {why}"


@dataclass(frozen=True)
class Rehearsed:
    """How a request would have ended, with the runs on its tickets."""

    request: Delivery  # as it came
    ended: Delivery  # as it would end; there is no such row
    runs: list[ShownRun]
    waits: str  # why it would not be looked at yet; empty where it would

    @property
    def sentence(self) -> str:
        if self.ended.status != DeliveryStatus.RECEIVED:
            return self.ended.sentence
        return TROUBLE.format(**self.ended.evidence) if self.ended.next_attempt_at else BRAKE


@dataclass(frozen=True)
class RehearsedDays:
    found: int  # requests of these days
    rehearsed: list[Rehearsed]  # oldest first

    @property
    def left(self) -> int:
        return self.found - len(self.rehearsed)


def may_be_rehearsed(delivery: Delivery) -> bool:
    """A refused request never reached a listener."""
    return delivery.listener is not None and delivery.status != DeliveryStatus.REFUSED


def rehearse(delivery: Delivery, caller: Caller) -> Rehearsed:
    """What would come of ``delivery`` now, were its listener on."""
    with received_anew(delivery) as ended:
        runs = ended.executions.select_related("listener").order_by("pk")
        waits = _waits(listener_of(delivery))
        return Rehearsed(delivery, ended, shown_runs(runs, caller), waits)


@contextmanager
def received_anew(delivery: Delivery) -> Iterator[Delivery]:
    """A copy of ``delivery`` that its listener, switched on, received and settled just now.

    It has no delivery id, so that it is no repeat. After the block nothing of it is there.
    """
    with rehearsal():
        again = _copy(delivery)
        again.save(force_insert=True)
        named = Directory([again]).named_by(again)
        lock_tickets(named.tickets)
        settle(again, named, Brakes())
        yield again


def _copy(delivery: Delivery) -> Delivery:
    """Read from its body once more: the listener's expressions may be others by now."""
    again = copy(delivery)
    again.listener = copy(listener_of(delivery))
    again.listener.enabled = True
    if again.listener.held_at:
        again.listener.most_tickets = 0  # as once somebody let it go on
    again.pk, again.public_id, again.delivery_id = None, public_id(), ""
    again.received_at = timezone.now()
    again.status, again.reason, again.evidence = DeliveryStatus.RECEIVED, "", {}
    again.attempts, again.duplicate_of = 1, None
    again.claimed_at = again.next_attempt_at = again.settled_at = again.behind = None
    if again.has_body:
        try:
            headers = CaseInsensitiveMapping(again.header_map)
            event = again.listener.external_sender.read(headers, again.payload)
            event = as_listener_reads(again.listener, event, again.payload)
        except Stop:  # what was stored can be read, unless a later version reads otherwise
            return again
        for name, value in as_told(event).items():
            setattr(again, name, value)
    return again


def _waits(listener: ExternalListener) -> str:
    if pause_over(listener.project):
        return "Everything is paused here: it would wait until somebody lets it go on."
    if listener.held_at:
        return "The listener is held: it would wait until somebody lets it go on."
    return ""


def requests_of(listener: ExternalListener, days: int) -> QuerySet[Delivery]:
    """What came within so many days: no repeats, and nothing refused."""
    since = timezone.now() - timedelta(days=days)
    came = Delivery.objects.filter(listener=listener, received_at__gte=since)
    return came.exclude(status=DeliveryStatus.REFUSED).exclude(reason=Reason.DUPLICATE)


def rehearse_days(listener: ExternalListener, days: int, caller: Caller) -> RehearsedDays:
    """The newest of the last days' requests, in the order in which they came."""
    came = requests_of(listener, days)
    newest = list(came.order_by("-pk").values_list("pk", flat=True)[:MOST_REQUESTS])
    return RehearsedDays(came.count(), list(_each(newest[::-1], caller)))


def _each(pks: Iterable[int], caller: Caller) -> Iterator[Rehearsed]:
    """Each in a short transaction of its own: others write in between."""
    end = time.monotonic() + LONGEST
    for pk in pks:
        if time.monotonic() > end:
            return
        delivery = whole(pk)
        if delivery is not None:
            yield rehearse(delivery, caller)


def whole(pk: int) -> Delivery | None:
    """The request with all that settling it asks for; None where it was deleted meanwhile."""
    related = ("listener__macro", "listener__filter__feedback_type__project")
    rows = Delivery.objects.select_related(*related, "listener__feedback_type__project", "whole")
    return rows.filter(pk=pk).first()
