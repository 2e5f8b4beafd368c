"""A run taken back: its changes of fields, what its actions did besides, what waits to leave."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from automation.actions import ACTIONS
from automation.actions.base import Effect, kept_effects
from automation.listener_types.base import Work
from automation.macro_run import Step
from automation.models import BulkRun, Execution, ExecutionStep, Outgoing
from automation.outbox import cancel
from automation.reasons import Reason
from feedback.models import Ticket
from feedback.undo import State, Undone, cannot, is_in_history, revert

KIND = "undo"  # of the steps of an undo
UNDO, REDO = "undo", "redo"  # what such a step did to another, by that one's action
TOLD_BY_A_TRACKER = {"comment": "Comment", "custom_data": "Custom data"}  # kinds of steps
LEFT = {
    Outgoing.Kind.MAIL: "A mail that left cannot be called back.",
    Outgoing.Kind.CALL: "A call that was made cannot be called back.",
}
NEVER_LEFT = (Outgoing.Status.FAILED, Outgoing.Status.CANCELLED)


@dataclass(frozen=True)
class UndoWork(Work):
    """Takes back what ``run`` did; what somebody touched since only where ``even`` says so."""

    run: Execution | None = None
    even: Container[str] = ()

    def do(self, ticket: Ticket, *, actor: str, cause: str) -> list[Step]:
        assert self.run is not None
        parts = undone(self.run, ticket, {"actor": actor, "cause": cause}, self.even)
        return [_step(part) for part in parts]

    def nothing_done(self, steps: list[Step]) -> tuple[Reason, dict[str, str]]:
        told = " ".join(step.row.sentence for step in steps)
        why = told or "Nothing is left of it that could be taken back."
        return Reason.NOT_TAKEN_BACK, {"why": why}


def undone(
    run: Execution, ticket: Ticket, by: Mapping[str, str], even: Container[str] = ()
) -> list[Undone]:
    """What became of each part of ``run``; ``by`` are the actor and the cause.

    What was taken back before, and not brought back since, is no part any more.
    """
    fields = revert(ticket, run.public_id, undos_of([run]), by=by, even=even)
    leaving = list(run.outgoing.exclude(status__in=NEVER_LEFT).order_by("-pk"))
    answers = _answers_on(ticket)
    steps = [
        part
        for own in run.steps.order_by("-pk")
        if not (leaving and _only_leaves(own)) and (step := _standing(own, answers))
        for part in _parts(step, ticket, by, even)
    ]
    return [*fields, *steps, *(_withdrawn(row, by["actor"]) for row in leaving)]


def _standing(step: ExecutionStep, answers: Mapping[int, ExecutionStep]) -> ExecutionStep | None:
    """``step``, or what did it again after an undo; None where it is taken back."""
    undo = answers.get(step.pk)
    if undo is None:
        return step
    again = answers.get(undo.pk)
    return _standing(again, answers) if again else None


def _answers_on(ticket: Ticket) -> dict[int, ExecutionStep]:
    """By the id of each step on ``ticket`` that was taken back, the step that did so last."""
    undos = ExecutionStep.objects.filter(kind=KIND, execution__ticket=ticket).order_by("pk")
    return {step.record["step"]: step for step in undos if "step" in step.record}


def _only_leaves(step: ExecutionStep) -> bool:
    action = ACTIONS.get(step.kind)
    return action is not None and bool(action.not_undoable)


def _parts(
    step: ExecutionStep, ticket: Ticket, by: Mapping[str, str], even: Container[str]
) -> Iterator[Undone]:
    """What becomes of what ``step`` did besides changing fields."""
    if step.record and step.kind in TOLD_BY_A_TRACKER:
        yield cannot(TOLD_BY_A_TRACKER[step.kind], "What a tracker told stays as it was told.")
        return
    kind, way, record = step.kind, UNDO, step.record
    if kind == KIND:
        kind, way = record.get("kind", ""), UNDO if record.get("did") == REDO else REDO
        record = record.get("record", {})
    action = ACTIONS.get(kind)
    if action is None or not record:
        return
    if way == UNDO:
        parts = action.undo(ticket, record, even=even, **by)
    else:
        parts = action.redo(ticket, record, **by)
    for part in parts:
        did = {"step": step.pk, "kind": kind, "did": way, "record": part.record}
        yield dataclasses.replace(part, record=did) if part.record else part


def _withdrawn(row: Outgoing, actor: str) -> Undone:
    """What still waits is cancelled."""
    title = f"{row.get_kind_display()} to {row.destination}"
    if cancel(row, actor=actor):
        return Undone(title, State.BACK, now=row.title, why="It had not left: it is cancelled.")
    if row.status == Outgoing.Status.MERGED:
        return cannot(title, "It is a part of a mail about several tickets.")
    return cannot(title, LEFT[Outgoing.Kind(row.kind)])


def undos_of(runs: Iterable[Execution]) -> dict[str, str]:
    """The public ids of their undos, and of the undos of these, each with what it undoes."""
    undos: dict[str, str] = {}
    level = {run.pk: run.public_id for run in runs}
    while level:
        found = Execution.objects.filter(undoes__in=level)
        rows = list(found.values_list("pk", "public_id", "undoes"))
        undos |= {public_id: level[of] for _, public_id, of in rows if of}
        level = {pk: public_id for pk, public_id, _ in rows}
    return undos


def title_of_undo(run: Execution | BulkRun) -> str:
    """“Undo of “Close””, and of that one “Undo of the undo of “Close””."""
    title = "Undo of"
    while run.undoes is not None:
        run, title = run.undoes, f"{title} the undo of"
    return f"{title} “{run.macro or run.actor}”"


def _step(part: Undone) -> Step:
    back = part.state == State.BACK
    row = ExecutionStep(
        kind=KIND,
        sentence=f"{_what(part)}. {part.why}".strip(),
        record={**(part.record or {"back": part.field})} if back else {},
        changes=kept_effects([Effect(part.title, part.now, part.before)] if back else []),
    )
    there_again = part.record.get("did") == REDO and part.field == "comment"
    told = _what(part) if back and (there_again or not is_in_history(part.field)) else ""
    return Step(row, told[:1].lower() + told[1:])


def _what(part: Undone) -> str:
    if part.state == State.TOUCHED:
        told = f"it is “{part.now}” now, and was “{part.before}” before the run"
        return f"{part.title}: {part.state.label.lower()}; {told}"
    if part.state == State.BACK and part.record.get("did") == REDO:
        return f"{part.title}: there again"
    to = f" to “{part.before}”" if part.state == State.BACK and part.before else ""
    return f"{part.title}: {part.state.label.lower()}{to}"
