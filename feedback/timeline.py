"""A ticket's story: comments and changes in one line of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from access.callers import Caller
from access.rules import seen
from feedback.models import Comment, Ticket, TicketChange

NEWEST = 100  # entries of each kind, unless somebody asks for everything
AUTOMATION = "Automation"


@dataclass(frozen=True)
class Entry:
    """A comment, or what one hand or one macro changed at one time."""

    at: datetime
    actor: str
    cause: str
    comment: Comment | None = None
    changes: list[TicketChange] = field(default_factory=list)


def timeline(
    ticket: Ticket, caller: Caller, *, insider: bool, everything: bool
) -> tuple[list[Entry], bool]:
    """The entries, newest last, and whether older ones were left out."""
    comments = seen(Comment, caller).filter(ticket=ticket)
    changes = seen(TicketChange, caller).filter(ticket=ticket)
    limit = None if everything else NEWEST
    newest_comments = list(comments.order_by("-pk")[:limit])
    newest_changes = list(changes.select_related("form_field").order_by("-pk")[:limit])
    entries = [_comment(comment, insider) for comment in newest_comments]
    entries += _together(newest_changes[::-1], insider)
    more = not everything and NEWEST in (len(newest_comments), len(newest_changes))
    return sorted(entries, key=lambda entry: entry.at), more


def _comment(comment: Comment, insider: bool) -> Entry:
    actor, cause = behind(comment.actor, comment.cause, insider)
    return Entry(comment.created_at, actor, cause, comment=comment)


def _together(changes: list[TicketChange], insider: bool) -> list[Entry]:
    """What was changed at one stroke is one entry."""
    strokes = groupby(changes, key=lambda change: (change.actor, change.cause, _second(change)))
    entries = []
    for (actor, cause, _), group in strokes:
        together = list(group)
        actor, cause = behind(actor, cause, insider)
        entries.append(Entry(together[0].created_at, actor, cause, changes=together))
    return entries


def _second(change: TicketChange) -> datetime:
    return change.created_at.replace(microsecond=0)


def behind(actor: str, cause: str, insider: bool) -> tuple[str, str]:
    if insider or not cause:
        return actor, cause if insider else ""
    return AUTOMATION, ""
