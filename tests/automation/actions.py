"""What the stories of all actions have in common."""

from __future__ import annotations

from types import SimpleNamespace

from access.callers import Caller
from automation.by_hand import run_by_hand, undo
from automation.macros import save_macro
from automation.models import Macro
from feedback.models import PersonNote, Standing, Ticket
from feedback.undo import State

FIELDS = (
    "summary",
    "description",
    "team_id",
    "status_id",
    "blocking",
    "exposure",
    "score",
    "values",
)
LINK = ("system", "remote_key", "remote_id", "url")


def make_macro(feedback_type, *actions, name="Do it") -> Macro:
    return save_macro(Macro(feedback_type=feedback_type, name=name), actions)


def run(beta, *actions, ticket=None, name="Do it") -> SimpleNamespace:
    """Make a macro of ``actions`` and run it: the execution, its steps' sentences, what follows."""
    macro = make_macro(beta.bugs, *actions, name=name)
    execution = run_by_hand(macro, ticket or beta.ticket, Caller("pam"))
    steps = list(execution.steps.all())
    return SimpleNamespace(
        macro=macro,
        execution=execution,
        reason=execution.reason,
        sentence=execution.sentence,
        steps=[step.sentence for step in steps],
    )


def take_back(execution, **options):
    return undo(execution, Caller("pam"), **options)


def as_it_is(ticket) -> dict:
    """Everything of a ticket and its submitter that an action may change."""
    ticket = Ticket.objects.get(pk=ticket.pk)
    person, project = ticket.submitter, ticket.project
    return {
        **{name: getattr(ticket, name) for name in FIELDS},
        "tags": sorted(tag.name for tag in ticket.tags.all()),
        "links": sorted(ticket.links.values_list(*LINK)),
        "comments": [*ticket.comments.values_list("body", "exposure")],
        "teams": {*person.teams.values_list("name", flat=True)},
        "points": {
            standing.points
            for standing in Standing.objects.filter(person=person, project=project)
            if standing.points
        },
        "notes": [*PersonNote.objects.filter(person=person).values_list("body", flat=True)],
    }


def states(execution) -> list[str]:
    """How each part was taken back, by the sentences of an undo."""
    return [
        next(state for state in State if f": {state.label.lower()}" in step.sentence).value
        for step in execution.steps.all()
    ]
