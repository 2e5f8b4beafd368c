"""Groups of filters, as saved filters keep them: checked, and then narrowed by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import django_filters as filters
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.http import QueryDict

from feedback.errors import BrokenFilter, GroupProblems, GroupsRefused
from feedback.field_kinds import as_number
from feedback.filters import (
    MOST_VALUES,
    Known,
    as_list,
    filters_named,
    filters_of,
    of_type,
    takes_several,
)
from feedback.models import (
    FeedbackType,
    SavedFilter,
    Ticket,
)
from rest.errors import by_field
from rest.nearest import nearest

MOST_GROUPS = 50


def clean_params(
    params: Any, feedback_type: FeedbackType, known: Known | None = None
) -> dict[str, list[Any]]:
    """What each parameter of a group means, as a list of values.

    Raises ValidationError for whatever a filter set by itself would drop in silence, and then
    match everything: unknown names, values that cannot be, no value at all.
    """
    if not isinstance(params, Mapping) or not params:
        raise ValidationError("A group of a filter needs at least one field and its values.")
    there = filters_named(params, feedback_type)
    for name in params:
        if name not in there:
            near = nearest(name, filters_of(feedback_type))
            raise ValidationError({name: f"There is no field “{name}” to filter by.{near}"})
    form = of_type(as_query(params), feedback_type, known).form
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    cleaned = {name: as_list(form.cleaned_data[name]) for name in params}
    problems = {
        name: _problem(there[name], as_list(params[name]), cleaned[name]) for name in params
    }
    if any(problems.values()):
        raise ValidationError({name: problem for name, problem in problems.items() if problem})
    return cleaned


def _problem(asked: filters.Filter, given: list[Any], cleaned: list[Any]) -> str:
    if not cleaned:
        return "choose at least one value, or leave it out."
    if len(given) > MOST_VALUES:
        return f"give at most {MOST_VALUES} values."
    if len(given) > 1 and not takes_several(asked):
        return "give one value only."
    if any(value is None or isinstance(value, (Mapping, list)) for value in given):
        return "a value is text, a number, or true or false."
    return ""


def clean_groups(
    groups: Any, feedback_type: FeedbackType, known: Known | None = None
) -> list[dict[str, list[Any]]]:
    """Every group of a saved filter, checked; raises GroupsRefused with all that is wrong."""
    if not isinstance(groups, list) or not groups:
        raise ValidationError("A filter needs at least one group of fields.")
    if len(groups) > MOST_GROUPS:
        raise ValidationError(f"A filter has at most {MOST_GROUPS} groups.")
    cleaned: list[dict[str, list[Any]]] = []
    by_group: list[GroupProblems] = [{} for _ in groups]
    sentences: list[str] = []
    for place, group in enumerate(groups):
        try:
            cleaned.append(clean_params(group, feedback_type, known))
        except ValidationError as error:
            by_group[place] = by_field(error)
            sentences += _sentences(by_group[place], feedback_type)
    if sentences:
        raise GroupsRefused(by_group, sentences)
    return cleaned


def _sentences(problems: GroupProblems, feedback_type: FeedbackType) -> list[str]:
    """With the labels that people know, where a field is one to filter by."""
    known = filters_named(problems, feedback_type)
    return [
        f"{known[name].label}: {' '.join(messages)}" if name in known else " ".join(messages)
        for name, messages in problems.items()
    ]


def as_kept(cleaned: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """A group that was checked, as a saved filter keeps it: rows by id, days as text."""
    return {name: [_as_kept(value) for value in values] for name, values in cleaned.items()}


def _as_kept(value: Any) -> Any:
    if isinstance(value, models.Model):
        return value.pk
    if isinstance(value, Decimal):
        return as_number(value)
    return value.isoformat() if isinstance(value, date) else value


def narrow(tickets: QuerySet[Ticket], saved: SavedFilter) -> QuerySet[Ticket]:
    """Tickets inside ``saved``. A filter gone stale matches nothing: it raises BrokenFilter."""
    try:
        clean_groups(saved.groups, saved.feedback_type)
    except ValidationError as error:
        why = " ".join(error.messages)
        raise BrokenFilter(f"Filter “{saved}” no longer works: {why}") from error
    return any_of(tickets, saved.groups, saved.feedback_type)


def any_of(
    tickets: QuerySet[Ticket], groups: Iterable[Mapping[str, Any]], feedback_type: FeedbackType
) -> QuerySet[Ticket]:
    """Tickets inside at least one of ``groups``, each of which was checked before."""
    among = tickets.order_by()  # each group looks at these alone, not at all of the type
    inside = (
        Q(pk__in=of_type(as_query(group), feedback_type, tickets=among).qs.values("pk"))
        for group in groups
    )
    return tickets.filter(reduce(or_, inside))


def as_query(params: Mapping[str, Any]) -> QueryDict:
    """A group as the query string that the filter set reads."""
    query = QueryDict(mutable=True)
    for name, values in params.items():
        query.setlist(name, [_as_param(value) for value in as_list(values)])
    return query


def _as_param(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
