"""The only way to narrow tickets: the pages, the API and saved filters all come here."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache, reduce
from operator import or_
from typing import Any

import django_filters as filters
from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet
from django.http import QueryDict
from drf_spectacular.utils import extend_schema_field

from feedback.data_filter import HOW, DataFilter
from feedback.field_kinds import kind_of
from feedback.models import (
    MOST_POINTS,
    Exposure,
    FeedbackType,
    FormField,
    Project,
    Status,
    Tag,
    Team,
    Ticket,
)
from feedback.numbers import row_id
from rest.filters import TruthFilter

NOT = "__not"
FIELD = "field."  # before the key of a form field

# What participants may filter by: all of it stands on the tickets that they see.
FOR_EVERYONE = ("search", "status", "tags", "blocking", "created_after", "created_before")

MOST_VALUES = 200  # of one field
LONGEST_TEXT = 200  # SQLite refuses much longer patterns

Called = dict[str, list[Any]]  # rows by what was given for them, in small letters
Choices = Callable[[type[models.Model]], QuerySet[Any]]
Known = Mapping[type[models.Model], Mapping[int, models.Model]]
Filters = Mapping[str, filters.Filter]  # by name

NAMED_BY: dict[type[models.Model], str] = {User: "username"}

CHOICES_IN_PROJECT: dict[type[models.Model], Callable[[Project], QuerySet[Any]]] = {
    Status: lambda project: Status.objects.in_project(project).select_related("workflow"),
    Team: lambda project: project.teams.all(),
    Tag: lambda project: project.tags.all(),
    User: lambda project: User.objects.filter(
        Q(teams__project=project) | Q(tickets__feedback_type__project=project)
    ).distinct(),
}


class SearchFilter(filters.CharFilter):
    """Words in a ticket's summary or description, or its id."""

    def filter(self, tickets: QuerySet[Ticket], words: str) -> QuerySet[Ticket]:
        if not words:
            return tickets
        inside = Q(summary__icontains=words) | Q(description__icontains=words)
        named = Ticket.objects.with_ref(words).values("pk")
        return self.get_method(tickets)(inside | Q(pk__in=named))


class RowsField(filters.fields.ModelMultipleChoiceField):
    """Rows by id or name, taken from ``known``, by id, where those were looked up before."""

    known: Mapping[int, models.Model] | None = None

    def _check_values(self, value: Iterable[Any]) -> list[Any]:
        texts = [str(each) for each in value]
        if len(texts) > MOST_VALUES:
            raise ValidationError(f"Give at most {MOST_VALUES} values.")
        found = self._known(texts) if self.known is not None else self._looked_up(texts)
        for text in texts:
            if text.casefold() not in found:
                message = self.error_messages["invalid_choice"]
                raise ValidationError(message, "invalid_choice", {"value": text[:100]})
        return list({row.pk: row for text in texts for row in found[text.casefold()]}.values())

    def _known(self, texts: list[str]) -> Called:
        known = self.known or {}
        found: Called = {}
        for text in texts:
            row = known.get(row_id(text) or 0)
            name = text.casefold()
            named = [each for each in known.values() if _name_of(each).casefold() == name]
            if rows := [row] if row else named:
                found[name] = rows
        return found

    def _looked_up(self, texts: list[str]) -> Called:
        """A number is an id before it is a name; several rows may have one name."""
        name = NAMED_BY.get(self.queryset.model, "name")
        ids = {text: number for text in texts if (number := row_id(text))}
        named = (Q(**{f"{name}__iexact": text}) for text in texts if _may_be_a_name(text))
        rows = list(self.queryset.filter(reduce(or_, named, Q(pk__in=ids.values()))))
        found: Called = defaultdict(list)
        for row in rows:
            found[getattr(row, name).casefold()].append(row)
        by_id = {row.pk: row for row in rows}
        return found | {text: [by_id[pk]] for text, pk in ids.items() if pk in by_id}


def _name_of(row: models.Model) -> str:
    return str(getattr(row, NAMED_BY.get(type(row), "name")))


def _may_be_a_name(text: str) -> bool:
    """Databases refuse to look for anything else."""
    return len(text) <= LONGEST_TEXT and "\0" not in text


class RowsFilter(filters.ModelMultipleChoiceFilter):
    field_class = RowsField


@extend_schema_field({"type": "integer", "minimum": -MOST_POINTS, "maximum": MOST_POINTS})
class NumberFilter(filters.Filter):
    """A whole number."""

    field_class = forms.IntegerField

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, min_value=-MOST_POINTS, max_value=MOST_POINTS, **options)


def several(model: type[models.Model], field_name: str, label: str) -> filters.Filter:
    rows = model._default_manager.all()
    by_name = extend_schema_field({"type": "string", "description": f"{label}: id or name."})
    return by_name(RowsFilter(field_name=field_name, label=label, queryset=rows))


