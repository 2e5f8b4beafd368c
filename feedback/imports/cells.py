"""What the cells of a ticket say: the same words on the way out and on the way in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from feedback.field_kinds import kind_of
from feedback.filters import FIELD
from feedback.lists import join_names
from feedback.models import (
    Exposure,
    FeedbackType,
    FormField,
    Status,
    Tag,
    Ticket,
    TicketLink,
)
from feedback.values import written

LINK_COLUMNS = {
    "system": "Where the item lives: jira (also when left empty), azure_devops, rally, salesforce, "
    "github, gitlab, linear or other.",
    "remote_key": "What people call the item there, such as SANDBOX-12.",
    "remote_id": "What it is called there for good, even if it is moved, such as 10012.",
    "url": "Its address.",
}
TICKET_COLUMNS = {
    "ref": "The id of a ticket, such as BUG-0001: the line changes that ticket. Empty: the line "
    "makes a new one, which is given its id here.",
    "summary": "At most 250 characters. Every new ticket needs one.",
    "description": "Any text, several lines too.",
    "status": "By name, such as Closed; where several workflows have it, as Default: Closed.",
    "team": "The responsible team, by name.",
    "tags": "Names with commas or semicolons between them; new ones are made.",
    "exposure": "public or internal.",
    "blocking": "yes or no.",
    "score": "The priority score, a whole number such as 5.",
    "submitter": "Username or e-mail address of somebody in the project; empty: you. It cannot be "
    "changed later.",
    **LINK_COLUMNS,
    "created": "Only written by the export, and not read.",
    "updated": "Only written by the export, and not read.",
}
LINK_FILE_COLUMNS = {
    "ref": "The id of a ticket of any feedback type of the project, such as BUG-0001.",
    **LINK_COLUMNS,
}

# A spreadsheet takes a cell that begins so for a formula, unless an apostrophe goes before it.
FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def guard(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) else text


def unguard(cell: str) -> str:
    """The text that ``guard`` made ``cell`` of."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def squeezed(text: str) -> str:
    """``text`` as a form keeps it, whichever line ends a spreadsheet gave it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def ticket_columns(feedback_type: FeedbackType) -> dict[str, str]:
    """Every column of a file of tickets, with what it holds."""
    return TICKET_COLUMNS | {field_column(field): _holds(field) for field in feedback_type.fields}


def field_column(field: FormField) -> str:
    """Such as field.severity, as filters call it."""
    return f"{FIELD}{field.key}"


def _holds(field: FormField) -> str:
    kind = kind_of(field)
    choices = f" Choices: {join_names(kind.choices(field))}." if kind.choices(field) else ""
    return f"{field.label}. {kind.holds}{choices}"


def tags_cell(tags: Iterable[Tag]) -> str:
    return join_names(sorted(tag.name for tag in tags))


def status_cell(status: Status, *, several: bool) -> str:
    """By name alone, unless there are several workflows."""
    return f"{status.workflow}: {status}" if several else str(status)


def fields_of(
    ticket: Ticket, tags: Iterable[Tag], form_fields: Iterable[FormField], *, several: bool
) -> dict[str, str]:
    """The cells of a ticket by column, without its links; ``several`` workflows are told apart."""
    values = {
        field_column(field): written(field, ticket.values.get(field.key)) for field in form_fields
    }
    return {
        "ref": ticket.ref,
        "summary": ticket.summary,
        "description": ticket.description,
        "status": status_cell(ticket.status, several=several),
        "team": str(ticket.team or ""),
        "tags": tags_cell(tags),
        "exposure": Exposure(ticket.exposure).value,
        "blocking": "yes" if ticket.blocking else "no",
        "score": str(ticket.score),
        "submitter": ticket.submitter.get_username(),
        "created": ticket.created_at.isoformat(timespec="seconds"),
        "updated": ticket.updated_at.isoformat(timespec="seconds"),
        **values,
    }


def link_cells(link: TicketLink) -> dict[str, str]:
    return {name: str(getattr(link, name)) for name in LINK_COLUMNS}


def lines_of(
    ticket: Ticket, form_fields: Iterable[FormField], columns: Mapping[str, str], *, several: bool
) -> Iterator[list[str]]:
    """One line, and for each link after the first another that holds nothing but that link."""
    own = fields_of(ticket, ticket.tags.all(), form_fields, several=several)
    links = [link_cells(link) for link in ticket.links.all()] or [{}]
    for cells in (own | links[0], *({"ref": ticket.ref, **link} for link in links[1:])):
        yield [guard(cells.get(name, "")) for name in columns]
