"""What the undo of a bulk run would come upon: what somebody changed since, and what left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from automation.models import BulkRun, Outgoing
from automation.reasons import Reason
from feedback.models import VALUES, Ticket, TicketChange
from feedback.undo import TOUCHABLE, Undone, touched

MOST_TICKETS_SHOWN = 100


@dataclass(frozen=True)
class NewerWork:
    """The fields of one ticket that an undo would leave alone."""

    ticket: Ticket
    parts: list[Undone]


def newer_work(bulk: BulkRun) -> list[NewerWork]:
    """Of the first tickets that somebody changed since, by their ids."""
    own = _changes_of(bulk)
    since = own.filter(_changed_since()).order_by("ticket").values_list("ticket", flat=True)
    ids = list(since.distinct()[:MOST_TICKETS_SHOWN])
    changes = _by_ticket(own.filter(ticket__in=ids))
    found = []
    for ticket in _whole(ids):
        ticket.feedback_type = bulk.macro.feedback_type  # whose fields are read once
        if parts := touched(ticket, changes[ticket.pk]):
            found.append(NewerWork(ticket, parts))
    return found


def fields_changed_since(bulk: BulkRun) -> list[tuple[str, str, int]]:
    """The name of each field, what people call it, and on how many tickets it was changed."""
    counted = (
        _changes_of(bulk)
        .filter(_changed_since())
        .order_by("field")
        .values("field", "form_field__label")
        .annotate(tickets=Count("ticket", distinct=True))
    )
    return [
        (
            each["field"],
            each["form_field__label"] or TicketChange(field=each["field"]).label,
            each["tickets"],
        )
        for each in counted
    ]


def left_by(bulk: BulkRun) -> list[tuple[str, int]]:
    """What cannot be called back: “mail” and “call”, and how many of them."""
    left = Outgoing.objects.filter(execution__bulk=bulk, execution__reason=Reason.APPLIED)
    counts = left.order_by("kind").values_list("kind").annotate(Count("pk"))
    return [(Outgoing.Kind(kind).label.lower(), count) for kind, count in counts]


def _changes_of(bulk: BulkRun) -> QuerySet[TicketChange]:
    """Of the fields that go back only while nobody touched them."""
    return TicketChange.objects.filter(
        Q(field__in=TOUCHABLE) | Q(field__startswith=VALUES),
        ticket__executions__bulk=bulk,
        ticket__executions__reason=Reason.APPLIED,
        cause=F("ticket__executions__public_id"),
    )


def _changed_since() -> Exists:
    later = TicketChange.objects.filter(
        ticket=OuterRef("ticket"), field=OuterRef("field"), pk__gt=OuterRef("pk")
    )
    return Exists(later.exclude(cause=OuterRef("cause")))


def _by_ticket(changes: Iterable[TicketChange]) -> dict[int, list[TicketChange]]:
    by_ticket = defaultdict(list)
    for change in changes:
        by_ticket[change.ticket_id].append(change)
    return by_ticket


def _whole(ids: list[int]) -> QuerySet[Ticket]:
    related = ("feedback_type__project", "status", "team")
    rows = Ticket.objects.filter(pk__in=ids).select_related(*related).order_by("pk")
    return rows.prefetch_related("tags")