def with_opposites(**fields: filters.Filter) -> dict[str, filters.Filter]:
    """Each filter and, under its name and ``__not``, the one that keeps all the others."""
    both: dict[str, filters.Filter] = {}
    for name, field in fields.items():
        opposite = copy.deepcopy(field)
        opposite.exclude = True
        both |= {name: field, name + NOT: opposite}
    return both


class TicketFilterSet(filters.FilterSet):
    """Filters of tickets; ``choices`` are what their rows may be, such as those of a project.

    ``there`` are all that there are, where a feedback type has more: those of its form fields.
    """

    vars().update(
        with_opposites(
            search=SearchFilter(label="Text", max_length=LONGEST_TEXT),
            status=several(Status, "status", "Status"),
            team=several(Team, "team", "Team"),
            tags=several(Tag, "tags", "Tags"),
            exposure=filters.MultipleChoiceFilter(
                field_name="exposure", label="Exposure", choices=Exposure.choices
            ),
            blocking=TruthFilter("blocking", label="Blocking"),
            score_min=NumberFilter("score", lookup_expr="gte", label="Priority score"),
            score_max=NumberFilter("score", lookup_expr="lte", label="Priority score"),
            submitter=several(User, "submitter", "Submitter"),
            submitter_team=several(Team, "submitter__teams", "Submitter's team"),
            submitter_email=filters.CharFilter(
                field_name="submitter__email",
                lookup_expr="icontains",
                label="Submitter's e-mail",
                max_length=LONGEST_TEXT,
            ),
            created_after=filters.DateFilter(
                field_name="created_at", lookup_expr="date__gte", label="Creation date"
            ),
            created_before=filters.DateFilter(
                field_name="created_at", lookup_expr="date__lte", label="Creation date"
            ),
            custom_data=DataFilter(label="Custom data", help_text=HOW),
        )
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        queryset: QuerySet[Ticket] | None = None,
        *,
        choices: Choices,
        known: Known | None = None,
        there: Filters | None = None,
        **options: Any,
    ) -> None:
        super().__init__(data, Ticket.objects.all() if queryset is None else queryset, **options)
        own = {name: each for name, each in (there or {}).items() if name not in self.filters}
        self.filters.update(copy.deepcopy(own))
        choices = cache(choices)  # a field and its opposite offer the same
        for field in self.filters.values():
            if isinstance(field, RowsFilter):
                model = field.queryset.model
                field.queryset = choices(model)
                field.field.known = known and known[model]


def filters_of(feedback_type: FeedbackType) -> Filters:
    """Every filter of the tickets of one type."""
    return TicketFilterSet.base_filters | field_filters(feedback_type)


def field_filters(feedback_type: FeedbackType) -> dict[str, filters.Filter]:
    """The filters of its form fields: “field.severity”, “field.severity__not” and so on."""
    named = {
        f"{FIELD}{field.key}{suffix}": each
        for field in feedback_type.fields
        for suffix, each in kind_of(field).filters(field, label=field.label).items()
    }
    return with_opposites(**named)


def filters_named(names: Iterable[str], feedback_type: FeedbackType) -> Filters:
    """Filters among which those called ``names`` are, if there are any such.

    A group that asks for no form field costs no look at them.
    """
    return filters_of(feedback_type) if asks_fields(names) else TicketFilterSet.base_filters


def asks_fields(names: Iterable[str]) -> bool:
    return any(name.startswith(FIELD) for name in names)


def form_field_of(name: str, feedback_type: FeedbackType) -> FormField | None:
    """The form field that the filter ``name`` looks at."""
    key = name.removeprefix(FIELD).partition("__")[0]
    fields = feedback_type.fields if name.startswith(FIELD) else ()
    return next((field for field in fields if field.key == key), None)


def of_type(
    data: QueryDict,
    feedback_type: FeedbackType,
    known: Known | None = None,
    tickets: QuerySet[Ticket] | None = None,
    there: Filters | None = None,
) -> TicketFilterSet:
    """The filter of the tickets of one type, whose project bounds every choice.

    Of form fields it has those of ``there``; else all, if ``data`` asks for one.
    """
    among = (Ticket.objects.all() if tickets is None else tickets).filter(
        feedback_type=feedback_type
    )
    project = feedback_type.project
    return TicketFilterSet(
        data,
        among,
        choices=lambda model: CHOICES_IN_PROJECT[model](project),
        known=known,
        there=there or filters_named(data, feedback_type),
    )


def takes_several(asked: filters.Filter) -> bool:
    return isinstance(asked, filters.MultipleChoiceFilter)


def is_for_everyone(name: str) -> bool:
    return name.removesuffix(NOT) in FOR_EVERYONE


def as_list(values: Any) -> list[Any]:
    if isinstance(values, (list, tuple, QuerySet)):
        return list(values)
    return [] if values in (None, "") else [values]
