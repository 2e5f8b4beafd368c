"""What macros keep of the answers to their calls: form fields of the ticket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from automation.actions.base import effect_of, kept_effects
from automation.bodies import read_body
from automation.expressions import evaluate
from automation.leaving import KEEPER
from automation.listener_types.base import Work
from automation.macro_run import Step
from automation.models import Execution, ExecutionStep, Outgoing
from automation.outbox import takes_answers
from automation.reasons import Reason, Stop
from automation.runs import carry_out, locked
from feedback.models import FormField, Ticket, TicketChange
from feedback.services import change_ticket
from feedback.values import from_json, from_text, takes_type

ACTION = "Keep of the answer"
KIND = "keep_of_answer"  # of its steps


@takes_answers(KEEPER)
def keep_of_answer(outgoing: Outgoing) -> None:
    """Keep it in the ticket's form fields, by a run of its own after the one that called."""
    if outgoing.ticket_id is None:
        return
    run = outgoing.execution
    execution = Execution(
        ticket=locked(outgoing.ticket_id),
        start=Execution.Start.ANSWER,
        after=run,
        actor=f"Answer of {outgoing.destination}"[:300],
    )
    macro = str(run.macro or run.actor) if run else ""
    title = f"Keeping the answer of {outgoing.destination}"
    work = KeepWork(
        title,
        asked_by=macro,
        answer=outgoing.answer,
        keep=outgoing.content["keep"],
        call=outgoing.pk,
        newer=_kept_of_later(outgoing),
    )
    carry_out(work, execution)


def _kept_of_later(outgoing: Outgoing) -> frozenset[str]:
    """The fields that have something of the answer to a later call about the ticket."""
    steps = ExecutionStep.objects.filter(
        execution__ticket=outgoing.ticket_id,
        execution__start=Execution.Start.ANSWER,
        kind=KIND,
        record__call__gt=outgoing.pk,
    )
    return frozenset(steps.values_list("record__kept", flat=True))


@dataclass(frozen=True)
class KeepWork(Work):
    """Sets each field of ``keep`` to what its JMESPath expression finds in ``answer``."""

    asked_by: str = ""  # the macro that called
    answer: Mapping[str, Any] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    call: int = 0  # the id of its row in the outbox
    newer: frozenset[str] = frozenset()  # fields that a later call's answer was kept in

    def do(self, ticket: Ticket, *, actor: str, cause: str) -> list[Step]:
        fields = {each.key: each for each in ticket.feedback_type.fields}
        # JSON in a database has no order of its own: the fields have one.
        keys = sorted(self.keep, key=lambda key: [*fields, key].index(key))
        try:
            body = body_of(self.answer)
            found = {key: evaluate(self.keep[key], body) for key in keys if key not in self.newer}
            values = read_values(
                fields, {key: each for key, each in found.items() if each is not None}
            )
            changes = change_ticket(ticket, actor=actor, cause=cause, values=values)
        except ValidationError as error:
            raise Stop(
                Reason.ACTION_FAILED,
                action=ACTION,
                macro=self.asked_by,
                ticket=ticket.ref,
                why=" ".join(error.messages),
            ) from error
        changed = {change.form_field.key: change for change in changes if change.form_field}
        return [
            self._step(key, fields[key].label if key in fields else key, key in values, changed)
            for key in keys
        ]

    def _step(self, key: str, label: str, kept: bool, changed: Mapping[str, TicketChange]) -> Step:
        change = changed.get(key)
        record: dict[str, Any] = {"kept": key, "call": self.call} if kept else {}
        row = ExecutionStep(
            kind=KIND,
            sentence=f"Keep “{label}” of the answer{'' if kept else self._why_not(key)}",
            record=record | ({"changes": [change.pk]} if change else {}),
            changes=kept_effects([effect_of(change)] if change else []),
        )
        return Step(row)

    def _why_not(self, key: str) -> str:
        why = "came after that of a later call" if key in self.newer else "does not have it"
        return f", which {why}: it stays as it was"


def body_of(answer: Mapping[str, Any]) -> Any:
    """The JSON that the call was answered; raises ValidationError."""
    if answer.get("cut"):
        raise ValidationError("The answer is longer than what is kept of one, so it was not read.")
    text = str(answer.get("body", ""))
    if not text.strip():
        raise ValidationError("The answer is empty: JSON was expected.")
    try:
        return read_body(text.encode("utf-8", "replace"), "application/json")
    except Stop as stop:
        raise ValidationError(f"The answer is no JSON: {stop.evidence['why']}.") from stop


def read_values(fields: Mapping[str, FormField], found: Mapping[str, Any]) -> dict[str, Any]:
    """What was found as the fields keep it; raises ValidationError with all that does not fit."""
    values, problems = {}, []
    for key, value in found.items():
        try:
            if key not in fields:
                raise ValidationError("The ticket's type has no such form field.")
            values[key] = read_value(fields[key], value)
        except ValidationError as error:
            label = fields[key].label if key in fields else key
            problems.append(f"“{label}” cannot be {_shown(value)}: {' '.join(error.messages)}")
    if problems:
        raise ValidationError(problems)
    return values


def read_value(form_field: FormField, value: Any) -> Any:
    """Texts and numbers do where the field takes the other; raises ValidationError."""
    value = _storable(value)
    kept = form_field.archived_choices  # what is archived keeps working
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    if is_plain and not takes_type(form_field, value):
        return from_text(form_field, value if isinstance(value, str) else json.dumps(value), kept)
    return from_json(form_field, value, kept)


def _storable(value: Any) -> Any:
    """As every database can keep it: no half of a surrogate pair."""
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _shown(value: Any) -> str:
    return _storable(json.dumps(value, ensure_ascii=False)[:60])
