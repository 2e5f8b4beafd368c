"""What a run changed on a ticket goes back, as far as nobody touched it since."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
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
    now: str = ""  # what it is
    why: str = ""
    label: str = ""  # what people call the field, where that is something else
    record: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # for its own undo

    @property
    def title(self) -> str:
        if self.label:
            return self.label
        name = TicketChange.LABELS.get(self.field, self.field.removeprefix(VALUES))
        return name[:1].upper() + name[1:]


def cannot(field: str, why: str) -> Undone:
    return Undone(field, State.CANNOT, why=why)


@dataclass(frozen=True)
class FieldDone:
    """What a run did to one field, as far as that is still in force."""

    field: str
    before: Any
    after: Any
    touched: bool  # by somebody else, later


@transaction.atomic
def revert(
    ticket: Ticket,
    cause: str,
    undos: Mapping[str, str],
    *,
    by: Mapping[str, str],
    even: Container[str] = (),
) -> list[Undone]:
    """Set each field that ``cause`` changed to what it was; ``by`` are the actor and the cause.

    What somebody touched since goes back only if ``even`` names it. ``undos`` are the public ids of
    the undos of ``cause``, of those of these, and so on, each with what it undoes.
    """
    current = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket.pk)
    undone, back, values = [], {}, {}
    for done in _still_done(cause, undos, _history(ticket, cause)):
        now = _now(current, done.field)
        before = _without(now, done) if done.field == TAGS else done.before
        if _is_newer_work(done, now) and done.field not in even:
            undone.append(_told(ticket, done.field, State.TOUCHED, before, now))
            continue
        try:
            value = _restored(ticket, done.field, before)
        except LookupError as gone:
            undone.append(cannot(done.field, f"“{gone.args[0]}” is no longer there."))
            continue
        undone.append(_told(ticket, done.field, State.BACK, before, now))
        if key := _key(done.field):
            values[key] = value
        else:
            back[done.field] = value
    if values:
        back["values"] = values
    change_ticket(ticket, **by, **back)
    return undone


def touched(
    ticket: Ticket, cause: str, undos: Mapping[str, str], changes: Iterable[TicketChange]
) -> list[Undone]:
    """What ``revert`` would leave alone, read from all ``changes`` of the ticket."""
    return [
        _told(ticket, done.field, State.TOUCHED, done.before, now)
        for done in _still_done(cause, undos, changes)
        if _is_newer_work(done, now := _now(ticket, done.field))
    ]


def _is_newer_work(done: FieldDone, now: Any) -> bool:
    """What somebody set to what it was before needs no decision."""
    return done.touched and _identity(now) != _identity(done.before)


def _identity(value: Any) -> Any:
    """Of a row its id: its name may be another by now."""
    return value["id"] if isinstance(value, dict) else value


def _history(ticket: Ticket, cause: str) -> models.QuerySet[TicketChange]:
    """What was done to the fields that ``cause`` changed, from then on."""
    own = ticket.changes.filter(cause=cause).order_by("pk")
    first = own.values_list("pk", flat=True).first()
    return ticket.changes.filter(field__in=own.order_by().values("field"), pk__gte=first or 0)


def _still_done(
    cause: str, undos: Mapping[str, str], changes: Iterable[TicketChange]
) -> Iterator[FieldDone]:
    """What ``cause`` did to each field that can go back, less what an undo took back already."""
    by_field: dict[str, list[TicketChange]] = {}
    for change in sorted(changes, key=lambda change: change.pk):
        if change.field in RESTORED or _key(change.field):
            by_field.setdefault(change.field, []).append(change)
    for name, of_field in by_field.items():
        own = [change for change in of_field if change.cause == cause]
        causes = {change.cause for change in of_field}
        back_again = own and own[0].before == own[-1].after
        if not own or back_again or not _in_force(cause, undos, causes):
            continue
        later = [change for change in of_field if change.pk > own[-1].pk]
        others = any(change.cause not in undos for change in later)
        yield FieldDone(name, own[0].before, own[-1].after, touched=others and name != TAGS)


def _in_force(cause: str, undos: Mapping[str, str], changed: Collection[str]) -> bool:
    """Whether no undo took back what ``cause`` did, unless that undo was taken back itself."""
    own = [undo for undo, of in undos.items() if of == cause and undo in changed]
    return not any(_in_force(undo, undos, changed) for undo in own)


def is_in_history(field: str) -> bool:
    """Whether the ticket's changes tell of it."""
    return field in RESTORED or field in ("comment", "link") or bool(_key(field))


def _key(field: str) -> str:
    """Of a form field; empty for what every ticket has."""
    return field.removeprefix(VALUES) if field.startswith(VALUES) else ""


def _told(ticket: Ticket, field: str, state: State, before: Any, now: Any) -> Undone:
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


def _now(ticket: Ticket, field: str) -> Any:
    if field == TAGS:
        return sorted(tag.name for tag in ticket.tags.all())
    if _key(field):
        return ticket.values.get(_key(field))
    return noted(getattr(ticket, field))


def _without(now: list[str], done: FieldDone) -> list[str]:
    """Each tag goes back by itself: what others added or removed since stays so."""
    added, removed = {*done.after} - {*done.before}, {*done.before} - {*done.after}
    return sorted(({*now} - added) | removed)


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
