from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import django_filters as filters
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, QuerySet

from access.callers import Caller
from access.rules import Right, seen, within
from feedback.errors import BrokenFilter
from feedback.filter_groups import narrow
from feedback.filters import (
    FIELD,
    Filters,
    TicketFilterSet,
    asks_fields,
    filters_of,
    is_for_everyone,
)
from feedback.models import (
    Exposure,
    FeedbackType,
    FormField,
    Project,
    SavedFilter,
    Status,
    Team,
    Ticket,
)
from feedback.numbers import row_id
from rest.filters import LONGEST, IdFilter, IdOrNameFilter, NameFilter, TruthFilter
from rest.params import MOST_NAMED
from rest.permissions import caller_of


class ProjectFilterSet(filters.FilterSet):
    key = NameFilter()
    project = NameFilter("key")  # as every other list is narrowed
    name = NameFilter()
    archived = TruthFilter()


class PartFilterSet(filters.FilterSet):
    """Of a part of a project that can be archived."""

    project = NameFilter("project__key")
    name = NameFilter()
    archived = TruthFilter()


class TeamFilterSet(PartFilterSet):
    kind = filters.ChoiceFilter(choices=Team.Kind.choices)


class StatusFilterSet(PartFilterSet):
    project = NameFilter("workflow__project__key")
    workflow = IdOrNameFilter("workflow")
    category = filters.ChoiceFilter(choices=Status.Category.choices)


class FeedbackTypeFilterSet(PartFilterSet):
    prefix = NameFilter()


class TagFilterSet(filters.FilterSet):
    project = NameFilter("project__key")
    name = NameFilter()


class OfTypeFilterSet(PartFilterSet):
    """Of what belongs to one feedback type."""

    project = NameFilter("feedback_type__project__key")
    feedback_type = IdOrNameFilter("feedback_type")


class FormFieldFilterSet(filters.FilterSet):
    project = NameFilter("feedback_type__project__key")
    feedback_type = IdOrNameFilter("feedback_type")
    key = NameFilter()
    kind = filters.ChoiceFilter(choices=FormField.Kind.choices)
    archived = TruthFilter()


class CommentFilterSet(filters.FilterSet):
    project = NameFilter("ticket__feedback_type__project__key")
    ticket = IdFilter()
    exposure = filters.ChoiceFilter(choices=Exposure.choices)


class PersonFilterSet(filters.FilterSet):
    """Of what a project keeps about people."""

    project = NameFilter("project__key")
    person = NameFilter("person__username", label="A user name")


def ticket_filters(query: Mapping[str, Any], caller: Caller) -> Filters:
    """What an address may filter tickets by; form fields where it names their feedback type.

    Those of a project in which the caller is not inside are not there. Raises ValidationError
    where form fields are asked for, but it is not clear of which type.
    """
    if not asks_fields(query):
        return RestTicketFilterSet.base_filters
    types = list(_types_asked(query, caller)[:2])
    if len(types) != 1:
        asked = [name for name in query if name.startswith(FIELD)]
        problem = (
            "Say of which feedback type this is a form field: add feedback_type= with its id, or "
            "with its name beside project=."
        )
        raise ValidationError({name: [problem] for name in asked[:MOST_NAMED]})
    inside = Project.objects.giving(caller, Right.INSIDE).filter(pk=types[0].project_id)
    return RestTicketFilterSet.base_filters | (filters_of(types[0]) if inside.exists() else {})


def _types_asked(query: Mapping[str, Any], caller: Caller) -> QuerySet[FeedbackType]:
    types = seen(FeedbackType, caller).select_related("project")
    project, called = query.get("project", ""), query.get("feedback_type", "")
    if project:
        types = types.filter(project__key__iexact=project[:LONGEST])
    return types.filter(Q(name__iexact=called[:LONGEST]) | Q(pk=row_id(called) or 0))


class RestTicketFilterSet(TicketFilterSet):
    """The filters of the pages, over all the projects that the caller sees."""

    project = NameFilter("feedback_type__project__key")
    feedback_type = IdOrNameFilter("feedback_type")
    ref = filters.CharFilter(max_length=50, method="with_ref", label="The ticket's own id")
    filter = IdFilter(method="inside", label="A saved filter")

    def __init__(self, *args: Any, request: Any = None, **options: Any) -> None:
        self.caller = caller_of(request) if request is not None else Caller()
        there = ticket_filters(request.query_params, self.caller) if request is not None else {}
        super().__init__(*args, choices=self._choices, there=there, request=request, **options)

    def _choices(self, model: type[models.Model]) -> QuerySet[Any]:
        return seen(model, self.caller)

    def filter_queryset(self, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        """What only insiders may ask for finds nothing where the caller is none."""
        own = {"project", "feedback_type", "ref"}
        asked = [name for name in self.data if name in self.filters and name not in own]
        if any(not is_for_everyone(name) for name in asked):
            queryset = queryset.filter(within(Right.INSIDE, "feedback_type__project")(self.caller))
        return super().filter_queryset(queryset)

    def with_ref(self, tickets: QuerySet[Any], name: str, ref: str) -> QuerySet[Any]:
        return tickets.filter(pk__in=Ticket.objects.with_ref(ref).values("pk")) if ref else tickets

    def inside(self, tickets: QuerySet[Any], name: str, pk: int | None) -> QuerySet[Any]:
        if pk is None:
            return tickets
        saved = seen(SavedFilter, self.caller).filter(pk=pk).select_related("feedback_type").first()
        if saved is None:
            raise ValidationError({name: ["There is no such saved filter that you may see."]})
        try:
            return narrow(tickets.filter(feedback_type=saved.feedback_type), saved)
        except BrokenFilter as error:
            raise ValidationError({name: [str(error)]}) from error
