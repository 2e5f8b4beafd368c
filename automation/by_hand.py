"""Macros run by somebody: on one ticket, tried before, and taken back."""

from __future__ import annotations

from collections.abc import Container

from django.db import transaction
from django.db.models import Q, QuerySet

from access.callers import Caller
from access.rules import changeable, seen
from automation.listener_types.macro import MacroWork
from automation.models import Execution, Macro
from automation.runs import locked, rehearsal
from automation.trouble import carry_out_alone
from automation.undo import UndoWork, title_of_undo, undone
from feedback.models import Ticket
from feedback.undo import Undone

LONGEST_ACTOR = Execution._meta.get_field("actor").max_length


@transaction.atomic
def run_by_hand(macro: Macro, ticket: Ticket, caller: Caller) -> Execution:
    """Run ``macro`` on ``ticket`` at once; its reason says what came of it."""
    execution = Execution(
        ticket=locked(ticket.pk), start=Execution.Start.HAND, actor=f"{caller.name} → {macro}"
    )
    return carry_out_alone(MacroWork(f"Macro “{macro}”", macro), execution)


@transaction.atomic
def undo(run: Execution, caller: Caller, *, even: Container[str] = ()) -> Execution:
    """Take back what ``run`` did, by a run of its own. What did nothing leaves nothing to do."""
    title = title_of_undo(run)
    execution = Execution(
        ticket=locked(run.ticket_id),
        start=Execution.Start.UNDO,
        undoes=run,
        actor=f"{caller.name} → {title}"[:LONGEST_ACTOR],
    )
    return carry_out_alone(UndoWork(title, run=run, even=even), execution)


def undoing(run: Execution, caller: Caller) -> list[Undone]:
    """What would become of each part of ``run``, of which nothing stays."""
    with rehearsal():
        return undone(run, locked(run.ticket_id), {"actor": caller.name, "cause": ""})


def runnable(caller: Caller) -> QuerySet[Macro]:
    """Macros that ``caller`` may run by hand: of the types of which there is a ticket to change."""
    types = changeable(Ticket, caller).values("feedback_type")
    macros = Macro.objects.filter(archived=False, feedback_type__in=types)
    return macros.select_related("feedback_type__project")


def runs_shown(caller: Caller) -> QuerySet[Execution]:
    """What ``caller`` may look at: support sees what people ran on its own tickets."""
    by_hand = (Execution.Start.HAND, Execution.Start.BULK, Execution.Start.UNDO)
    own = Q(start__in=by_hand, ticket__in=changeable(Ticket, caller).values("pk"))
    return Execution.objects.filter(Q(pk__in=seen(Execution, caller).values("pk")) | own)
