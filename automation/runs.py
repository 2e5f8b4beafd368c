"""A run on one ticket, however it was started: whole or not at all, and kept with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from automation.listener_types.base import Work
from automation.macro_run import Step
from automation.models import Execution, ExecutionStep
from automation.reasons import EXPLANATIONS, Reason, Stop
from feedback.errors import BrokenFilter
from feedback.filters import narrow, what_differs
from feedback.models import SavedFilter, Ticket, TicketChange

LOOP_WINDOW = timedelta(minutes=10)


def carry_out(work: Work, execution: Execution, *, within: SavedFilter | None = None) -> Execution:
    """Do ``work`` to the execution's ticket, if it is ``within``, and save what came of it."""
    execution.macro = work.macro
    steps: list[Step] = []
    try:
        with transaction.atomic():
            _check_filter(execution.ticket, within)
            _check_loop(work, execution.ticket)
            steps = work.do(execution.ticket, actor=execution.actor, cause=execution.public_id)
            reason, evidence = _result(work, execution, steps)
    except Stop as stop:
        steps = []
        reason, evidence = stop.reason, stop.evidence
    execution.status = EXPLANATIONS[reason].status
    execution.reason, execution.evidence = reason, evidence
    execution.save(force_insert=True)
    for step in steps:
        step.row.execution = execution
    ExecutionStep.objects.bulk_create(step.row for step in steps)
    return execution


class _TakenBack(Exception):
    pass


@contextmanager
def rehearsal() -> Iterator[None]:
    """The real path, of which nothing stays: look at what came of it before the block ends."""
    try:
        with transaction.atomic():
            yield
            raise _TakenBack
    except _TakenBack:
        pass


def _result(work: Work, execution: Execution, steps: list[Step]) -> tuple[Reason, dict[str, Any]]:
    evidence = {"run": work.title, "ticket": execution.ticket.ref}
    if not any(step.row.record or step.follow_ups or step.told for step in steps):
        return Reason.UNCHANGED, evidence
    changes = [
        f"{change.field} {change.before_text or 'empty'} → {change.after_text or 'empty'}"
        for change in TicketChange.objects.filter(
            cause=execution.public_id, ticket=execution.ticket
        )
    ]
    told = [step.told for step in steps if step.told]
    return Reason.APPLIED, {**evidence, "changes": ", ".join(changes + told)}


def _check_filter(ticket: Ticket, within: SavedFilter | None) -> None:
    if within is None:
        return
    try:
        inside = narrow(Ticket.objects.filter(pk=ticket.pk), within).exists()
    except BrokenFilter as error:
        raise Stop(Reason.FILTER_BROKEN, why=str(error), ticket=ticket.ref) from error
    if not inside:
        differs = "; its ".join(what_differs(ticket, within))
        raise Stop(Reason.OUTSIDE_FILTER, ticket=ticket.ref, filter=within.name, differs=differs)


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
