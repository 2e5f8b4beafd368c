"""What happens to a delivery: its tickets, the filter, the macro."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from automation.expressions import evaluate
from automation.listener_types import LISTENER_TYPES
from automation.listener_types.base import Work
from automation.models import Delivery, Execution, ExecutionStep, ExternalListener
from automation.reasons import BEST_FIRST, EXPLANATIONS, DeliveryStatus, Reason, Stop
from automation.references import Named, is_placeholder, listener_of
from automation.senders.base import Kind, Sender
from feedback.errors import BrokenFilter
from feedback.filters import narrow, what_differs
from feedback.models import Ticket, TicketChange

LOOP_WINDOW = timedelta(minutes=10)


def deliver(delivery: Delivery, named: Named) -> None:
    """Settle ``delivery``, whose tickets are locked; raises Stop where it ends before any macro."""
    listener = listener_of(delivery)
    if not listener.enabled:
        raise Stop(Reason.LISTENER_OFF, listener=listener.name)
    listener_type = LISTENER_TYPES[listener.type]
    if listener_type.waits:
        _check_wanted(delivery, listener)
    work = listener_type.work_at(listener, delivery)
    tickets = _own_tickets(delivery, listener, named)
    _check_not_late(delivery)
    executions = [execute(listener, work, ticket, delivery) for ticket in tickets]
    best = min(executions, key=lambda execution: BEST_FIRST.index(DeliveryStatus(execution.status)))
    delivery.close(Reason(best.reason), **best.evidence)


def execute(
    listener: ExternalListener, work: Work, ticket: Ticket, delivery: Delivery
) -> Execution:
    """Do the listener's ``work`` to ``ticket``, whole or not at all; keep what came of it."""
    actor = f"{listener} → {work.macro}" if work.macro else str(listener)
    execution = Execution(
        delivery=delivery, listener=listener, macro=work.macro, ticket=ticket, actor=actor
    )
    steps: list[ExecutionStep] = []
    try:
        with transaction.atomic():
            _check_filter(listener, ticket)
            _check_loop(work, ticket)
            steps = work.do(ticket, actor=execution.actor, cause=execution.public_id)
            reason, evidence = _result(work, ticket, execution, steps)
    except Stop as stop:
        steps = []
        reason, evidence = stop.reason, stop.evidence
    execution.status = EXPLANATIONS[reason].status
    execution.reason, execution.evidence = reason, evidence
    execution.save(force_insert=True)
    for step in steps:
        step.execution = execution
    ExecutionStep.objects.bulk_create(steps)
    return execution


def _result(
    work: Work, ticket: Ticket, execution: Execution, steps: list[ExecutionStep]
) -> tuple[Reason, dict[str, Any]]:
    evidence = {"run": work.title, "ticket": ticket.ref}
    if not any(step.record for step in steps):
        return Reason.UNCHANGED, evidence
    changes = [
        f"{change.label} {change.before_text or 'empty'} → {change.after_text or 'empty'}"
        for change in TicketChange.objects.filter(
            cause=execution.public_id, ticket=ticket
        ).select_related("form_field")
    ]
    commented = ["a comment added"] if any("comment" in step.record for step in steps) else []
    return Reason.APPLIED, {**evidence, "changes": ", ".join(changes + commented)}


def _check_wanted(delivery: Delivery, listener: ExternalListener) -> None:
    """Without a body the tracker's own rule is trusted, but no condition over the body is met."""
    told = " and ".join(Kind(kind).label for kind in delivery.kinds) or "an event of no known kind"
    if delivery.body and not _is_wanted(delivery, listener):
        after = f" to {delivery.status_after}" if delivery.status_after else ""
        raise Stop(
            Reason.EVENT_NOT_WANTED,
            listener=listener.name,
            wanted=listener.wanted(),
            event=f"{told}{after}",
        )
    if listener.condition and not evaluate(listener.condition, delivery.payload):
        raise Stop(
            Reason.EVENT_NOT_WANTED,
            listener=listener.name,
            wanted=f"{listener.wanted()} where {listener.condition}",
            event=f"{told} where that is not so",
        )


