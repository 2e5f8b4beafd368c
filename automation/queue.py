"""Which delivery is looked at next: claimed in batches, in order per ticket, again if it heals.

The row is the truth. A claim is committed first, so that a delivery whose worker died with it is
known; the rows then stay locked until their batch commits, so that nobody else takes them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Prefetch, Q
from django.utils import timezone

from automation.brakes import Brakes, Held
from automation.execution import deliver
from automation.healing import HEALS, renew_connection
from automation.models import Delivery, ExternalListener
from automation.pauses import unpaused
from automation.reasons import Reason, Stop
from automation.references import Directory, Named, listener_of, that_may_name
from automation.rehearsing import unless_rehearsing
from automation.trouble import MOST_ATTEMPTS, as_sentence, unforeseen, wait_after
from feedback.models import Ticket

log = logging.getLogger(__name__)
log.addFilter(unless_rehearsing)

BATCH = {"sqlite": 10}  # short where the writer's lock is one for all
DEFAULT_BATCH = 100
CLAIM_HOLDS = timedelta(seconds=2)  # from the claim's commit until the rows are locked
LOOK_AGAIN = 0.05  # seconds, while another worker settles what ours waits for
MOST_LOOKS = 20
ONE_BATCH = 1.0  # seconds: its tickets are locked, and a repeated request may wait for it
ONE_TASK = 5.0  # seconds, so that a worker with a long queue can be stopped


def settle_all() -> bool:
    """What is due, oldest first, for a while; says whether nothing is left that could be settled.

    Two workers at it claim different deliveries.
    """
    end, looks = time.monotonic() + ONE_TASK, 0
    while looks < MOST_LOOKS and (settled := settle_batch()) is not None:
        if time.monotonic() > end:
            return False
        looks = 0 if settled else looks + 1
        if not settled:
            time.sleep(LOOK_AGAIN)
    return True


def settle_batch() -> int | None:
    """Settle some of what is due; returns how many, None where nothing was due."""
    claimed = claim(BATCH.get(connection.vendor, DEFAULT_BATCH))
    if not claimed:
        return None
    try:
        with transaction.atomic():
            return _settle_in_order(_lock_deliveries(claimed))
    except HEALS as error:
        renew_connection()
        _postpone(claimed, error)
        return 0


def claim(limit: int) -> list[int]:
    """Row ids that are ours to settle. What was tried before is claimed alone.

    What waits behind another is left out, lest it fill every claim while that one is held.
    """
    now = timezone.now()
    first = Delivery.objects.unsettled().filter(pk=OuterRef("behind"))
    with transaction.atomic():
        due = list(
            Delivery.objects.unsettled()
            .filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))
            .filter(unpaused("project"))
            .exclude(listener__in=ExternalListener.objects.exclude(held_at=None).values("pk"))
            .filter(Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM_HOLDS))
            .filter(~Exists(first))
            .select_for_update(skip_locked=True)
            .order_by("pk")
            .values_list("pk", "attempts")[:limit]
        )
        claimed = _alone_or_fresh(due)
        Delivery.objects.filter(pk__in=claimed).update(attempts=F("attempts") + 1, claimed_at=now)
    return claimed


def _alone_or_fresh(due: list[tuple[int, int]]) -> list[int]:
    fresh: list[int] = []
    for pk, attempts in due:
        if attempts:
            return fresh or [pk]
        fresh.append(pk)
    return fresh


def _lock_deliveries(claimed: list[int]) -> list[Delivery]:
    """With each listener and its table as one version has them, whoever saves it meanwhile."""
    deliveries = _locked(claimed)
    while _saved_since(deliveries):
        deliveries = _locked(claimed)
    return deliveries


def _saved_since(deliveries: list[Delivery]) -> bool:
    """Whether a listener has another version by now than the one that was read before its table."""
    read = {each.listener.pk: each.listener.version_id for each in deliveries if each.listener}
    now = ExternalListener.objects.filter(pk__in=read).values_list("pk", "version_id")
    return dict(now) != read


def _locked(claimed: list[int]) -> list[Delivery]:
    """Waits for who looks at them: another worker's claim may hold a row for a moment.

    Parts share their whole, whose body is read once, if it is asked for.
    """
    wholes = Delivery.objects.defer("body")
    return list(
        Delivery.objects.unsettled()
        .filter(pk__in=claimed)
        .select_related("listener__macro", "listener__feedback_type__project")
        .select_related("listener__filter__feedback_type__project")
        .prefetch_related("listener__macro__actions", "listener__status_rows__macro__actions")
        .prefetch_related("listener__protected_statuses", Prefetch("whole", wholes))
        .select_for_update(of=("self",))
        .order_by("pk")
    )


def _settle_in_order(batch: list[Delivery]) -> int:
    """Settle those of ``batch`` that nothing earlier holds back; returns how many.

    The tickets are locked before looking for what is earlier: whoever had them has committed.
    """
    named = _named_by(batch)
    tickets = {ticket for each in named.values() for ticket in each.tickets}
    lock_tickets(tickets)
    waiting = _named_by(_earlier_than(batch, tickets))
    brakes = Brakes(map(listener_of, batch))
    end, settled = time.monotonic() + ONE_BATCH, 0
    for place, delivery in enumerate(batch):
        if time.monotonic() > end:
            _leave(batch[place:])
            break
        before = _first_before(delivery, named[delivery], waiting)
        if before:
            _leave([delivery], behind=before.pk)
        elif settle(delivery, named[delivery], brakes):
            settled += 1
            continue
        waiting[delivery] = named[delivery]
    return settled


def _first_before(
    delivery: Delivery, named: Named, waiting: dict[Delivery, Named]
) -> Delivery | None:
    """What must be settled before ``delivery``, because it is about one of the same tickets."""
    earlier = (
        other
        for other, theirs in waiting.items()
        if other.pk < delivery.pk and theirs.tickets & named.tickets
    )
    return next(earlier, None)


def _earlier_than(batch: list[Delivery], tickets: Collection[int]) -> list[Delivery]:
    """What is unsettled, was received before the last of ``batch`` and may be about the same
    tickets, by whomever it is held.

    Thousands may wait, of a listener that is held: of all but a few only the names are read.
    """
    if not tickets:
        return []
    earlier = (
        Delivery.objects.unsettled()
        .filter(pk__lt=batch[-1].pk, project__in={delivery.project_id for delivery in batch})
        .exclude(pk__in=[delivery.pk for delivery in batch])
    )
    may_matter = that_may_name(tickets, earlier)
    rows = Delivery.objects.filter(pk__in=may_matter).select_related("listener")
    return list(rows.only("listener", "project", "find", "references", "item").order_by("pk"))


def _named_by(deliveries: list[Delivery]) -> dict[Delivery, Named]:
    directory = Directory(deliveries)
    return {delivery: directory.named_by(delivery) for delivery in deliveries}


def lock_tickets(ids: Iterable[int]) -> None:
    """Nobody else changes them until the transaction ends."""
    list(
        Ticket.objects.filter(pk__in=set(ids))
        .select_for_update()
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def _leave(deliveries: list[Delivery], behind: int | None = None) -> None:
    """Leave them received, as if they had not been claimed: their turn comes later."""
    Delivery.objects.filter(pk__in=[delivery.pk for delivery in deliveries]).update(
        attempts=F("attempts") - 1, claimed_at=None, next_attempt_at=None, behind=behind
    )


def settle(delivery: Delivery, named: Named, brakes: Brakes) -> bool:
    """Bring ``delivery`` to its end, or let it wait for another attempt; says whether it ended."""
    try:
        if delivery.attempts > MOST_ATTEMPTS:
            why = delivery.evidence.get("why", "The worker died each time.")
            raise Stop(Reason.GAVE_UP, attempts=MOST_ATTEMPTS, why=why)
        with brakes.savepoint():  # this delivery's effects, whole or not at all
            deliver(delivery, named, brakes)
    except Stop as stop:
        delivery.close(stop.reason, **stop.evidence)
    except Held:
        brakes.hold(listener_of(delivery))
        _leave([delivery])
        return False
    except HEALS as error:
        return not _try_again(delivery, error)
    except Exception as error:  # a mistake in one run is no reason to stop those of others
        log.exception("Delivery %s failed", delivery.public_id)
        macro = str(delivery.listener.macro or delivery.listener) if delivery.listener else ""
        failed = unforeseen(error, macro, delivery.find or ", ".join(delivery.references))
        delivery.close(failed.reason, **failed.evidence)
    return True


def _try_again(delivery: Delivery, error: Exception) -> bool:
    """Let it wait for another attempt; False after the last."""
    log.warning("Delivery %s met trouble that may heal: %s", delivery.public_id, error)
    why = as_sentence(error)
    if delivery.attempts >= MOST_ATTEMPTS:
        delivery.close(Reason.GAVE_UP, attempts=delivery.attempts, why=why)
        return False
    later = timezone.now() + wait_after(delivery.attempts)
    delivery.next_attempt_at, delivery.claimed_at = later, None
    delivery.evidence = {"why": why}
    delivery.save(update_fields=["next_attempt_at", "claimed_at", "evidence"])
    return True


def _postpone(claimed: list[int], error: Exception) -> None:
    """The whole batch met trouble, such as a connection that broke: each waits, as if alone."""
    with transaction.atomic():
        for delivery in Delivery.objects.unsettled().filter(pk__in=claimed).select_for_update():
            _try_again(delivery, error)
