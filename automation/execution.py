"""What happens to a delivery: its tickets, the filter, the macro."""

from __future__ import annotations

from automation.brakes import Brakes
from automation.expressions import evaluate
from automation.listener_types import LISTENER_TYPES
from automation.listener_types.base import Work, late, not_wanted
from automation.loops import note_what_led_to
from automation.models import Delivery, Execution, ExternalListener
from automation.reasons import BEST_FIRST, DeliveryStatus, Reason, Stop
from automation.references import Named, is_placeholder, listener_of
from automation.runs import carry_out
from automation.senders.base import Kind, Sender
from feedback.models import Ticket


def deliver(delivery: Delivery, named: Named, brakes: Brakes) -> None:
    """Settle ``delivery``, whose tickets are locked; raises Stop where it ends before any macro.

    Raises Held where it has to wait until somebody lets its listener go on.
    """
    listener = listener_of(delivery)
    brakes.check_not_held(listener)
    if not listener.enabled:
        raise Stop(Reason.LISTENER_OFF, listener=listener.name)
    _check_no_test(delivery, listener)
    listener_type = LISTENER_TYPES[listener.type]
    if listener_type.waits:
        check_wanted(delivery, listener)
    check_condition(delivery, listener, listener_type.wanted(listener))
    work = listener_type.work_at(listener, delivery)
    tickets = _own_tickets(delivery, listener, named)
    if listener_type.follows_status:
        _check_not_late(delivery)
    brakes.grip(listener)
    executions = [execute(listener, work, ticket, delivery) for ticket in tickets]
    brakes.check(delivery, executions)
    best = min(executions, key=lambda execution: BEST_FIRST.index(DeliveryStatus(execution.status)))
    if best.reason == Reason.DUPLICATE:
        first = Delivery.objects.filter(public_id=best.evidence["first"])
        Delivery.objects.filter(pk=delivery.pk).update(duplicate_of=first.values("pk")[:1])
    delivery.close(Reason(best.reason), **best.evidence)


def _check_no_test(delivery: Delivery, listener: ExternalListener) -> None:
    """GitHub tries a new webhook with a “ping”, which is about nothing, whatever is wanted."""
    if Kind.PING in delivery.kinds:
        through = f"{Kind.PING.label}, and {listener.external_sender.label} is through"
        raise not_wanted(listener, "events of items", through)


def execute(
    listener: ExternalListener, work: Work, ticket: Ticket, delivery: Delivery
) -> Execution:
    """Do the listener's ``work`` to ``ticket``, and keep what came of it."""
    actor = f"{listener} → {work.macro}" if work.macro else str(listener)
    execution = Execution(
        delivery=delivery,
        listener=listener,
        listener_version_id=listener.version_id,
        ticket=ticket,
        actor=actor,
    )
    note_what_led_to(execution, delivery)
    return carry_out(work, execution, within=listener.filter)


def check_wanted(delivery: Delivery, listener: ExternalListener) -> None:
    """Where no body says what happened, the tracker's own rule chose it and is trusted."""
    if not _is_wanted(delivery, listener):
        raise not_wanted(listener, listener.wanted(), delivery.told)


def check_condition(delivery: Delivery, listener: ExternalListener, wanted: str) -> None:
    """Without a body none is met."""
    if listener.condition and not evaluate(listener.condition, delivery.payload):
        wanted = f"{wanted} where {listener.condition}"
        raise not_wanted(listener, wanted, f"{delivery.told} where that is not so")


def _is_wanted(delivery: Delivery, listener: ExternalListener) -> bool:
    When = ExternalListener.When
    trusted = not delivery.has_body or not delivery.kinds
    if listener.when == When.ANY:
        return True
    if listener.when == When.STATUS_CHANGED_TO and (delivery.status_after or not trusted):
        return delivery.has_status(listener.wanted_statuses())
    return trusted or listener.when in delivery.kinds


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
        raise late(delivery.occurred_at, newer, delivery.about)
