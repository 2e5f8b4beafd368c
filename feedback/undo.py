"""What a run changed on a ticket goes back, as far as nobody touched it since."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from feedback.models import VALUES, FormField, Status, Team, Ticket, TicketChange, as_text
from feedback.services import CHANGEABLE, change_ticket, noted, tags_named
from feedback.values import from_kept, shown


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
    label: str = ""  # what people call the field, where that is something else

    @property
    def title(self) -> str:
        return self.label or self.field.removeprefix(VALUES).capitalize()


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
    undone, back, values = [], {}, {}
    for field, (before, after) in _collated(changes).items():
        now = _now(current, field)
        try:
            value = _restored(ticket, field, before)
        except LookupError as gone:
            undone.append(cannot(field, f"“{gone.args[0]}” is no longer there."))
            continue
        touched = now not in (after, before) and field not in even
        told = (State.TOUCHED, before, now) if touched else (State.BACK, before)
        undone.append(_told(ticket, field, *told))
        if not touched and _key(field):
            values[_key(field)] = value
        elif not touched:
            back[field] = value
    if values:
        back["values"] = values
    change_ticket(ticket, actor=actor, cause=cause, **back)
    return undone


def _key(field: str) -> str:
    """Of a form field; empty for what every ticket has."""
    return field.removeprefix(VALUES) if field.startswith(VALUES) else ""


def _told(ticket: Ticket, field: str, state: State, before: Any, now: Any = None) -> Undone:
    of_form = _fields(ticket).get(_key(field))
    if of_form is None:
        return Undone(field, state, as_text(before), as_text(now))
    return Undone(field, state, shown(of_form, before), shown(of_form, now), label=of_form.label)


def _fields(ticket: Ticket) -> dict[str, FormField]:
    return {field.key: field for field in ticket.feedback_type.fields}


def _restored(ticket: Ticket, field: str, before: Any) -> Any:
    """Raises LookupError with what is no longer there."""
    if not _key(field):
        return RESTORED[field](ticket, before)
    of_form = _fields(ticket).get(_key(field))
    if of_form is None:
        raise LookupError(_key(field))
    try:
        return from_kept(of_form, before)
    except ValidationError:
        raise LookupError(as_text(before)) from None


def _collated(changes: Iterable[TicketChange]) -> dict[str, tuple[Any, Any]]:
    """(before, after) of each field that can go back, over all that one run did to it."""
    collated: dict[str, tuple[Any, Any]] = {}
    for change in sorted(changes, key=lambda change: change.pk):
        if change.field in RESTORED or _key(change.field):
            before, _ = collated.get(change.field, (change.before, None))
            collated[change.field] = (before, change.after)
    return collated


def _now(ticket: Ticket, field: str) -> Any:
    if field == "tags":
        return sorted(tag.name for tag in ticket.tags.all())
    if _key(field):
        return ticket.values.get(_key(field))
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
