"""What happens to a delivery: its tickets, the filter, the macro."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from automation.actions import ACTIONS
from automation.actions.base import Action, Settings
from automation.expressions import evaluate
from automation.models import Delivery, Execution, ExecutionStep, ExternalListener, Macro
from automation.reasons import BEST_FIRST, EXPLANATIONS, DeliveryStatus, Reason, Stop
from automation.references import Named, is_placeholder, listener_of
from automation.senders.base import Kind
from feedback.errors import BrokenFilter
from feedback.filters import narrow, what_differs
from feedback.models import Ticket, TicketChange

log = logging.getLogger(__name__)

LOOP_WINDOW = timedelta(minutes=10)


def deliver(delivery: Delivery, named: Named) -> None:
    """Settle ``delivery``, whose tickets are locked; raises Stop where it ends before any macro."""
    listener = listener_of(delivery)
    if not listener.enabled:
        raise Stop(Reason.LISTENER_OFF, listener=listener.name)
    _check_wanted(delivery, listener)
    tickets = _own_tickets(delivery, listener, named)
    _check_not_late(delivery)
    executions = [execute(listener, ticket, delivery) for ticket in tickets]
    best = min(executions, key=lambda execution: BEST_FIRST.index(DeliveryStatus(execution.status)))
    delivery.close(Reason(best.reason), **best.evidence)


def execute(listener: ExternalListener, ticket: Ticket, delivery: Delivery) -> Execution:
    """Run the listener's macro on ``ticket``, whole or not at all, and keep what came of it."""
    macro = listener.macro
    execution = Execution(
        delivery=delivery, macro=macro, ticket=ticket, actor=f"{listener} → {macro}"
    )
    steps: list[ExecutionStep] = []
    try:
        with transaction.atomic():
            _check_filter(listener, ticket)
            _check_loop(macro, ticket)
            steps = run_macro(macro, ticket, actor=execution.actor, cause=execution.public_id)
            reason, evidence = _result(macro, ticket, execution, steps)
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


def run_macro(macro: Macro, ticket: Ticket, *, actor: str, cause: str) -> list[ExecutionStep]:
    """Every action's params are checked before the first action changes anything."""
    return [
        _run_action(macro, action, checked, ticket, actor=actor, cause=cause)
        for action, checked in _checked_actions(macro, ticket)
    ]


def _checked_actions(macro: Macro, ticket: Ticket) -> list[tuple[Action, Settings]]:
    rows = [(ACTIONS[row.kind], row.params) for row in macro.actions.all()]
    try:
        return [(action, action.clean(params, ticket.project)) for action, params in rows]
    except ValidationError as error:
        why = " ".join(error.messages)
        raise Stop(Reason.MACRO_BROKEN, macro=macro.name, ticket=ticket.ref, why=why) from error


def _run_action(
    macro: Macro, action: Action, checked: Settings, ticket: Ticket, *, actor: str, cause: str
) -> ExecutionStep:
    try:
        record = action.apply(ticket, checked, actor=actor, cause=cause)
    except (OperationalError, InterfaceError):  # may heal
        raise
    except Exception as error:
        log.exception("Action %s failed on %s", action.kind, ticket.ref)
        raise Stop(
            Reason.ACTION_FAILED,
            action=action.label,
            macro=macro.name,
            ticket=ticket.ref,
            why=_why(error),
        ) from error
    return ExecutionStep(kind=action.kind, sentence=action.describe(checked), record=record)


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    return f"{type(error).__name__}: {error}."


def _result(
    macro: Macro, ticket: Ticket, execution: Execution, steps: list[ExecutionStep]
) -> tuple[Reason, dict[str, Any]]:
    evidence = {"macro": macro.name, "ticket": ticket.ref}
    if not any(step.record for step in steps):
        return Reason.UNCHANGED, evidence
    changes = [
        f"{change.field} {change.before_text or 'empty'} → {change.after_text or 'empty'}"
        for change in TicketChange.objects.filter(cause=execution.public_id, ticket=ticket)
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
        raise Stop(Reason.NO_REFERENCE, **evidence)
    if is_placeholder(delivery.find):
        raise Stop(Reason.PLACEHOLDER_NOT_REPLACED, **evidence)
    tickets = list(
        Ticket.objects.filter(pk__in=named.tickets)
        .select_related("feedback_type__project", "status", "team")
        .order_by("pk")
    )
    if len(named.systems) > 1:
        refs = ", ".join(ticket.ref for ticket in tickets)
        raise Stop(Reason.SEVERAL_TICKETS, references=named.text, tickets=refs)
    own = [ticket for ticket in tickets if ticket.feedback_type_id == listener.feedback_type_id]
    if not own:
        elsewhere = "".join(f" {ticket} is one of {ticket.feedback_type}." for ticket in tickets)
        raise Stop(
            Reason.TICKET_NOT_FOUND,
            feedback_type=listener.feedback_type.name,
            references=names,
            elsewhere=elsewhere,
        )
    return own


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


def _check_loop(macro: Macro, ticket: Ticket) -> None:
    count = Execution.objects.filter(
        macro=macro,
        ticket=ticket,
        created_at__gt=timezone.now() - LOOP_WINDOW,
        reason=Reason.APPLIED,
    ).count()
    if count >= settings.LOOP_LIMIT:
        raise Stop(
            Reason.LOOP_STOPPED,
            macro=macro.name,
            ticket=ticket.ref,
            count=count,
            minutes=int(LOOP_WINDOW.total_seconds() // 60),
        )
