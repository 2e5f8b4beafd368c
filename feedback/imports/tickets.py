"""A file of tickets: new ones, and changes to those that it names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from feedback.bulk import Work, tags_of
from feedback.imports.cells import (
    field_column,
    fields_of,
    squeezed,
    ticket_columns,
)
from feedback.imports.files import Layout, Row, column_name
from feedback.imports.links import KnownLinks, LinkCells
from feedback.imports.names import Names, ref_key, tickets_called
from feedback.imports.plan import Plan, Step, steps_of
from feedback.imports.problems import Problem, Refused, refuse
from feedback.lists import split_names
from feedback.models import (
    MOST_POINTS,
    Exposure,
    FeedbackType,
    FormField,
    Status,
    Team,
    Ticket,
)
from feedback.services import CHANGEABLE
from feedback.values import ARCHIVED, from_text

TRUE = ("yes", "y", "true", "1", "x")
FALSE = ("no", "n", "false", "0")


def layout_of(feedback_type: FeedbackType) -> Layout:
    """Form fields may go by their label or key too, where nothing else is called so."""
    columns = ticket_columns(feedback_type)
    called = [
        (column_name(name), field_column(field))
        for field in feedback_type.fields
        for name in {column_name(field.label), field.key}
    ]
    times = Counter(name for name, _ in called)
    aliases = {name: column for name, column in called if times[name] == 1 and name not in columns}
    return Layout(columns, required=[], aliases=aliases)


class ValueCell(forms.CharField):
    """What a cell says to a form field."""

    def __init__(self, field: FormField, current: Any) -> None:
        super().__init__(required=field.required, strip=False)
        self.field, self.current = field, current

    def clean(self, cell: Any) -> Any:
        if self.field.archived:
            raise ValidationError(ARCHIVED)
        return from_text(self.field, cell or "", self.current)


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

    def __init__(
        self,
        cells: dict[str, str],
        *,
        names: Names,
        form_fields: Mapping[str, FormField],
        ticket: Ticket | None,
    ) -> None:
        new = not ("ref" in cells or ticket)
        super().__init__(cells, needed=["summary"] if new else ())
        self.names = names
        self.ticket = ticket
        self.form_fields = form_fields
        for column, field in form_fields.items():
            if column in cells or (new and field.required and not field.archived):
                current = ticket.values.get(field.key) if ticket else None
                self.fields[column] = ValueCell(field, current)

    def clean_status(self) -> Status:
        current = self.ticket.status if self.ticket else None
        return self.names.status(self.cleaned_data["status"], current)

    def clean_team(self) -> Team:
        current = self.ticket.team if self.ticket else None
        return self.names.team(self.cleaned_data["team"], current)

    def clean_tags(self) -> list[str]:
        names = split_names(self.cleaned_data["tags"])
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

    def values(self) -> dict[str, Any]:
        return {
            field.key: self.cleaned_data[column]
            for column, field in self.form_fields.items()
            if column in self.cleaned_data
        }

    def step(self, line: int, person: User, feedback_type: FeedbackType) -> Step:
        given = {name: value for name, value in self.cleaned_data.items() if name in self.fields}
        new = self.ticket is None
        ticket = self.ticket or Ticket(
            feedback_type=feedback_type,
            summary=given.pop("summary"),
            description=given.pop("description", ""),
            submitter=given.get("submitter", person),
            exposure=given.pop("exposure", Exposure.PUBLIC),
            values=self.values(),
        )
        fields = {name: given[name] for name in CHANGEABLE if name in given}
        if not new and (values := self.values()):
            fields["values"] = values
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
        self.form_fields = {field_column(field): field for field in feedback_type.fields}
        self._changed_in: dict[int, int] = {}

    def step(self, row: Row) -> Step:
        """What ``row`` asks for; raises Refused with all that is wrong with it."""
        ref = row.cells.get("ref", "")
        ticket = self.tickets.get(ref_key(ref) or ("", 0))
        cells = self._left(row, ticket) if ticket else row.cells
        form = TicketRowForm(cells, names=self.names, form_fields=self.form_fields, ticket=ticket)
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
        own = row.cells.keys() & {*CHANGEABLE, "tags", *self.form_fields}
        other = self._changed_in.setdefault(ticket.pk, row.line) if own else row.line
        if other != row.line:
            raise refuse(
                f"{ticket} is in line {other} already: put all its fields into one line. Further "
                "lines of a ticket may hold a link and nothing else.",
                row.line,
                "ref",
            )
        said = fields_of(
            ticket,
            self.tags[ticket.pk],
            self.feedback_type.fields,
            several=self.names.several,
        )
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
