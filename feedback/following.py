"""What outside systems tell about a ticket, kept on it: their comments, and data of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from feedback.data_content import as_json, cleaned, told
from feedback.errors import OutOfOrder
from feedback.models import Comment, Ticket, TicketChange, TicketData
from feedback.services import COMMENTS, DATA, change_of, note_modified


@dataclass(frozen=True)
class Followed:
    """A comment of ours, and what became of it: “added”, “edited”, “deleted” or nothing."""

    comment: Comment
    did: str = ""
    change: TicketChange | None = None


@transaction.atomic
def follow_comment(
    ticket: Ticket,
    *,
    system: str,
    remote_id: str,
    body: str,
    author: str,
    exposure: str,
    actor: str,
    cause: str,
    at: datetime | None = None,
    edited: bool = False,
) -> Followed:
    """Let ``ticket`` have the outside comment ``remote_id`` of ``system``, once, with this text.

    ``author`` is who wrote it, ``actor`` who changed it now, both as they are shown. ``at`` is when
    it got the text, by the outside system's clock. Without both times an edit changes the text,
    and an addition does not. A deletion is for good. Raises OutOfOrder where a later change was
    followed already. Without ``remote_id`` it is added, each time.
    """
    known = _known(ticket, system, remote_id)
    if known is None:
        comment = Comment.objects.create(
            ticket=ticket,
            system=system,
            remote_id=remote_id,
            remote_at=at,
            body=body,
            exposure=exposure,
            actor=author,
            cause=cause,
        )
        note_modified(ticket, COMMENTS, actor=actor, cause=cause)
        return Followed(comment, "added")
    if known.deleted_at is None and known.body == body:
        return Followed(_as_of(known, at))
    _check_order(at, known.remote_at)
    if known.deleted_at or not (edited or _is_newer(at, known.remote_at)):
        return Followed(known)
    change = _change_of(ticket, known, known.body, body, actor, cause)
    known.body = body
    known.save(update_fields=["body"])
    return Followed(_as_of(known, at), "edited", change)


@transaction.atomic
def follow_deletion(
    ticket: Ticket,
    *,
    system: str,
    remote_id: str,
    author: str,
    exposure: str,
    actor: str,
    cause: str,
    at: datetime | None = None,
) -> Followed:
    """Hide the outside comment for good. One that is not known is noted, lest it come later."""
    known = _known(ticket, system, remote_id)
    deleted_at = at or timezone.now()
    if known is None:
        comment = Comment.objects.create(
            ticket=ticket,
            system=system,
            remote_id=remote_id,
            remote_at=at,
            deleted_at=deleted_at,
            exposure=exposure,
            actor=author,
            cause=cause,
        )
        return Followed(comment)
    if known.deleted_at:
        return Followed(known)
    change = _change_of(ticket, known, f"comment of {known.actor}", None, actor, cause)
    known.deleted_at = deleted_at
    known.save(update_fields=["deleted_at"])
    return Followed(_as_of(known, at), "deleted", change)


@transaction.atomic
def keep_data(
    ticket: Ticket,
    *,
    name: str,
    content: Any,
    actor: str,
    cause: str,
    at: datetime | None = None,
) -> TicketChange | None:
    """Keep ``content``, which is JSON, as the ticket's data ``name``; None where it is the same.

    ``at`` is when it was so, by the outside system's clock. Raises OutOfOrder where later data
    were kept already, and ContentRefused where it is too much.
    """
    _lock(ticket)
    clean = cleaned(content)
    kept = TicketData.objects.filter(ticket=ticket, name=name).first()
    before = kept.content if kept else None
    if kept and as_json(before) == as_json(clean):
        _as_of(kept, at)
        return None
    if kept:
        _check_order(at, kept.remote_at)
        kept.content, kept.remote_at = clean, at or kept.remote_at
        kept.save(update_fields=["content", "remote_at", "updated_at"])
    else:
        TicketData.objects.create(ticket=ticket, name=name, content=clean, remote_at=at)
    was, now = told(name, before, clean)
    change = change_of(
        ticket,
        "custom_data",
        {"name": was, "data": name, "content": before} if kept else None,
        {"name": now, "data": name, "content": clean},
        actor,
        cause,
    )
    change.save()
    note_modified(ticket, DATA, actor=actor, cause=cause)
    return change


def _lock(ticket: Ticket) -> None:
    """Nobody else follows anything on it until the transaction ends."""
    Ticket.objects.select_for_update(of=("self",)).only("pk").get(pk=ticket.pk)


def _known(ticket: Ticket, system: str, remote_id: str) -> Comment | None:
    _lock(ticket)
    if not remote_id:
        return None
    return Comment.objects.filter(ticket=ticket, system=system, remote_id=remote_id).first()


def _check_order(at: datetime | None, newest: datetime | None) -> None:
    if at and newest and at < newest:
        raise OutOfOrder(at, newest)


def _is_newer(at: datetime | None, newest: datetime | None) -> bool:
    return bool(at and newest and at > newest)


def _as_of(row: Any, at: datetime | None) -> Any:
    """``row`` with the latest time that it is known to be as it is."""
    if at and (row.remote_at is None or at > row.remote_at):
        row.remote_at = at
        row.save(update_fields=["remote_at"])
    return row


def _change_of(
    ticket: Ticket, comment: Comment, before: str, after: str | None, actor: str, cause: str
) -> TicketChange:
    """Each side names the comment, whose readers are those of the change."""
    was = {"id": comment.pk, "name": before}
    now = None if after is None else {"id": comment.pk, "name": after}
    change = change_of(ticket, "comment", was, now, actor, cause)
    change.save()
    note_modified(ticket, COMMENTS, actor=actor, cause=cause)
    return change
