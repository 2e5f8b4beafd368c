"""A run on one ticket, however it was started: whole or not at all, and kept with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from automation.leaving import leave
from automation.listener_types.base import Work
from automation.loops import check_no_loop
from automation.macro_run import Step, ran_before
from automation.models import Execution, ExecutionStep
from automation.reasons import EXPLANATIONS, Reason, Stop
from automation.rehearsing import rehearsing
from feedback.errors import BrokenFilter
from feedback.filter_groups import narrow
from feedback.filter_words import what_differs
from feedback.models import SavedFilter, Ticket, TicketChange


def carry_out(work: Work, execution: Execution, *, within: SavedFilter | None = None) -> Execution:
    """Do ``work`` to the execution's ticket, if it is ``within``, and save what came of it."""
    if within is not None:
        execution.filter_version_id = within.version_id
    try:
        with transaction.atomic():
            _check_macro(work, execution.ticket)
            check_filter(execution.ticket, within)
            if work.macro is not None:
                check_no_loop(execution, work.macro)
            steps = work.do(execution.ticket, actor=execution.actor, cause=execution.public_id)
            _keep(work, execution, *_result(work, execution, steps))
            for step in steps:
                step.row.execution = execution
            ExecutionStep.objects.bulk_create(step.row for step in steps)
            leave(execution, steps)
    except Stop as stop:
        execution.pk = None
        return refuse(work, execution, stop)
    return execution


def refuse(work: Work, execution: Execution, stop: Stop) -> Execution:
    """Keep why ``work`` was not done."""
    return _keep(work, execution, stop.reason, stop.evidence)


def _keep(work: Work, execution: Execution, reason: Reason, evidence: dict[str, Any]) -> Execution:
    execution.macro = work.macro
    execution.macro_version_id = work.macro.version_id if work.macro else None
    execution.status = EXPLANATIONS[reason].status
    execution.reason, execution.evidence = reason, evidence
    execution.save(force_insert=True)
    return execution


def locked(pk: int) -> Ticket:
    """The ticket as it is now: nobody else changes it until the transaction ends.

    Locked without joins: after waiting, PostgreSQL reads joined rows as they were before it.
    """
    Ticket.objects.select_for_update().only("pk").get(pk=pk)
    related = ("feedback_type__project", "status__workflow", "team", "submitter")
    return Ticket.objects.select_related(*related).get(pk=pk)


class _TakenBack(Exception):
    pass


@contextmanager
def rehearsal() -> Iterator[None]:
    """The real path, of which nothing stays: look at what came of it before the block ends."""
    token = rehearsing.set(True)
    try:
        with transaction.atomic():
            yield
            raise _TakenBack
    except _TakenBack:
        pass
    finally:
        rehearsing.reset(token)


def _result(work: Work, execution: Execution, steps: list[Step]) -> tuple[Reason, dict[str, Any]]:
    evidence = {"run": work.title, "ticket": execution.ticket.ref}
    changes = [
        change.told
        for change in TicketChange.objects.filter(
            cause=execution.public_id, ticket=execution.ticket
        ).select_related("form_field")
    ]
    told = changes + [step.told for step in steps if step.told]
    if not told or not any(step.row.record for step in steps):
        reason, more = work.nothing_done(steps)
        return reason, {**evidence, **more}
    return Reason.APPLIED, {**evidence, "changes": ", ".join(told)}


def _check_macro(work: Work, ticket: Ticket) -> None:
    macro = work.macro
    if macro is None:
        return
    if not macro.enabled:
        raise Stop(Reason.MACRO_OFF, macro=macro.name, ticket=ticket.ref)
    if macro.once_per_ticket and (first := ran_before(macro, ticket)):
        raise Stop(
            Reason.RAN_BEFORE,
            macro=macro.name,
            ticket=ticket.ref,
            time=f"{first.created_at:%Y-%m-%d %H:%M} UTC",
        )


def check_filter(ticket: Ticket, within: SavedFilter | None) -> None:
    if within is None:
        return
    try:
        inside = narrow(Ticket.objects.filter(pk=ticket.pk), within).exists()
    except BrokenFilter as error:
        raise Stop(Reason.FILTER_BROKEN, why=str(error), ticket=ticket.ref) from error
    if not inside:
        differs = "; its ".join(what_differs(ticket, within))
        raise Stop(Reason.OUTSIDE_FILTER, ticket=ticket.ref, filter=within.name, differs=differs)
