"""One row for each request to a listener: what came in, and what became of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property

from apikeys.models import APIKey
from automation.listener_pages import listeners_of
from automation.models import Delivery, Execution, ExternalListener
from automation.pauses import pause_over
from automation.reasons import DeliveryStatus, Reason
from automation.slices import slice_of
from feedback.models import Ticket
from feedback.numbers import row_id
from feedback.pages import CommunityPage, ManagedTypePage, Page

NOT_KEPT = (Reason.NOT_STORED, Reason.CRASHED)


class LogFilter(forms.Form):
    status = forms.ChoiceField(
        label="Outcome",
        required=False,
        choices=[("", "Any outcome"), *DeliveryStatus.choices],
    )
    reason = forms.ChoiceField(
        label="Reason",
        required=False,
        choices=[
            ("", "Any reason"),
            *((reason, reason.label.capitalize()) for reason in Reason if reason not in NOT_KEPT),
        ],
    )
    find = forms.CharField(label="Ticket or find=", required=False, max_length=500)

    def narrow(self, deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
        """What cannot be understood matches nothing, and the list says so."""
        if not self.is_valid():
            return deliveries.none()
        given = {name: value.strip() for name, value in self.cleaned_data.items()}
        for name in ("status", "reason"):
            if given[name]:
                deliveries = deliveries.filter(**{name: given[name]})
        if given["find"]:
            tickets = Ticket.objects.with_ref(given["find"])
            ran_on = Execution.objects.filter(ticket__in=tickets).values("delivery")
            deliveries = deliveries.filter(Q(find__icontains=given["find"]) | Q(pk__in=ran_on))
        return deliveries


def as_rows(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """With all that a row of a log shows, and without bodies."""
    return (
        deliveries.defer("body", "headers")
        .select_related("listener__feedback_type__project", "api_key", "duplicate_of")
        .prefetch_related("executions__ticket__feedback_type__project")
    )


class LogPage(Page):
    template_name = "automation/log.html"

    def deliveries(self) -> QuerySet[Delivery]:
        raise NotImplementedError

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        form = LogFilter(self.request.GET)
        rows = slice_of(
            form.narrow(as_rows(self.deliveries())),
            row_id(self.request.GET.get("newer", "")),
            row_id(self.request.GET.get("older", "")),
        )
        filtered = form.is_valid() and any(form.cleaned_data.values())
        return super().get_context_data(form=form, log=rows, filtered=filtered, **context)


class ListenerLogPage(LogPage, ManagedTypePage):
    @cached_property
    def listener(self) -> ExternalListener:
        return get_object_or_404(listeners_of(self.feedback_type), pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return f"Log of {self.listener}"

    def deliveries(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(listener=self.listener)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(listener=self.listener, **context)


class KeyLogPage(LogPage, CommunityPage):
    @cached_property
    def api_key(self) -> APIKey:
        return get_object_or_404(APIKey, pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return f"Log of {self.api_key}"

    def deliveries(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(api_key=self.api_key)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(api_key=self.api_key, **context)


class RefusedLogPage(LogPage, CommunityPage):
    title = "Requests without a known key"

    def deliveries(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(api_key=None)


class CommunityToolsPage(CommunityPage):
    title = "All Community Tools"
    template_name = "automation/community.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(paused=pause_over(None), **context)
