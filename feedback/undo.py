"""What a run changed on a ticket goes back, as far as nobody touched it since."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from feedback.models import Status, Team, Ticket, TicketChange, as_text
from feedback.services import CHANGEABLE, change_ticket, noted, tags_named


class State(models.TextChoices):
    BACK = "back", "Taken back"
    TOUCHED = "touched", "Left alone: changed since"
    CANNOT = "cannot", "Cannot be taken back"


@dataclass(frozen=True)
class Undone:
    """What became of one part of a run: a field, a comment, a mail that left."""

    field: str
    state: State
    before: str = ""  # what it was before the run
    now: str = ""  # what it is, where somebody touched it since
    why: str = ""


def cannot(field: str, why: str) -> Undone:
    return Undone(field, State.CANNOT, why=why)


@transaction.atomic
def revert(
    ticket: Ticket,
    changes: Iterable[TicketChange],
    *,
    actor: str,
    cause: str,
    even: Container[str] = (),
) -> list[Undone]:
    """Set each changed field to what it was; one touched since only if ``even`` names it."""
    current = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket.pk)
    undone, back = [], {}
    for field, (before, after) in _collated(changes).items():
        now = _now(current, field)
        try:
            value = RESTORED[field](ticket, before)
        except LookupError:
            undone.append(cannot(field, f"“{as_text(before)}” is no longer there."))
            continue
        if now in (after, before) or field in even:
            back[field] = value
            undone.append(Undone(field, State.BACK, as_text(before)))
        else:
            undone.append(Undone(field, State.TOUCHED, as_text(before), as_text(now)))
    change_ticket(ticket, actor=actor, cause=cause, **back)
    return undone


def _collated(changes: Iterable[TicketChange]) -> dict[str, tuple[Any, Any]]:
    """(before, after) of each field that can go back, over all that one run did to it."""
    collated: dict[str, tuple[Any, Any]] = {}
    for change in sorted(changes, key=lambda change: change.pk):
        if change.field in RESTORED:
            before, _ = collated.get(change.field, (change.before, None))
            collated[change.field] = (before, change.after)
    return collated


def _now(ticket: Ticket, field: str) -> Any:
    if field == "tags":
        return sorted(tag.name for tag in ticket.tags.all())
    return noted(getattr(ticket, field))


def _row(model: type[models.Model]) -> Callable[[Ticket, Any], Any]:
    def restored(ticket: Ticket, before: Any) -> Any:
        if before is None:
            return None
        row = model._default_manager.filter(pk=before["id"]).first()
        if row is None:
            raise LookupError(before["name"])
        return row

    return restored


def _plain(ticket: Ticket, before: Any) -> Any:
    return before


RESTORED: dict[str, Callable[[Ticket, Any], Any]] = {
    **dict.fromkeys(CHANGEABLE, _plain),
    "team": _row(Team),
    "status": _row(Status),
    "tags": lambda ticket, before: tags_named(ticket.project, before),
}
