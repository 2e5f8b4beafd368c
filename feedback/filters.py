"""The only way to narrow tickets: the pages, the API and saved filters all come here."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
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
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field

from feedback.data_filter import HOW, DataFilter, what_it_holds
from feedback.errors import BrokenFilter, GroupProblems, GroupsRefused
from feedback.field_kinds import as_number, kind_of
from feedback.models import (
    MOST_POINTS,
    Exposure,
    FeedbackType,
    FormField,
    Project,
    SavedFilter,
    Status,
    Tag,
    Team,
    Ticket,
    as_text,
)
from feedback.numbers import row_id
from feedback.value_filters import IS, Verbs
from feedback.values import shown
from rest.errors import by_field
from rest.filters import TruthFilter
from rest.nearest import nearest

NOT = "__not"
FIELD = "field."  # before the key of a form field

# What participants may filter by: all of it stands on the tickets that they see.
FOR_EVERYONE = ("search", "status", "tags", "blocking", "created_after", "created_before")

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

MOST_VALUES = 200  # of one field
MOST_GROUPS = 50
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


def takes_several(asked: filters.Filter) -> bool:
    return isinstance(asked, filters.MultipleChoiceFilter)


def is_for_everyone(name: str) -> bool:
    return name.removesuffix(NOT) in FOR_EVERYONE


def as_query(params: Mapping[str, Any]) -> QueryDict:
    """A group as the query string that the filter set reads."""
    query = QueryDict(mutable=True)
    for name, values in params.items():
        query.setlist(name, [_as_param(value) for value in as_list(values)])
    return query


def _as_param(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_list(values: Any) -> list[Any]:
    if isinstance(values, (list, tuple, QuerySet)):
        return list(values)
    return [] if values in (None, "") else [values]
