from __future__ import annotations

from typing import Any

import django_filters as filters
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet

from access.callers import Caller
from access.rules import Right, seen, within
from feedback.errors import BrokenFilter
from feedback.filters import TicketFilterSet, is_for_everyone, narrow
from feedback.models import Exposure, SavedFilter, Status, Team, Ticket
from rest.filters import IdFilter, IdOrNameFilter, NameFilter, TruthFilter
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


class CommentFilterSet(filters.FilterSet):
    project = NameFilter("ticket__feedback_type__project__key")
    ticket = IdFilter()
    exposure = filters.ChoiceFilter(choices=Exposure.choices)


class PersonFilterSet(filters.FilterSet):
    """Of what a project keeps about people."""

    project = NameFilter("project__key")
    person = NameFilter("person__username", label="A user name")


class RestTicketFilterSet(TicketFilterSet):
    """The filters of the pages, over all the projects that the caller sees."""

    project = NameFilter("feedback_type__project__key")
    feedback_type = IdOrNameFilter("feedback_type")
    ref = filters.CharFilter(max_length=50, method="with_ref", label="The ticket's own id")
    filter = IdFilter(method="inside", label="A saved filter")

    def __init__(self, *args: Any, request: Any = None, **options: Any) -> None:
        self.caller = caller_of(request) if request is not None else Caller()
        super().__init__(*args, choices=self._choices, request=request, **options)

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
