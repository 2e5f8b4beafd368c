"""Outside ids for tickets: a file of nothing else, and the link columns of a file of tickets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from feedback.bulk import Work, chunks
from feedback.imports.cells import LINK_COLUMNS, LINK_FILE_COLUMNS
from feedback.imports.files import Layout, Row, column_name
from feedback.imports.names import ref_key, tickets_called
from feedback.imports.plan import Plan, Step, steps_of
from feedback.imports.problems import Problem, Refused, refuse
from feedback.models import Project, Ticket, TicketLink
from rest.nearest import nearest

LAYOUT = Layout(LINK_FILE_COLUMNS, required=["ref"], without_header=["ref", "remote_key"])
SYSTEMS = {
    column_name(name): slug for slug, label in TicketLink.System.choices for name in (slug, label)
}
NO_ITEM = "Say what the item is called over there, in remote_key or remote_id."
Tickets = Mapping[tuple[str, int], Ticket]


class RowForm(forms.Form):
    """The cells of one row that hold something; ``needed`` are asked for in any case."""

    def __init__(self, cells: dict[str, str], *, needed: Sequence[str] = ()) -> None:
        super().__init__(cells)
        self.fields = {
            name: field for name, field in self.fields.items() if name in cells or name in needed
        }

    def problems(self, line: int) -> list[Problem]:
        return [
            Problem(str(message), line, "" if name == NON_FIELD_ERRORS else name)
            for name, messages in self.errors.items()
            for message in messages
        ]


class LinkCells(RowForm):
    system = forms.CharField()
    remote_key = forms.CharField(max_length=200)
    remote_id = forms.CharField(max_length=200)
    url = forms.URLField(max_length=500, assume_scheme="https")

    def clean_system(self) -> str:
        asked = self.cleaned_data["system"]
        if column_name(asked) not in SYSTEMS:
            near = nearest(asked, SYSTEMS) or f" Known are {', '.join(TicketLink.System.values)}."
            raise ValidationError(f"There is no system “{asked[:100]}”.{near}")
        return SYSTEMS[column_name(asked)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        linked = LINK_COLUMNS.keys() & self.fields.keys()
        if linked and not {"remote_key", "remote_id"} & self.fields.keys():
            raise ValidationError(f"{NO_ITEM} Or leave {' and '.join(sorted(linked))} empty too.")
        return cleaned

    @property
    def link(self) -> dict[str, str]:
        """The link that the row asks for; empty where it asks for none."""
        given = {name: self.cleaned_data[name] for name in LINK_COLUMNS if name in self.fields}
        return {"system": TicketLink.System.JIRA.value} | given if given else {}


class LinkRowForm(LinkCells):
    ref = forms.CharField(error_messages={"required": "Say which ticket: its id, like BUG-0001."})
    field_order = ["ref"]

    def __init__(self, cells: dict[str, str], *, tickets: Tickets, project: Project) -> None:
        super().__init__(cells, needed=["ref"])
        self.tickets = tickets
        self.project = project

    def clean_ref(self) -> Ticket:
        ref = self.cleaned_data["ref"]
        ticket = self.tickets.get(ref_key(ref) or ("", 0))
        if ticket is None:
            raise ValidationError(
                f"There is no ticket {ref[:50]} in {self.project}: look at its id again."
            )
        return ticket

    def clean(self) -> dict[str, Any]:
        if not {"remote_key", "remote_id"} & self.fields.keys():
            raise ValidationError(NO_ITEM)
        return super().clean()


class KnownLinks:
    """The links that tickets have, and those that the file adds."""

    def __init__(self, tickets: Iterable[Ticket]) -> None:
        self._by_name: dict[tuple[Any, ...], list[TicketLink]] = defaultdict(list)
        self._lines: dict[int, int] = {}  # by the Python object: the file's own have no row yet
        for chunk in chunks(ticket.pk for ticket in tickets):
            for link in TicketLink.objects.filter(ticket__in=chunk):
                self._add(link)

    def settle(self, work: Work, given: dict[str, str], line: int) -> None:
        """Have ``work`` add the link, complete one that stands for the same item, or do nothing."""
        link = TicketLink(ticket=work.ticket, **given)
        known = self._same_item(link)
        if known is None:
            self._add(link, line)
            work.links.append(link)
            return
        if id(known) in self._lines:
            other = self._lines[id(known)]
            message = f"{link} of this ticket is in line {other} already: keep one of the two."
            raise refuse(message, line, "remote_key")
        self._lines[id(known)] = line
        more = {name: value for name, value in given.items() if _adds(known, name, value)}
        if more:
            full = {name: getattr(known, name) for name in LINK_COLUMNS} | more
            work.replaced.append(known)
            work.links.append(TicketLink(ticket=work.ticket, **full))

    def _add(self, link: TicketLink, line: int = 0) -> None:
        for name in _names(link):
            self._by_name[name].append(link)
        if line:
            self._lines[id(link)] = line

    def _same_item(self, link: TicketLink) -> TicketLink | None:
        known = (other for name in _names(link) for other in self._by_name.get(name, ()))
        return next((other for other in known if not _conflict(link, other)), None)


def _names(link: TicketLink) -> list[tuple[Any, ...]]:
    owner = link.ticket_id or f"new {id(link.ticket)}"
    named = {"key": link.remote_key, "id": link.remote_id}
    return [(owner, link.system, kind, name.upper()) for kind, name in named.items() if name]


def _conflict(link: TicketLink, other: TicketLink) -> bool:
    pairs = ((link.remote_key, other.remote_key), (link.remote_id, other.remote_id))
    return any(one and two and one.upper() != two.upper() for one, two in pairs)


def _adds(known: TicketLink, name: str, value: str) -> bool:
    before = getattr(known, name)
    return before != value if name == "url" else not before


def plan_links(rows: Sequence[Row], project: Project) -> Plan:
    """Raises Refused with all that is wrong with the rows."""
    tickets = tickets_called(project, (row.cells.get("ref", "") for row in rows))
    links = KnownLinks(tickets.values())

    def step(row: Row) -> Step:
        form = LinkRowForm(row.cells, tickets=tickets, project=project)
        if form.errors:
            raise Refused(form.problems(row.line))
        step = Step(row.line, Work(form.cleaned_data["ref"]))
        links.settle(step.work, form.link, row.line)
        return step

    return Plan(project, steps_of(rows, step))
