"""A file of tickets: new ones, and changes to those that it names."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from feedback.bulk import Work, tags_of
from feedback.imports.cells import TICKET_COLUMNS, fields_of, squeezed, tag_names
from feedback.imports.files import Layout, Row
from feedback.imports.links import KnownLinks, LinkCells
from feedback.imports.names import Names, ref_key, tickets_called
from feedback.imports.plan import Plan, Step, steps_of
from feedback.imports.problems import Problem, Refused, refuse
from feedback.models import MOST_POINTS, Exposure, FeedbackType, Status, Team, Ticket
from feedback.services import CHANGEABLE

LAYOUT = Layout(TICKET_COLUMNS, required=[])
TRUE = ("yes", "y", "true", "1", "x")
FALSE = ("no", "n", "false", "0")


class TicketRowForm(LinkCells):
    """A row of a new ticket, or what a row changes of ``ticket``."""

    summary = forms.CharField(
        max_length=Ticket._meta.get_field("summary").max_length,
        error_messages={"required": "Give the new ticket a summary."},
    )
    description = forms.CharField()
    status = forms.CharField()
    team = forms.CharField()
    tags = forms.CharField()
    exposure = forms.CharField()
    blocking = forms.CharField()
    score = forms.IntegerField(
        min_value=-MOST_POINTS,
        max_value=MOST_POINTS,
        error_messages={"invalid": "Give a whole number."},
    )
    submitter = forms.CharField()

    def __init__(self, cells: dict[str, str], *, names: Names, ticket: Ticket | None) -> None:
        super().__init__(cells, needed=() if "ref" in cells or ticket else ["summary"])
        self.names = names
        self.ticket = ticket

    def clean_status(self) -> Status:
        current = self.ticket.status if self.ticket else None
        return self.names.status(self.cleaned_data["status"], current)

    def clean_team(self) -> Team:
        current = self.ticket.team if self.ticket else None
        return self.names.team(self.cleaned_data["team"], current)

    def clean_tags(self) -> list[str]:
        names = tag_names(self.cleaned_data["tags"])
        if any(len(name) > 50 for name in names):
            raise ValidationError("A tag has at most 50 characters.")
        return names

    def clean_exposure(self) -> str:
        asked = self.cleaned_data["exposure"].lower()
        if asked not in Exposure.values:
            raise ValidationError(f"“{asked[:50]}” is neither public nor internal.")
        return str(asked)

    def clean_blocking(self) -> bool:
        asked = self.cleaned_data["blocking"].lower()
        if asked not in TRUE + FALSE:
            raise ValidationError(f"“{asked[:50]}” is neither yes nor no.")
        return asked in TRUE

    def clean_submitter(self) -> User:
        if self.ticket is None:
            return self.names.submitter(self.cleaned_data["submitter"])
        asked, own = self.cleaned_data["submitter"].lower(), self.ticket.submitter
        if asked not in (own.get_username().lower(), own.email.lower()):
            raise ValidationError(
                f"{self.ticket} was submitted by {own}, and that cannot be changed: leave the cell "
                "empty."
            )
        return own

    def step(self, line: int, person: User, feedback_type: FeedbackType) -> Step:
        given = {name: value for name, value in self.cleaned_data.items() if name in self.fields}
        new = self.ticket is None
        ticket = self.ticket or Ticket(
            feedback_type=feedback_type,
            summary=given.pop("summary"),
            description=given.pop("description", ""),
            submitter=given.get("submitter", person),
            exposure=given.pop("exposure", Exposure.PUBLIC),
        )
        fields = {name: given[name] for name in CHANGEABLE if name in given}
        return Step(line, Work(ticket, fields), new, tags=given.get("tags") or None)


class TicketFile:
    """The rows of a file, and what they speak of, read once."""

    def __init__(self, rows: Sequence[Row], feedback_type: FeedbackType, person: User) -> None:
        self.feedback_type = feedback_type
        self.person = person
        project = feedback_type.project
        refs = (row.cells.get("ref", "") for row in rows)
        self.tickets = tickets_called(project, refs, feedback_type)
        self.tags = tags_of(self.tickets.values())
        self.links = KnownLinks(self.tickets.values())
        submitters = [row.cells["submitter"].strip() for row in rows if "submitter" in row.cells]
        self.names = Names(project, person, submitters)
        self._changed_in: dict[int, int] = {}

    def step(self, row: Row) -> Step:
        """What ``row`` asks for; raises Refused with all that is wrong with it."""
        ref = row.cells.get("ref", "")
        ticket = self.tickets.get(ref_key(ref) or ("", 0))
        cells = self._left(row, ticket) if ticket else row.cells
        form = TicketRowForm(cells, names=self.names, ticket=ticket)
        problems = form.problems(row.line)
        if ref and not ticket:
            problems.append(Problem(self._no_ticket(ref), row.line, "ref"))
        if problems:
            raise Refused(problems)
        step = form.step(row.line, self.person, self.feedback_type)
        if form.link:
            self.links.settle(step.work, form.link, row.line)
        return step

    def _left(self, row: Row, ticket: Ticket) -> dict[str, str]:
        """The cells that say something else than the export of ``ticket`` would."""
        own = row.cells.keys() & {*CHANGEABLE, "tags"}
        other = self._changed_in.setdefault(ticket.pk, row.line) if own else row.line
        if other != row.line:
            raise refuse(
                f"{ticket} is in line {other} already: put all its fields into one line. Further "
                "lines of a ticket may hold a link and nothing else.",
                row.line,
                "ref",
            )
        said = fields_of(ticket, self.tags[ticket.pk], several=self.names.several)
        return {
            name: cell
            for name, cell in row.cells.items()
            if name not in said or squeezed(cell) != squeezed(said[name])
        }

    def _no_ticket(self, ref: str) -> str:
        prefix = self.feedback_type.prefix
        if (ref_key(ref) or (prefix,))[0] != prefix:
            return f"{ref[:50].strip()} is no ticket of {self.feedback_type}: import it there."
        return (
            f"There is no ticket {ref[:50].strip()}: look at its id again, or leave the cell empty "
            "to make a new one."
        )


def plan_tickets(rows: Sequence[Row], feedback_type: FeedbackType, person: User) -> Plan:
    """Raises Refused with all that is wrong with the rows."""
    file = TicketFile(rows, feedback_type, person)
    return Plan(feedback_type.project, steps_of(rows, file.step), feedback_type)
