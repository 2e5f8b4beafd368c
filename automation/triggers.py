"""Macros that start when something happens to a ticket, until they lead back to themselves."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator

from django.db import transaction
from django.utils import timezone

from automation.listener_types.macro import MacroWork
from automation.models import Execution, Trigger, TriggerMember
from automation.pauses import pause_over, unpaused
from automation.reasons import Stop
from automation.runs import check_filter, locked, refuse
from automation.trouble import carry_out_alone, try_later
from feedback.errors import BrokenFilter
from feedback.filter_groups import narrow
from feedback.models import VALUES, FeedbackType, FormField, SavedFilter, Ticket, TicketEvent
from feedback.saved_filters import follows_filters

ONE_TASK = 5.0  # seconds
AT_ONCE = 50  # events of one ticket


@transaction.atomic
def save_trigger(trigger: Trigger) -> Trigger:
    """Keep ``trigger``; what happened before it was as it is now does not start it, nor has
    what is within its filter already just come there.
    """
    trigger.form_field = _form_field(trigger)
    trigger.full_clean()
    before = Trigger.objects.select_for_update().filter(pk=trigger.pk).first()
    if before is None or _waits_for(before) != _waits_for(trigger):
        trigger.since = timezone.now()
        trigger.save()
        _seed(trigger)
    else:
        trigger.save()
    watch(trigger.feedback_type)
    return trigger


def _form_field(trigger: Trigger) -> FormField | None:
    """The form field for whose changes ``trigger`` waits."""
    fields = trigger.feedback_type.form_fields.all()
    key = trigger.field.removeprefix(VALUES)
    return fields.filter(key=key).first() if trigger.field.startswith(VALUES) else None


def _waits_for(trigger: Trigger) -> tuple[object, ...]:
    return trigger.event, trigger.field, trigger.filter_id, trigger.enabled


@follows_filters
def seed_again(saved: SavedFilter) -> None:
    """What is within the filter as it is now has not just come there."""
    waiting = saved.triggers.filter(event=Trigger.Event.ENTERED, enabled=True)
    for trigger in waiting.select_related("filter__feedback_type__project"):
        if _groups(trigger) != trigger.seeded_for:
            _seed(trigger)


def watch(kind: FeedbackType) -> None:
    """Note what happens to tickets of a type where a trigger waits for it, and only there."""
    watched = Trigger.objects.filter(feedback_type=kind, enabled=True).exists()
    FeedbackType.objects.filter(pk=kind.pk).update(watched=watched)


def fire() -> bool:
    """Look at what happened, ticket by ticket; says whether nothing is left that could be."""
    end = time.monotonic() + ONE_TASK
    for ticket in _tickets_with_news():
        _look_alone(ticket)
        if time.monotonic() > end:
            return False
    return True


def _tickets_with_news() -> Iterator[int]:
    """Each once, oldest news first; what its own macros change is news for the next look."""
    later = TicketEvent.objects.filter(next_attempt_at__gt=timezone.now())
    events = TicketEvent.objects.filter(unpaused("ticket__feedback_type__project"))
    events = events.exclude(ticket__in=later.values("ticket"))
    yield from dict.fromkeys(events.order_by("pk").values_list("ticket", flat=True)[:1000])


def _look_alone(pk: int) -> None:
    """Whatever becomes of one ticket, the others go on; it is looked at again later."""
    try:
        _look_at(pk)
    except Exception as error:
        try_later(TicketEvent.objects.filter(ticket=pk), f"What happened to ticket {pk}", error)


@transaction.atomic
def _look_at(pk: int) -> None:
    """Events of one ticket in their order; another worker may have it already.

    One that met trouble is looked at alone, so that it takes no other's run back.
    """
    ticket = Ticket.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
    if ticket is None or pause_over(ticket.project):  # since the list was made
        return
    triggers = list(
        Trigger.objects.filter(feedback_type=ticket.feedback_type_id, enabled=True)
        .select_related("macro__feedback_type__project", "filter__feedback_type__project")
        .order_by("pk")
    )
    first = ticket.events.order_by("pk").first()
    most = 1 if first and first.attempts else AT_ONCE
    for event in ticket.events.order_by("pk")[:most]:
        ticket = locked(pk)  # as the runs of the event before left it
        concerned = [each for each in triggers if _concerns(each, event, ticket)]
        refusals = [_refusal(trigger, ticket) for trigger in concerned]  # before anything changes
        for trigger, refusal in zip(concerned, refusals, strict=True):
            _run(trigger, event, ticket, refusal)
        event.delete()


def _concerns(trigger: Trigger, event: TicketEvent, ticket: Ticket) -> bool:
    if trigger.since and event.created_at < trigger.since:
        return False
    if trigger.event == Trigger.Event.ENTERED:
        return _entered(trigger, ticket)
    return event.kind == trigger.event and (not trigger.field or trigger.field in event.fields)


def _refusal(trigger: Trigger, ticket: Ticket) -> Stop | None:
    try:
        check_filter(ticket, trigger.filter)
    except Stop as stop:
        return stop
    return None


def _run(trigger: Trigger, event: TicketEvent, ticket: Ticket, refusal: Stop | None) -> None:
    before = Execution.objects.filter(public_id=event.cause).first() if event.cause else None
    execution = Execution(
        ticket=ticket,
        start=Execution.Start.TRIGGER,
        trigger=trigger,
        after=before,
        filter_version_id=trigger.filter.version_id if trigger.filter else None,
        actor=f"{trigger} → {trigger.macro}",
    )
    work = MacroWork(f"Macro “{trigger.macro}” (trigger “{trigger}”)", trigger.macro)
    if refusal:
        refuse(work, execution, refusal)
    else:
        execution.ticket = locked(ticket.pk)  # whatever a run that failed did to it in memory
        carry_out_alone(work, execution, attempts=event.attempts)


def _entered(trigger: Trigger, ticket: Ticket) -> bool:
    """Whether ``ticket`` is within the filter, and was not when it was last looked at."""
    if _groups(trigger) != trigger.seeded_for:
        _seed(trigger)
    members = TriggerMember.objects.filter(trigger=trigger, ticket=ticket)
    try:
        own = Ticket.objects.filter(pk=ticket.pk)
        inside = trigger.filter is None or narrow(own, trigger.filter).exists()
    except BrokenFilter:
        return True  # the run says so
    if not inside:
        members.delete()
        return False
    return TriggerMember.objects.get_or_create(trigger=trigger, ticket=ticket)[1]


def _seed(trigger: Trigger) -> None:
    """Note who is within the filter of a trigger that waits for others to come."""
    trigger.members.all().delete()
    trigger.seeded_for = _groups(trigger)
    Trigger.objects.filter(pk=trigger.pk).update(seeded_for=trigger.seeded_for)
    if trigger.event != Trigger.Event.ENTERED:
        return
    tickets = Ticket.objects.filter(feedback_type=trigger.feedback_type)
    try:
        inside = narrow(tickets, trigger.filter) if trigger.filter else tickets
    except BrokenFilter:
        return
    TriggerMember.objects.bulk_create(
        (
            TriggerMember(trigger=trigger, ticket_id=pk)
            for pk in inside.values_list("pk", flat=True)
        ),
        batch_size=1000,
    )


def _groups(trigger: Trigger) -> str:
    """What changes with the filter's content."""
    groups = json.dumps(trigger.filter.groups if trigger.filter else [], sort_keys=True)
    return hashlib.sha256(groups.encode()).hexdigest()
