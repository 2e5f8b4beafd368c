"""What a run changed on a ticket goes back, as far as nobody touched it since."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from feedback.models import VALUES, FormField, Status, Team, Ticket, TicketChange, as_text
from feedback.services import CHANGEABLE, change_ticket, noted, tags_named
from feedback.values import from_kept, shown

TAGS = "tags"


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
    for field, before, now, moved_on in _fates(current, changes):
        if moved_on and field not in even:
            undone.append(_told(ticket, field, State.TOUCHED, before, now))
            continue
        try:
            value = _restored(ticket, field, before)
        except LookupError as gone:
            undone.append(cannot(field, f"“{gone.args[0]}” is no longer there."))
            continue
        undone.append(_told(ticket, field, State.BACK, before))
        if key := _key(field):
            values[key] = value
        else:
            back[field] = value
    if values:
        back["values"] = values
    change_ticket(ticket, actor=actor, cause=cause, **back)
    return undone


def touched(ticket: Ticket, changes: Iterable[TicketChange]) -> list[Undone]:
    """Of what ``changes`` did to ``ticket``, the fields that a ``revert`` would leave alone."""
    return [
        _told(ticket, field, State.TOUCHED, before, now)
        for field, before, now, moved_on in _fates(ticket, changes)
        if moved_on
    ]


def _fates(ticket: Ticket, changes: Iterable[TicketChange]) -> Iterator[tuple[str, Any, Any, bool]]:
    """Each field, what it goes back to, what it is now, and whether somebody touched it since."""
    for field, (before, after) in _collated(changes).items():
        now = _now(ticket, field)
        if field == TAGS:
            yield field, _tags_without(now, before, after), now, False
        else:
            yield field, before, now, now not in (after, before)


def _tags_without(now: list[str], before: list[str], after: list[str]) -> list[str]:
    """Each tag goes back by itself: what others added or removed since stays so."""
    added, removed = {*after} - {*before}, {*before} - {*after}
    return sorted(({*now} - added) | removed)


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
    if field == TAGS:
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
    TAGS: lambda ticket, before: tags_named(ticket.project, before),
}
TOUCHABLE = frozenset(RESTORED) - {TAGS}  # besides the values of form fields
