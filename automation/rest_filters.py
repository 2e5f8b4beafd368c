from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, Q, QuerySet

from automation.models import BulkRun, Delivery, Execution, ExecutionStep, Outgoing
from automation.reasons import DeliveryStatus, Reason
from feedback.models import Ticket
from rest.filters import IdFilter, IdOrNameFilter, NameFilter, TimeFilter, TruthFilter

MOST_SEARCHED = 20_000  # runs whose texts are looked at: no index helps there
LONGEST_TEXT = 100
AMONG = f"among the newest {MOST_SEARCHED:,} runs that the other filters leave"


class ListenerFilterSet(filters.FilterSet):
    project = NameFilter("project__key")
    feedback_type = IdOrNameFilter("feedback_type")
    name = NameFilter()
    key = NameFilter()
    macro = IdOrNameFilter("macro")
    filter = IdOrNameFilter("filter")
    enabled = TruthFilter()


class StartFilterSet(filters.FilterSet):
    """Of triggers and schedules."""

    project = NameFilter("feedback_type__project__key")
    feedback_type = IdOrNameFilter("feedback_type")
    name = NameFilter()
    macro = IdOrNameFilter("macro")
    enabled = TruthFilter()


class BulkRunFilterSet(filters.FilterSet):
    project = NameFilter("macro__feedback_type__project__key")
    macro = IdOrNameFilter("macro")
    schedule = IdFilter("schedule")
    state = filters.ChoiceFilter(choices=BulkRun.State.choices)
    created_after = TimeFilter("created_at", lookup_expr="gte")
    created_before = TimeFilter("created_at", lookup_expr="lt")


class OutcomeFilterSet(filters.FilterSet):
    status = filters.ChoiceFilter(choices=DeliveryStatus.choices)
    reason = filters.ChoiceFilter(choices=Reason.choices)
    ref = filters.CharFilter(max_length=50, method="about", label="A ticket's own id")


class DeliveryFilterSet(OutcomeFilterSet):
    project = NameFilter("project__key")
    listener = IdFilter("listener")
    listener_key = NameFilter("listener__key")
    api_key_id = IdFilter("api_key")  # “api_key=” would be the key itself
    find = filters.CharFilter(max_length=500, lookup_expr="iexact")
    received_after = TimeFilter("received_at", lookup_expr="gte")
    received_before = TimeFilter("received_at", lookup_expr="lt")

    def about(self, deliveries: QuerySet[Delivery], name: str, ref: str) -> QuerySet[Delivery]:
        if not ref:
            return deliveries
        ran_on = Execution.objects.filter(ticket__in=Ticket.objects.with_ref(ref))
        return deliveries.filter(Q(pk__in=ran_on.values("delivery")) | Q(find__iexact=ref))


class ExecutionFilterSet(OutcomeFilterSet):
    """Of runs, for programs and for the page; texts come last, so that they look at the fewest."""

    project = NameFilter("ticket__feedback_type__project__key")
    start = filters.ChoiceFilter(choices=Execution.Start.choices)
    macro = IdOrNameFilter("macro")
    ticket = IdFilter("ticket")
    delivery = filters.CharFilter("delivery__public_id", max_length=32)
    listener = IdFilter("listener")
    listener_key = NameFilter("listener__key")
    bulk_run = filters.CharFilter("bulk__public_id", max_length=32)
    trigger = IdFilter("trigger")
    schedule = IdFilter("bulk__schedule")
    created_after = TimeFilter("created_at", lookup_expr="gte")
    created_before = TimeFilter("created_at", lookup_expr="lt")
    actor = filters.CharFilter(
        max_length=LONGEST_TEXT, method="started_by", label=f"A part of “actor”, {AMONG}"
    )
    search = filters.CharFilter(
        max_length=LONGEST_TEXT,
        method="telling",
        label="A part of “actor”, of the ticket's summary or of what is told about changes, steps "
        f"and reasons; or the ticket's own id: {AMONG}",
    )

    def about(self, executions: QuerySet[Any], name: str, ref: str) -> QuerySet[Any]:
        return executions.filter(ticket__in=Ticket.objects.with_ref(ref)) if ref else executions

    def started_by(self, executions: QuerySet[Any], name: str, text: str) -> QuerySet[Any]:
        return newest(executions).filter(actor__icontains=text) if text else executions

    def telling(self, executions: QuerySet[Any], name: str, text: str) -> QuerySet[Any]:
        return newest(executions).filter(_tells(text)) if text else executions


def newest(executions: QuerySet[Any]) -> QuerySet[Any]:
    return executions.filter(pk__in=executions.order_by("-pk").values("pk")[:MOST_SEARCHED])


def _tells(text: str) -> Q:
    """What a run's page would show ``text`` in."""
    steps = ExecutionStep.objects.filter(execution=OuterRef("pk"), sentence__icontains=text)
    return (
        Q(actor__icontains=text)
        | Q(ticket__summary__icontains=text)
        | Q(ticket__in=Ticket.objects.with_ref(text))
        | Q(evidence__changes__icontains=text)
        | Q(evidence__why__icontains=text)
        | Q(Exists(steps))
    )


class OutgoingFilterSet(filters.FilterSet):
    project = NameFilter("project__key")
    kind = filters.ChoiceFilter(choices=Outgoing.Kind.choices)
    status = filters.ChoiceFilter(choices=Outgoing.Status.choices)
    destination = NameFilter("destination")
    ticket = IdFilter("ticket")
    ref = filters.CharFilter(max_length=50, method="about", label="A ticket's own id")
    execution = filters.CharFilter("execution__public_id", max_length=32)
    created_after = TimeFilter("created_at", lookup_expr="gte")
    created_before = TimeFilter("created_at", lookup_expr="lt")

    def about(self, rows: QuerySet[Any], name: str, ref: str) -> QuerySet[Any]:
        return rows.filter(ticket__in=Ticket.objects.with_ref(ref)) if ref else rows
