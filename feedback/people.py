"""Every write about the submitter of a ticket, each with what it leaves in that person's history.

``actor`` and ``cause`` are those of a ``TicketChange``.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction

from feedback.models import (
    PersonChange,
    PersonNote,
    Project,
    SavedFilterUse,
    Standing,
    Team,
    Ticket,
    TicketEvent,
)
from feedback.scores import How, adjusted
from feedback.services import noted
from feedback.undo import State, Undone, cannot

# Whom macros may put into a team of that kind. Being in one of the others means managing a project.
OPEN_KINDS = (Team.Kind.SUPPORT, Team.Kind.OBSERVER, Team.Kind.PARTICIPANT)


def points_of(project: Project, person: User) -> int:
    standing = Standing.objects.filter(project=project, person=person).first()
    return standing.points if standing else 0


@transaction.atomic
def adjust_points(
    ticket: Ticket, how: str, number: int, *, actor: str, cause: str = ""
) -> PersonChange | None:
    """The submitter's rank points in the project; None where they are so already."""
    now = _standing(ticket).points
    return _set_points(ticket, now, adjusted(now, how, number), actor, cause)


@transaction.atomic
def restore_points(
    ticket: Ticket,
    change: PersonChange,
    *,
    relative: bool,
    even: Container[str] = (),
    actor: str,
    cause: str = "",
) -> Undone:
    """What was added is taken away again, whatever came later; what was set, if nothing did
    or ``even`` names the points.
    """
    now, field = _standing(ticket).points, PersonChange.Field.POINTS.label
    touched = not relative and now not in (change.after, change.before)
    if touched and field not in even:
        return Undone(field, State.TOUCHED, change.before_text, str(now))
    try:
        before = adjusted(now, How.ADD, change.before - change.after) if relative else change.before
    except ValidationError as error:
        return cannot(field, " ".join(error.messages))
    back = _set_points(ticket, now, before, actor, cause)
    record = {"points": back.pk, "relative": True} if back else {}
    return Undone(field, State.BACK, str(before), str(now), record=record)


def _standing(ticket: Ticket) -> Standing:
    """Locked, so that no other points get lost."""
    person: dict[str, Any] = {"project": ticket.project, "person": ticket.submitter}
    Standing.objects.get_or_create(**person)
    return Standing.objects.select_for_update().get(**person)


def _set_points(
    ticket: Ticket, before: int, after: int, actor: str, cause: str
) -> PersonChange | None:
    if before == after:
        return None
    own = Standing.objects.filter(project=ticket.project, person=ticket.submitter)
    own.update(points=after)
    return _note(ticket, PersonChange.Field.POINTS, before, after, actor, cause)


def join_team(ticket: Ticket, team: Team, *, actor: str, cause: str = "") -> PersonChange | None:
    """The submitter becomes a member; None for who is one already."""
    return _set_membership(ticket, team, True, actor, cause)


def leave_team(ticket: Ticket, team: Team, *, actor: str, cause: str = "") -> PersonChange | None:
    """The submitter is a member no more; None for who is none."""
    return _set_membership(ticket, team, False, actor, cause)


@transaction.atomic
def _set_membership(
    ticket: Ticket, team: Team, member: bool, actor: str, cause: str
) -> PersonChange | None:
    if team.members.filter(pk=ticket.submitter.pk).exists() == member:
        return None
    (team.members.add if member else team.members.remove)(ticket.submitter)
    note_regrouped([ticket.submitter], [team], actor=actor, cause=cause)
    before, after = (None, team) if member else (team, None)
    return _note(ticket, PersonChange.Field.TEAM, before, after, actor, cause)


def note_regrouped(
    people: Iterable[User], teams: Iterable[Team], *, actor: str, cause: str = ""
) -> None:
    """Let those know who wait for tickets to come within a filter, by their submitter's team."""
    asking = SavedFilterUse.objects.filter(
        team__in=[team.pk for team in teams], saved_filter__feedback_type__watched=True
    )
    tickets = Ticket.objects.filter(
        submitter__in=[person.pk for person in people],
        feedback_type__in=asking.values("saved_filter__feedback_type"),
    )
    TicketEvent.objects.bulk_create(
        (
            TicketEvent(ticket_id=pk, kind=TicketEvent.Kind.SUBMITTER, actor=actor, cause=cause)
            for pk in tickets.values_list("pk", flat=True)
        ),
        batch_size=500,
    )


def restore_membership(
    ticket: Ticket, change: PersonChange, *, actor: str, cause: str = ""
) -> Undone:
    """Out of the team that was joined, or back into the one that was left."""
    joined = change.after is not None
    kept = change.after if joined else change.before
    team = Team.objects.filter(pk=kept["id"], project=ticket.project).first()
    field = f"membership of {kept['name']}"
    if team is None:
        return cannot(field, f"“{kept['name']}” is no longer there.")
    if team.kind not in OPEN_KINDS:
        return cannot(field, f"“{team}” is a team of project managers now.")
    restore = leave_team if joined else join_team
    back = restore(ticket, team, actor=actor, cause=cause)
    before, other = ("no", "yes") if joined else ("yes", "no")
    if back is None:
        return Undone(field, State.BACK, before, before)
    return Undone(field, State.BACK, before, other, record={"membership": back.pk})


def add_note(ticket: Ticket, body: str, *, actor: str, cause: str = "") -> PersonNote:
    return PersonNote.objects.create(body=body, **_about(ticket, actor, cause))


@transaction.atomic
def remove_note(ticket: Ticket, note: PersonNote, *, actor: str, cause: str = "") -> None:
    _note(ticket, PersonChange.Field.NOTE, note.body, None, actor, cause)
    note.delete()


def _note(
    ticket: Ticket, field: str, before: Any, after: Any, actor: str, cause: str
) -> PersonChange:
    values = {"field": field, "before": noted(before), "after": noted(after)}
    return PersonChange.objects.create(**values, **_about(ticket, actor, cause))


def _about(ticket: Ticket, actor: str, cause: str) -> dict[str, Any]:
    return {
        "project": ticket.project,
        "person": ticket.submitter,
        "ticket": ticket,
        "actor": actor,
        "cause": cause,
    }
