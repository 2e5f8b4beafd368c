"""Macros run by somebody: on one ticket, tried before, and taken back."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet

from access.callers import Caller
from access.rules import changeable, seen
from automation.actions import ACTIONS
from automation.listener_types.base import Work
from automation.listener_types.macro import MacroWork
from automation.macro_run import Step
from automation.models import Execution, ExecutionStep, Macro
from automation.runs import carry_out, locked, rehearsal
from feedback.models import Ticket, TicketChange
from feedback.undo import State, Undone, revert


@transaction.atomic
def run_by_hand(macro: Macro, ticket: Ticket, caller: Caller) -> Execution:
    """Run ``macro`` on ``ticket`` at once; its reason says what came of it."""
    execution = Execution(
        ticket=locked(ticket.pk), start=Execution.Start.HAND, actor=f"{caller.name} → {macro}"
    )
    return carry_out(MacroWork(f"Macro “{macro}”", macro), execution)


@dataclass(frozen=True)
class UndoWork(Work):
    """Takes back what ``run`` did; what somebody touched since only where ``even`` says so."""

    run: Execution | None = None
    even: Container[str] = ()

    def do(self, ticket: Ticket, *, actor: str, cause: str) -> list[Step]:
        return [_step(part) for part in self.undone(ticket, actor, cause)]

    def undone(self, ticket: Ticket, actor: str, cause: str) -> list[Undone]:
        assert self.run is not None
        changes = TicketChange.objects.filter(cause=self.run.public_id, ticket=ticket)
        parts = revert(ticket, changes, actor=actor, cause=cause, even=self.even)
        for step in self.run.steps.order_by("-pk"):
            action = ACTIONS.get(step.kind)
            if action and step.record:
                by = {"actor": actor, "cause": cause}
                parts += action.undo(ticket, step.record, even=self.even, **by)
        return parts


@transaction.atomic
def undo(run: Execution, caller: Caller, *, even: Container[str] = ()) -> Execution:
    """Take back what ``run`` did, by a run of its own. What did nothing leaves nothing to do."""
    title = f"Undo of “{run.macro or run.actor}”"
    execution = Execution(
        ticket=locked(run.ticket_id),
        start=Execution.Start.UNDO,
        undoes=run,
        actor=f"{caller.name} → {title}",
    )
    return carry_out(UndoWork(title, run=run, even=even), execution)


def undoing(run: Execution, caller: Caller) -> list[Undone]:
    """What would become of each part of ``run``, of which nothing stays."""
    with rehearsal():
        return UndoWork("Undo", run=run).undone(locked(run.ticket_id), caller.name, "")


def runnable(caller: Caller) -> QuerySet[Macro]:
    """Macros that ``caller`` may run by hand: of the types of which there is a ticket to change."""
    types = changeable(Ticket, caller).values("feedback_type")
    macros = Macro.objects.filter(archived=False, feedback_type__in=types)
    return macros.select_related("feedback_type__project")


def runs_shown(caller: Caller) -> QuerySet[Execution]:
    """What ``caller`` may look at: support sees what was run by hand on its own tickets."""
    by_hand = (Execution.Start.HAND, Execution.Start.UNDO)
    own = Q(start__in=by_hand, ticket__in=changeable(Ticket, caller).values("pk"))
    return Execution.objects.filter(Q(pk__in=seen(Execution, caller).values("pk")) | own)


def _step(part: Undone) -> Step:
    sentence = f"{part.title}: {part.state.label.lower()}"
    if part.state == State.BACK and part.before:
        sentence += f" to “{part.before}”"
    if part.state == State.TOUCHED:
        sentence += f"; it is “{part.now}” now, and was “{part.before}” before the run"
    record = {"back": part.field} if part.state == State.BACK else {}
    return Step(
        ExecutionStep(kind="undo", sentence=f"{sentence}. {part.why}".strip(), record=record)
    )
