from __future__ import annotations

from typing import Any

from django import forms

from automation.actions.base import (
    Action,
    ActionForm,
    Done,
    Effect,
    Even,
    Group,
    Record,
    Settings,
    effect_of,
)
from feedback.models import MOST_POINTS, PersonChange, Ticket
from feedback.people import adjust_points, restore_points
from feedback.scores import How, adjusted
from feedback.services import change_ticket
from feedback.undo import Undone, cannot

HOWS = [("", "Leave as they are"), *How.choices]
PHRASES = {
    How.ADD: "add {number} to {what}",
    How.SUBTRACT: "subtract {number} from {what}",
    How.SET: "set {what} to {number}",
}


def number(**options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        required=False, min_value=-MOST_POINTS, max_value=MOST_POINTS, **options
    )


class AdjustScore(Action):
    kind = "adjust_score"
    label = "Adjust Score"
    group = Group.SUBMITTER
    repeatable = True

    class Form(ActionForm):
        points_how = forms.ChoiceField(
            label="The submitter's rank points", choices=HOWS, required=False
        )
        points = number(label="Points")
        score_how = forms.ChoiceField(
            label="The ticket's priority score", choices=HOWS, required=False
        )
        score = number(label="Score")

        def clean(self) -> None:
            for name in ("points", "score"):
                if self.has(f"{name}_how") and not self.has(name) and name not in self.errors:
                    self.add_error(name, "Say how much.")
                if self.has(name) and not self.has(f"{name}_how"):
                    self.add_error(f"{name}_how", "Say whether to add, subtract or set it.")
            self.needs_one_of(
                *("points_how", "score_how"),
                problem="Choose what becomes of the rank points or of the priority score.",
            )

    def describe(self, settings: Settings) -> str:
        parts = [
            PHRASES[How(settings[f"{name}_how"])].format(number=settings[name], what=what)
            for name, what in (("points", "the submitter's points"), ("score", "the score"))
            if settings[f"{name}_how"]
        ]
        sentence = ", and ".join(parts)
        return sentence[0].upper() + sentence[1:]

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        record: Record = {}
        effects: list[Effect] = []
        by = {"actor": actor, "cause": cause}
        points = None
        if how := settings["points_how"]:
            points = adjust_points(ticket, how, settings["points"], **by)
        if how := settings["score_how"]:
            score = adjusted(ticket.score, how, settings["score"])
            if changes := change_ticket(ticket, score=score, **by):
                record["changes"] = [change.pk for change in changes]
                effects = [effect_of(change) for change in changes]
        if points is None:
            return Done(record, effects=tuple(effects))
        record |= {"points": points.pk, "relative": settings["points_how"] != How.SET}
        effects.insert(0, Effect("Rank points", points.before_text, points.after_text))
        told = f"rank points {points.before_text} → {points.after_text}"
        return Done(record, told, effects=tuple(effects))

    def undo(
        self, ticket: Ticket, record: Record, *, even: Even, actor: str, cause: str
    ) -> list[Undone]:
        """The rank points; the score is a field of the ticket."""
        if "points" not in record:
            return []
        change = PersonChange.objects.filter(pk=record["points"]).first()
        if change is None:
            return [cannot("rank points", "Who they were of is no longer there.")]
        relative = record["relative"]
        by = {"actor": actor, "cause": cause}
        return [restore_points(ticket, change, relative=relative, even=even, **by)]

    def redo(self, ticket: Ticket, record: Record, *, actor: str, cause: str) -> list[Undone]:
        return self.undo(ticket, record, even=(), actor=actor, cause=cause)
