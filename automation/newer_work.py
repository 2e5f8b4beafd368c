"""What the undo of a bulk run would come upon: what somebody changed since, and what left."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from automation.models import BulkRun, Execution, Outgoing
from automation.reasons import Reason
from automation.undo import undos_of
from feedback.models import VALUES, Ticket, TicketChange
from feedback.undo import TOUCHABLE, Undone, touched

MOST_TICKETS_SHOWN = 100


@dataclass(frozen=True)
class NewerWork:
    """The fields of one ticket that an undo would leave alone."""

    ticket: Ticket
    parts: list[Undone]


def newer_work(bulk: BulkRun) -> tuple[list[NewerWork], bool]:
    """Of the first tickets that somebody changed since, by their ids; and whether that is all."""
    since = _changes_of(bulk).filter(_changed_since()).order_by("ticket")
    ids = list(since.values_list("ticket", flat=True).distinct()[:MOST_TICKETS_SHOWN])
    own = bulk.executions.filter(ticket__in=ids, reason=Reason.APPLIED)
    runs = {run.ticket_id: run for run in own}
    undos = undos_of(runs.values())
    changes = _by_ticket(_from_then_on(bulk, ids))
    found = []
    for ticket in _whole(ids):
        ticket.feedback_type = bulk.macro.feedback_type  # whose fields are read once
        cause = runs[ticket.pk].public_id
        if parts := touched(ticket, cause, undos, changes[ticket.pk]):
            found.append(NewerWork(ticket, parts))
    return found, len(ids) < MOST_TICKETS_SHOWN


def fields_of(newer: Iterable[NewerWork]) -> list[tuple[str, str, int]]:
    """As ``fields_changed_since``, where every ticket was looked at."""
    fields = Counter((part.field, part.title) for each in newer for part in each.parts)
    return sorted((field, title, count) for (field, title), count in fields.items())


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
    own = Outgoing.objects.filter(execution__bulk=bulk, status=Outgoing.Status.SENT)
    digests = Outgoing.objects.filter(merged__execution__bulk=bulk, status=Outgoing.Status.SENT)
    counts = Counter(own.values_list("kind", flat=True))
    counts[Outgoing.Kind.MAIL] += digests.distinct().count()
    return [(Outgoing.Kind(kind).label.lower(), count) for kind, count in counts.items() if count]


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
    own_undo = Execution.objects.filter(
        public_id=OuterRef("cause"), undoes__public_id=OuterRef(OuterRef("cause"))
    )
    return Exists(later.exclude(cause=OuterRef("cause")).exclude(Exists(own_undo)))


def _from_then_on(bulk: BulkRun, ids: list[int]) -> QuerySet[TicketChange]:
    """All that was done to these tickets since the run began."""
    return TicketChange.objects.filter(ticket__in=ids, created_at__gte=bulk.created_at)


def _by_ticket(changes: Iterable[TicketChange]) -> dict[int, list[TicketChange]]:
    by_ticket = defaultdict(list)
    for change in changes:
        by_ticket[change.ticket_id].append(change)
    return by_ticket


def _whole(ids: list[int]) -> QuerySet[Ticket]:
    related = ("feedback_type__project", "status", "team")
    rows = Ticket.objects.filter(pk__in=ids).select_related(*related).order_by("pk")
    return rows.prefetch_related("tags")
