"""What ``services`` writes for one ticket, for thousands: the same rows by few statements.

A file of five thousand lines would otherwise hold the database for minutes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction

from feedback.models import (
    FeedbackType,
    Tag,
    Ticket,
    TicketChange,
    TicketEvent,
    TicketLink,
    TicketTag,
)
from feedback.services import LINKS, change_of, first_place, next_numbers, set_values

AT_ONCE = 500
SET_APART = ("tags", "values")  # of a ticket's fields

Item = TypeVar("Item")


@dataclass
class Work:
    """A ticket, the fields and links that it is to have, and the history that this leaves."""

    ticket: Ticket
    fields: dict[str, Any] = field(default_factory=dict)
    links: list[TicketLink] = field(default_factory=list)
    replaced: list[TicketLink] = field(default_factory=list)
    changes: list[TicketChange] = field(default_factory=list)


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    left = iter(items)
    while chunk := list(islice(left, AT_ONCE)):
        yield chunk


@transaction.atomic
def do_work(
    works: Sequence[Work], *, actor: str, feedback_type: FeedbackType | None = None
) -> None:
    """Submit the tickets that have no row yet, as ``feedback_type``; set what differs, and note it.

    The others are locked and fresh.
    """
    new = [work.ticket for work in works if work.ticket.pk is None]
    old = [work for work in works if work.ticket.pk is not None]
    if feedback_type and new:
        _begin(new, feedback_type)
    _set_fields(works, actor)
    Ticket.objects.bulk_create(new, batch_size=AT_ONCE)
    _set_tags([work for work in works if "tags" in work.fields], actor)
    _set_links(works, actor)
    for work in old:
        if work.changes:
            moved = work.fields.keys() - {"tags"}
            work.ticket.save(update_fields=[*moved, "updated_at"])
    TicketChange.objects.bulk_create(
        [change for work in works for change in work.changes], batch_size=AT_ONCE
    )
    _note_events(old, new, actor)


def _note_events(old: Sequence[Work], new: Sequence[Ticket], actor: str) -> None:
    """As ``services.note_event``."""
    submitted, modified = TicketEvent.Kind.SUBMITTED, TicketEvent.Kind.MODIFIED
    events = [TicketEvent(ticket=ticket, kind=submitted, actor=actor) for ticket in new]
    events += [
        TicketEvent(
            ticket=work.ticket,
            kind=modified,
            actor=actor,
            fields=[LINKS if change.field == "link" else change.field for change in work.changes],
        )
        for work in old
        if work.changes
    ]
    watched = [event for event in events if event.ticket.feedback_type.watched]
    TicketEvent.objects.bulk_create(watched, batch_size=AT_ONCE)


def _begin(tickets: Sequence[Ticket], feedback_type: FeedbackType) -> None:
    """Their numbers, and the place where new tickets begin."""
    status, team = first_place(feedback_type)
    numbers = next_numbers(feedback_type, len(tickets))
    for ticket, number in zip(tickets, numbers, strict=True):
        ticket.number, ticket.status, ticket.team = number, status, team


def _set_fields(works: Sequence[Work], actor: str) -> None:
    for work in works:
        if "values" in work.fields:
            work.changes += set_values(work.ticket, work.fields["values"], actor, "")
        for name, value in work.fields.items():
            before = value if name in SET_APART else getattr(work.ticket, name)
            if before != value:
                work.changes.append(change_of(work.ticket, name, before, value, actor, ""))
                setattr(work.ticket, name, value)


def _set_tags(works: Sequence[Work], actor: str) -> None:
    held = tags_of([work.ticket for work in works])
    made, retagged = [], []
    for work in works:
        before = sorted(tag.name for tag in held[work.ticket.pk])
        after = sorted(tag.name for tag in work.fields["tags"])
        if before != after:
            work.changes.append(change_of(work.ticket, "tags", before, after, actor, ""))
            retagged.append(work.ticket.pk)
            made += [TicketTag(ticket=work.ticket, tag=tag) for tag in work.fields["tags"]]
    for chunk in chunks(retagged):
        TicketTag.objects.filter(ticket__in=chunk).delete()
    TicketTag.objects.bulk_create(made, batch_size=AT_ONCE)


def tags_of(tickets: Iterable[Ticket]) -> dict[int, list[Tag]]:
    """The tags of each ticket, by the ticket's row."""
    held: dict[int, list[Tag]] = defaultdict(list)
    for chunk in chunks(ticket.pk for ticket in tickets):
        for row in TicketTag.objects.filter(ticket__in=chunk).select_related("tag"):
            held[row.ticket_id].append(row.tag)
    return held


def _set_links(works: Sequence[Work], actor: str) -> None:
    for work in works:
        gone = [
            change_of(work.ticket, "link", str(link), None, actor, "") for link in work.replaced
        ]
        made = [change_of(work.ticket, "link", None, str(link), actor, "") for link in work.links]
        work.changes += gone + made
    for chunk in chunks(link.pk for work in works for link in work.replaced):
        TicketLink.objects.filter(pk__in=chunk).delete()
    TicketLink.objects.bulk_create(
        [link for work in works for link in work.links], batch_size=AT_ONCE
    )
