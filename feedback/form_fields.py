"""A feedback type's form fields: kept, put in order, and never taken from under what uses them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.text import slugify

from feedback.field_kinds import KINDS, LONGEST_CHOICE, MOST_CHOICES, kind_of
from feedback.models import FeedbackType, FormField, Ticket
from feedback.protection import MOST, Use, protecting, users_of

MOST_FIELDS = 100
KEY_LENGTH = FormField._meta.get_field("key").max_length or 40


@transaction.atomic
def save_form_field(field: FormField) -> FormField:
    """Keep ``field``; raises ValidationError by the names of what is wrong, and keeps nothing."""
    FeedbackType.objects.select_for_update(no_key=True).get(pk=field.feedback_type_id)
    if field.pk is None:
        _begin(field)
    field.full_clean()
    if problems := {name: each for name, each in _problems_with_choices(field) if each}:
        raise ValidationError(problems)
    if field.pk is not None:
        _check_removed(field)
    field.save()
    field.feedback_type.__dict__.pop("fields", None)
    return field


def _begin(field: FormField) -> None:
    there = FormField.objects.filter(feedback_type=field.feedback_type)
    if there.count() >= MOST_FIELDS:
        raise ValidationError(f"A feedback type has at most {MOST_FIELDS} form fields.")
    field.key = field.key or _free_key(field.label, {*there.values_list("key", flat=True)})
    last = there.aggregate(last=models.Max("order"))["last"]
    field.order = field.order or (0 if last is None else last + 1)
    kind = KINDS.get(field.kind)
    if kind and not field.choices:
        field.choices = [*kind.usual_choices]


def _free_key(label: str, taken: set[str]) -> str:
    key = key_from(label)
    numbered = (f"{key[: KEY_LENGTH - 4]}_{number}" for number in range(2, MOST_FIELDS + 2))
    return next(each for each in (key, *numbered) if each not in taken)


def key_from(label: str) -> str:
    """Such as steps_to_reproduce."""
    words = re.sub(r"[^a-z0-9]+", "_", slugify(label).replace("-", "_"))
    return words.lstrip("_0123456789")[:KEY_LENGTH].strip("_") or "field"


def _problems_with_choices(field: FormField) -> Iterator[tuple[str, str]]:
    lists = {"choices": field.choices, "archived_choices": field.archived_choices}
    has_choices = "choices" in kind_of(field).settings
    seen: set[str] = set()
    for name, choices in lists.items():
        if not has_choices and choices:
            label = FormField.Kind(field.kind).label.lower()
            yield name, f"A field of the kind “{label}” has no choices: leave this empty."
        else:
            yield name, _problem_with(choices, seen)
    if has_choices and not field.choices:
        yield "choices", "Give at least one choice."


def _problem_with(choices: Any, seen: set[str]) -> str:
    """What is wrong with a list of choices, of which those in ``seen`` are there already."""
    if not isinstance(choices, list) or not all(isinstance(each, str) for each in choices):
        return "Give a list of texts."
    if len(choices) > MOST_CHOICES:
        return f"Give at most {MOST_CHOICES} choices."
    for choice in choices:
        if not choice.strip() or choice != choice.strip() or "\n" in choice:
            return "A choice is one line of text, without space around it."
        if len(choice) > LONGEST_CHOICE:
            return (
                f"“{choice[:30]}…” is too long: a choice has at most {LONGEST_CHOICE} characters."
            )
        if choice.casefold() in seen:
            return f"“{choice}” stands there twice, or in both lists: keep it once."
        seen.add(choice.casefold())
    return ""


def _check_removed(field: FormField) -> None:
    """What something uses is not taken away: the refusal says what that is."""
    before = FormField.objects.select_for_update().get(pk=field.pk)
    kind = kind_of(before)
    after = kind.choices(field)
    removed = [choice for choice in kind.choices(before) if choice not in after]
    for choice in removed:
        if users := _users_of_choice(before, choice):
            problem = f"“{choice}” is used by {', '.join(users)}. {kind.instead}"
            raise ValidationError({kind.settings[0]: problem})


def _users_of_choice(field: FormField, choice: str) -> list[str]:
    tickets = Ticket.objects.filter(feedback_type=field.feedback_type)
    holding = kind_of(field).filters(field)[""].filter(tickets, [choice])
    naming: Any = (use for use in protecting(field) if use.names(choice))
    tickets_holding = [use.name for use in _called(holding)]
    return [*tickets_holding, *dict.fromkeys(map(str, naming))][: 2 * MOST]


def users_of_field(field: FormField) -> list[Use]:
    """Tickets with a value, filters and macros that name it."""
    tickets = Ticket.objects.filter(feedback_type=field.feedback_type)
    return [*_called(tickets.filter(values__has_key=field.key)), *dict.fromkeys(users_of(field))]


def _called(tickets: models.QuerySet[Ticket]) -> list[Use]:
    """The first by their ids, and how many more there are."""
    count = tickets.count()
    first = tickets.select_related("feedback_type__project").order_by("pk")[:MOST]
    uses = [Use(ticket.ref, ticket.get_absolute_url()) for ticket in first]
    return [*uses, Use(f"{count - MOST:,} more tickets", "")] if count > MOST else uses


@transaction.atomic
def delete_form_field(field: FormField) -> list[str]:
    """Delete ``field``, or return what uses it."""
    FormField.objects.select_for_update().get(pk=field.pk)
    users = [use.name for use in users_of_field(field)]
    if not users:
        field.delete()
    return users


@transaction.atomic
def move_form_field(field: FormField, by: int) -> None:
    """Let it change places with its neighbour, before (-1) or behind (1)."""
    FeedbackType.objects.select_for_update(no_key=True).get(pk=field.feedback_type_id)
    rows = list(FormField.objects.filter(feedback_type=field.feedback_type))
    at = rows.index(field)
    to = min(max(at + by, 0), len(rows) - 1)
    rows[at], rows[to] = rows[to], rows[at]
    put_in_order(rows)


def put_in_order(rows: Iterable[FormField]) -> None:
    rows = list(rows)
    for order, row in enumerate(rows):
        row.order = order
    FormField.objects.bulk_update(rows, ["order"])
