"""What a project knows of a person, for those who work in the project."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property

from access.rules import Right, seen
from feedback.filters import CHOICES_IN_PROJECT
from feedback.models import PersonChange, PersonNote, Project, Team, Ticket
from feedback.pages import ProjectPage
from feedback.people import points_of

NEWEST = 100  # notes and changes
NEWEST_TICKETS = 20


class PersonPage(ProjectPage):
    template_name = "feedback/person.html"

    def projects(self) -> QuerySet[Project]:
        return Project.objects.giving(self.caller, Right.INSIDE)

    def get_title(self) -> str:
        return called(self.shown)

    @cached_property
    def shown(self) -> User:
        people = CHOICES_IN_PROJECT[User](self.project)
        return get_object_or_404(people, pk=self.kwargs["pk"])

    def points(self) -> int:
        return points_of(self.project, self.shown)

    def notes(self) -> QuerySet[PersonNote]:
        return self._about(PersonNote)

    def changes(self) -> list[PersonChange]:
        """The newest last, as on a ticket's page."""
        return list(self._about(PersonChange))[::-1]

    def _about(self, model: Any) -> Any:
        rows = seen(model, self.caller).filter(project=self.project, person=self.shown)
        return rows.select_related("ticket__feedback_type__project").order_by("-pk")[:NEWEST]

    def teams(self) -> QuerySet[Team]:
        return self.project.teams.filter(members=self.shown)

    def tickets(self) -> QuerySet[Ticket]:
        own = Ticket.objects.in_project(self.project).filter(submitter=self.shown)
        shown = own & seen(Ticket, self.caller)
        return shown.select_related("feedback_type__project", "status")[:NEWEST_TICKETS]


def called(person: User) -> str:
    """Who submits for an API key goes by the key's name."""
    name = person.get_username()
    return person.first_name if " " in name else name
