"""What a project calls things, read once for a whole file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.functions import Lower

from feedback.bulk import chunks
from feedback.filters import CHOICES_IN_PROJECT
from feedback.imports.cells import status_cell
from feedback.models import REF, FeedbackType, Project, Status, Team, Ticket
from rest.nearest import nearest

Named = TypeVar("Named")


class Names:
    """Finds rows of the project by what a cell says; raises ValidationError with what to do."""

    def __init__(self, project: Project, person: User, submitters: Iterable[str] = ()) -> None:
        self.project = project
        self.person = person
        statuses = list(Status.objects.in_project(project).select_related("workflow"))
        self.several = project.workflows.count() > 1
        self._qualified = by_name(statuses, lambda status: status_cell(status, several=True))
        self._statuses = by_name(statuses, str)
        self._teams = by_name(project.teams.all(), str)
        people = people_called(project, submitters)
        self._usernames = by_name(people, User.get_username)
        self._emails = by_name(people, lambda user: user.email)

    def status(self, cell: str, current: Status | None) -> Status:
        qualified = re.sub(r"\s*:\s*", ": ", cell).lower()
        found = self._qualified.get(qualified) or self._statuses.get(cell.lower(), [])
        if current in found and current is not None:
            return current
        offered = [row for row in found if not (row.archived or row.workflow.archived)]
        if len(offered) > 1:
            ways = " or ".join(f"“{status_cell(row, several=True)}”" for row in offered)
            raise ValidationError(f"Several workflows have a status “{cell}”: write {ways}.")
        if not offered:
            raise ValidationError(self._no("status", cell, found, self._statuses))
        return offered[0]

    def team(self, cell: str, current: Team | None) -> Team:
        found = self._teams.get(cell.lower(), [])
        for team in found:
            if team == current or not team.archived:
                return team
        raise ValidationError(self._no("team", cell, found, self._teams))

    def submitter(self, cell: str) -> User:
        if cell.lower() in (self.person.get_username().lower(), self.person.email.lower()):
            return self.person
        named = self._usernames.get(cell.lower(), [])
        exact = [user for user in named if user.get_username() == cell]
        found = exact or named or self._emails.get(cell.lower(), [])
        if len(found) > 1:
            raise ValidationError(f"Several people go by “{cell}”: give the username of one.")
        if not found:
            raise ValidationError(
                f"Nobody in {self.project} goes by “{cell}”: give the username or e-mail address "
                "of somebody in one of its teams, or leave the cell empty: then it is you."
            )
        return found[0]

    def _no(self, what: str, cell: str, archived: list[Named], known: dict[str, list]) -> str:
        if archived:
            return f"The {what} “{cell}” is archived: choose another, or have it offered again."
        names = {str(row): row for rows in known.values() for row in rows if not row.archived}
        near = nearest(cell, names) or " Look at the project's list of them."
        return f"There is no {what} “{cell[:100]}” in {self.project}.{near}"


def by_name(rows: Iterable[Named], name: Callable[[Named], str]) -> dict[str, list[Named]]:
    """The rows by name in small letters."""
    found: dict[str, list[Named]] = defaultdict(list)
    for row in rows:
        found[name(row).lower()].append(row)
    return dict(found)


def people_called(project: Project, cells: Iterable[str]) -> list[User]:
    """Those in ``project`` whose username or e-mail address is one of ``cells``."""
    found: dict[int, User] = {}
    people = CHOICES_IN_PROJECT[User](project).annotate(
        small_username=Lower("username"), small_email=Lower("email")
    )
    for chunk in chunks(set(cells)):
        small = [cell.lower() for cell in chunk]
        named = Q(username__in=chunk) | Q(small_username__in=small) | Q(small_email__in=small)
        found |= {user.pk: user for user in people.filter(named)}
    return list(found.values())


def tickets_called(
    project: Project, refs: Iterable[str], feedback_type: FeedbackType | None = None
) -> dict[tuple[str, int], Ticket]:
    """The project's tickets by prefix and number; of one feedback type, where that is given."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for key in filter(None, map(ref_key, refs)):
        wanted[key[0]].add(key[1])
    tickets = Ticket.objects.in_project(project).select_related(
        "feedback_type__project", "status__workflow", "team", "submitter"
    )
    if feedback_type is not None:
        tickets = tickets.filter(feedback_type=feedback_type)
    found = {}
    for prefix, numbers in wanted.items():
        for chunk in chunks(numbers):
            for ticket in tickets.filter(feedback_type__prefix=prefix, number__in=chunk):
                found[prefix, ticket.number] = ticket
    return found


def ref_key(ref: str) -> tuple[str, int] | None:
    """Prefix and number, in which letter case and zeros no longer matter."""
    match = REF.fullmatch(ref)
    return (match.group(1).upper(), int(match.group(2))) if match else None
