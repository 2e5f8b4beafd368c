"""Filters in the words that people read, and why a ticket is outside of one."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import django_filters as filters
from django.db import models
from django.utils import timezone

from feedback.data_filter import DataFilter, what_it_holds
from feedback.filter_groups import any_of, clean_groups
from feedback.filters import NOT, Known, TicketFilterSet, as_list, filters_named, form_field_of
from feedback.models import (
    FeedbackType,
    SavedFilter,
    Ticket,
    as_text,
)
from feedback.value_filters import IS, Verbs
from feedback.values import shown

# Between a field's label and its values, and the same for its opposite.
VERBS: dict[str, Verbs] = {
    "search": ("contains", "does not contain"),
    "submitter_email": ("contains", "does not contain"),
    "score_min": ("is at least", "is less than"),
    "score_max": ("is at most", "is more than"),
    "created_after": ("is on or after", "is before"),
    "created_before": ("is on or before", "is after"),
    "custom_data": ("has", "does not have"),
}


def what_differs(ticket: Ticket, saved: SavedFilter) -> list[str]:
    """Why ``ticket`` is outside ``saved``: “status is New”, for each field that keeps it out."""
    alone = Ticket.objects.filter(pk=ticket.pk)
    feedback_type = saved.feedback_type
    keeping_out: dict[str, list[Any]] = defaultdict(list)
    for group in saved.groups:
        for name, values in group.items():
            if not any_of(alone, [{name: values}], feedback_type).exists():
                keeping_out[name.removesuffix(NOT)] += as_list(values)
    known = filters_named(keeping_out, feedback_type)
    return list(
        dict.fromkeys(
            f"{str(known[name].label).lower()} {what}"
            for name, values in keeping_out.items()
            for what in _differs(ticket, known[name], name, values)
        )
    )


def _differs(ticket: Ticket, asked: filters.Filter, name: str, values: list[Any]) -> list[str]:
    if isinstance(asked, DataFilter):
        return what_it_holds(ticket, values)
    return [f"is {_actual(ticket, name) or 'empty'}"]


def _actual(ticket: Ticket, name: str) -> str:
    """What ``ticket`` has in the field that the filter ``name`` looks at."""
    if name == "search":
        return f"“{ticket.summary}”"
    if field := form_field_of(name, ticket.feedback_type):
        return shown(field, ticket.values.get(field.key))
    value: Any = ticket
    for step in TicketFilterSet.base_filters[name].field_name.split("__"):
        value = getattr(value, step, None)
    if isinstance(value, models.Manager):
        return as_text([str(row) for row in value.all()])
    if isinstance(value, datetime):
        value = timezone.localtime(value).date()
    return _shown(TicketFilterSet.base_filters[name], value)


def describe(groups: Any, feedback_type: FeedbackType, known: Known | None = None) -> str:
    """The filter as a sentence; raises ValidationError where it cannot be understood."""
    return ", or ".join(
        " and ".join(_phrase(name, values, feedback_type) for name, values in group.items())
        for group in clean_groups(groups, feedback_type, known)
    )


def _phrase(name: str, values: list[Any], feedback_type: FeedbackType) -> str:
    asked = filters_named([name], feedback_type)[name]
    given = " or ".join(_shown(asked, value) for value in values)
    return f"{asked.label} {verbs_of(name, asked)[name.endswith(NOT)]} {given}"


def _shown(asked: filters.Filter, value: Any) -> str:
    choices = dict(asked.extra.get("choices", ()))
    return choices.get(value) or as_text(value)


def verbs_of(name: str, asked: filters.Filter) -> Verbs:
    return getattr(asked, "verbs", None) or VERBS.get(name.removesuffix(NOT), IS)