def _is_wanted(delivery: Delivery, listener: ExternalListener) -> bool:
    When = ExternalListener.When
    if listener.when == When.ANY:
        return True
    if listener.when == When.STATUS_CHANGED_TO:
        return delivery.status_after.casefold() in listener.wanted_statuses()
    return listener.when in delivery.kinds


def _own_tickets(delivery: Delivery, listener: ExternalListener, named: Named) -> list[Ticket]:
    """Those named, of the listener's own feedback type; raises Stop where there is none."""
    sender = listener.external_sender
    names = delivery.find or ", ".join(delivery.references)
    evidence = {"sender": sender.label, "placeholder": sender.placeholder, "find": delivery.find}
    if not names:
        raise Stop(Reason.NO_REFERENCE, **evidence, advice=_how_to_name(sender))
    if is_placeholder(delivery.find):
        raise Stop(Reason.PLACEHOLDER_NOT_REPLACED, **evidence)
    tickets = list(
        Ticket.objects.filter(pk__in=named.tickets)
        .select_related("feedback_type__project", "status", "team")
        .order_by("pk")
    )
    if len(named.systems) > 1:
        raise _several(named, tickets, "items of several systems")
    own = [ticket for ticket in tickets if ticket.feedback_type_id == listener.feedback_type_id]
    if len(own) > 1 and listener.several == ExternalListener.Several.STOP:
        raise _several(named, own, "several tickets")
    if not own:
        elsewhere = "".join(f" {ticket} is one of {ticket.feedback_type}." for ticket in tickets)
        raise Stop(
            Reason.TICKET_NOT_FOUND,
            feedback_type=listener.feedback_type.name,
            references=names,
            elsewhere=elsewhere,
        )
    return own


def _how_to_name(sender: Sender) -> str:
    if sender.placeholder:
        return f"Put find={sender.placeholder} into the address in the tracker"
    return (
        f"Let {sender.label} send events of its items with all their details, or enter a "
        "reference expression on the listener"
    )


def _several(named: Named, tickets: list[Ticket], what: str) -> Stop:
    refs = ", ".join(ticket.ref for ticket in tickets)
    return Stop(Reason.SEVERAL_TICKETS, references=named.text, what=what, tickets=refs)


def _check_not_late(delivery: Delivery) -> None:
    if not (delivery.item and delivery.status_after and delivery.occurred_at):
        return
    newer = (
        Delivery.objects.filter(
            listener=delivery.listener, item=delivery.item, status=DeliveryStatus.DONE
        )
        .filter(occurred_at__gt=delivery.occurred_at)
        .exclude(status_after="")
        .order_by("-occurred_at")
        .values_list("occurred_at", flat=True)
        .first()
    )
    if newer:
        raise Stop(
            Reason.LATE,
            time=f"{delivery.occurred_at:%Y-%m-%d %H:%M:%S} UTC",
            newer=f"{newer:%Y-%m-%d %H:%M:%S} UTC",
            item=delivery.find or delivery.references[0],
        )


def _check_filter(listener: ExternalListener, ticket: Ticket) -> None:
    if listener.filter is None:
        return
    try:
        inside = narrow(Ticket.objects.filter(pk=ticket.pk), listener.filter).exists()
    except BrokenFilter as error:
        raise Stop(Reason.FILTER_BROKEN, why=str(error), ticket=ticket.ref) from error
    if not inside:
        differs = "; its ".join(what_differs(ticket, listener.filter))
        raise Stop(
            Reason.OUTSIDE_FILTER,
            ticket=ticket.ref,
            filter=listener.filter.name,
            differs=differs,
        )


def _check_loop(work: Work, ticket: Ticket) -> None:
    if work.macro is None:
        return
    count = Execution.objects.filter(
        macro=work.macro,
        ticket=ticket,
        created_at__gt=timezone.now() - LOOP_WINDOW,
        reason=Reason.APPLIED,
    ).count()
    if count >= settings.LOOP_LIMIT:
        raise Stop(
            Reason.LOOP_STOPPED,
            macro=work.macro.name,
            ticket=ticket.ref,
            count=count,
            minutes=int(LOOP_WINDOW.total_seconds() // 60),
        )
