"""Every write to a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F

from access.callers import Caller
from feedback.models import (
    Comment,
    Exposure,
    FeedbackType,
    Project,
    Status,
    Tag,
    Team,
    Ticket,
    TicketChange,
    TicketEvent,
    TicketLink,
)
from feedback.values import Values, clean_values, from_kept

COMMENTS, LINKS, DATA = "comments", "links", "custom_data"  # as events name what gathers around
CHANGEABLE = ("summary", "description", "team", "status", "blocking", "exposure", "score")


def person_behind(caller: Caller) -> User:
    """Who submits for ``caller``: an API key has a person of its own, who cannot sign in."""
    if caller.person is not None:
        return caller.person
    username = caller.identity  # with a space, which no name that a person may choose has
    passive = {"first_name": caller.name[:150], "is_active": False, "password": make_password(None)}
    person, _ = User.objects.get_or_create(username=username, defaults=passive)
    return person


@transaction.atomic
def submit_ticket(
    feedback_type: FeedbackType,
    *,
    summary: str,
    submitter: User,
    description: str = "",
    exposure: str = Exposure.PUBLIC,
    values: Values | None = None,
) -> Ticket:
    """A new ticket in its type's first status, owned by the project managers."""
    status, team = first_place(feedback_type)
    ticket = Ticket.objects.create(
        feedback_type=feedback_type,
        number=next_numbers(feedback_type, 1)[0],
        summary=summary,
        description=description,
        submitter=submitter,
        team=team,
        status=status,
        exposure=exposure,
        values=merged({}, checked_values(feedback_type, values or {}, {})),
    )
    note_event(ticket, TicketEvent.Kind.SUBMITTED, actor=submitter.get_username())
    return ticket


def note_event(
    ticket: Ticket, kind: str, *, actor: str, cause: str = "", fields: Iterable[str] = ()
) -> None:
    """Let those know who wait for what happens to tickets of this type, if there are any."""
    if ticket.feedback_type.watched:
        TicketEvent.objects.create(
            ticket=ticket, kind=kind, actor=actor, cause=cause, fields=list(fields)
        )


def note_modified(ticket: Ticket, field: str, *, actor: str, cause: str = "") -> None:
    note_event(ticket, TicketEvent.Kind.MODIFIED, actor=actor, cause=cause, fields=[field])


def first_place(feedback_type: FeedbackType) -> tuple[Status, Team | None]:
    """The status in which a new ticket begins, and the team that is responsible for it."""
    first = feedback_type.default_workflow.statuses.filter(archived=False).first()
    if first is None:
        raise ValidationError(
            f"Workflow “{feedback_type.default_workflow}” has no status that a new ticket could "
            "begin with: add one to the workflow."
        )
    team = feedback_type.project.teams.filter(kind=Team.Kind.PROJECT_MANAGER, archived=False)
    return first, team.first()


def next_numbers(feedback_type: FeedbackType, count: int) -> range:
    """Numbers that are given once: the type's row stays locked until the commit."""
    own = FeedbackType.objects.filter(pk=feedback_type.pk)
    own.update(last_number=F("last_number") + count)
    feedback_type.refresh_from_db(fields=["last_number"])
    return range(feedback_type.last_number - count + 1, feedback_type.last_number + 1)


@transaction.atomic
def change_ticket(
    ticket: Ticket, *, actor: str, cause: str = "", **fields: Any
) -> list[TicketChange]:
    """Set ``fields`` and note each that differs; nothing is written where nothing differs.

    ``values`` holds what form fields are to have, by key; those that it leaves out stay.
    """
    unknown = fields.keys() - {*CHANGEABLE, "tags", "values"}
    if unknown:
        raise TypeError(f"A ticket has no field {', '.join(sorted(unknown))} that can be changed.")
    current = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket.pk)
    tags, values = fields.pop("tags", None), fields.pop("values", None)
    _check_same_project(ticket, fields.values())
    moved = [name for name, value in fields.items() if getattr(current, name) != value]
    changes = [
        change_of(ticket, name, getattr(current, name), fields[name], actor, cause)
        for name in moved
    ]
    for name in moved:
        setattr(ticket, name, fields[name])
    if values is not None:
        ticket.values = current.values
        changes += set_values(ticket, values, actor, cause)
        moved.append("values")
    if tags is not None:
        changes += _set_tags(ticket, tags, actor, cause)
    if changes:
        ticket.save(update_fields=[*moved, "updated_at"])
        told = [change.field for change in changes]
        note_event(ticket, TicketEvent.Kind.MODIFIED, actor=actor, cause=cause, fields=told)
    return TicketChange.objects.bulk_create(changes)


def set_values(ticket: Ticket, given: Values, actor: str, cause: str) -> list[TicketChange]:
    """Give ``ticket`` what is ``given``, unsaved, and return the history that this leaves."""
    checked = checked_values(ticket.feedback_type, given, ticket.values)
    before, ticket.values = ticket.values, merged(ticket.values, checked)
    changes = []
    for field in ticket.feedback_type.fields:
        pair = before.get(field.key), ticket.values.get(field.key)
        if pair[0] != pair[1]:
            change = change_of(ticket, field.place, *pair, actor, cause)
            change.form_field = field
            changes.append(change)
    return changes


def checked_values(feedback_type: FeedbackType, given: Values, current: Values) -> dict[str, Any]:
    """``given`` as it is kept; raises ValidationError under “values”."""
    try:
        return clean_values(feedback_type.fields, given, current, from_kept, archived=True)
    except ValidationError as error:
        messages = [f"{key}: {' '.join(each)}" for key, each in error.message_dict.items()]
        raise ValidationError({"values": messages}) from error


def merged(values: Values, more: Values) -> dict[str, Any]:
    """``values`` with ``more`` over them, less what that empties."""
    both = {**values, **more}
    return {key: value for key, value in both.items() if value is not None}


def _set_tags(ticket: Ticket, tags: Iterable[Tag], actor: str, cause: str) -> list[TicketChange]:
    before = sorted(tag.name for tag in ticket.tags.all())
    after = sorted(tag.name for tag in tags)
    if before == after:
        return []
    ticket.tags.set(tags)
    return [change_of(ticket, "tags", before, after, actor, cause)]


def change_of(
    ticket: Ticket, field: str, before: Any, after: Any, actor: str, cause: str
) -> TicketChange:
    return TicketChange(
        ticket=ticket,
        field=field,
        before=noted(before),
        after=noted(after),
        actor=actor,
        cause=cause,
    )


def noted(value: Any) -> Any:
    if isinstance(value, models.Model):
        return {"id": value.pk, "name": str(value)}
    return value


def _check_same_project(ticket: Ticket, values: Iterable[Any]) -> None:
    for value in values:
        owner = value.workflow.project_id if isinstance(value, Status) else None
        owner = value.project_id if isinstance(value, Team) else owner
        if owner is not None and owner != ticket.feedback_type.project_id:
            raise ValidationError(
                f"“{value}” is not part of the ticket's project {ticket.project}."
            )


def tags_named(project: Project, names: Iterable[str]) -> list[Tag]:
    """The project's tags of these names, in any letter case; made where they are missing."""
    tags = {}
    for name in filter(None, (name.strip() for name in names)):
        found = Tag.objects.filter(project=project, name__iexact=name).first()
        tag = found or Tag.objects.create(project=project, name=name)
        tags[tag.pk] = tag
    return list(tags.values())


@transaction.atomic
def add_comment(
    ticket: Ticket,
    *,
    body: str,
    actor: str,
    cause: str = "",
    exposure: str = Exposure.PUBLIC,
    author: User | None = None,
) -> Comment:
    comment = Comment.objects.create(
        ticket=ticket, body=body, actor=actor, cause=cause, exposure=exposure, author=author
    )
    note_modified(ticket, COMMENTS, actor=actor, cause=cause)
    return comment


@transaction.atomic
def remove_comment(comment: Comment, *, actor: str, cause: str = "") -> None:
    change_of(comment.ticket, "comment", comment.body, None, actor, cause).save()
    note_modified(comment.ticket, COMMENTS, actor=actor, cause=cause)
    comment.delete()


@transaction.atomic
def link_ticket(
    ticket: Ticket,
    *,
    actor: str,
    cause: str = "",
    system: str,
    remote_key: str = "",
    remote_id: str = "",
    url: str = "",
) -> TicketLink:
    """Let an outside item stand for ``ticket``; raises ValidationError where it already does."""
    link = TicketLink(
        ticket=ticket,
        system=system,
        remote_key=remote_key.strip(),
        remote_id=remote_id.strip(),
        url=url,
    )
    link.full_clean()
    link.save()
    change_of(ticket, "link", None, str(link), actor, cause).save()
    note_modified(ticket, LINKS, actor=actor, cause=cause)
    return link


def link_to(ticket: Ticket, item: Mapping[str, str]) -> TicketLink | None:
    """The link that lets this item stand for ``ticket`` already, in any letter case."""
    names = {f"{name}__iexact": item[name] for name in ("remote_key", "remote_id")}
    return ticket.links.filter(system=item["system"], **names).first()


@transaction.atomic
def unlink_ticket(link: TicketLink, *, actor: str, cause: str = "") -> None:
    change_of(link.ticket, "link", str(link), None, actor, cause).save()
    note_modified(link.ticket, LINKS, actor=actor, cause=cause)
    link.delete()
