from __future__ import annotations

import json
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.models import User
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.views.generic import RedirectView

from access.callers import Caller
from access.rules import seen
from automation.models import Delivery, Execution, Outgoing
from automation.ran import VERSIONS, Ran, what_ran
from automation.reasons import DeliveryStatus, Stop
from automation.rehearsals import NOT_REHEARSED, may_be_rehearsed, rehearse, whole
from automation.senders.base import Kind
from automation.waiting import Wait, what_holds
from feedback.pages import Page

SHOWN_OF_BODY = 64 * 1024
MOST_REPEATS = 20


class DeliveryPage(Page):
    """Everything about one request: what came, what became of it, and why."""

    template_name = "automation/delivery.html"

    @cached_property
    def delivery(self) -> Delivery:
        deliveries = seen(Delivery, self.caller).select_related(
            "project", "listener__feedback_type__project", "api_key", "duplicate_of", "whole"
        )
        return get_object_or_404(deliveries, public_id=self.kwargs["public_id"])

    def get_title(self) -> str:
        return f"Request of {localtime(self.delivery.received_at):%Y-%m-%d %H:%M:%S %Z}"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page of a waiting request asks every second; nothing new, nothing sent."""
        if self.waits and request.GET.get("was") == self.waits.sentence:
            return HttpResponse(status=204)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Rehearses the request; nothing is kept."""
        delivery = whole(self.delivery.pk)
        if delivery is None or not may_be_rehearsed(delivery):
            messages.error(request, NOT_REHEARSED)
            return self.render_to_response(self.get_context_data())
        return self.render_to_response(
            self.get_context_data(rehearsed=rehearse(delivery, self.caller))
        )

    @cached_property
    def waits(self) -> Wait | None:
        """What it waits for, until it is settled."""
        received = self.delivery.status == DeliveryStatus.RECEIVED
        return what_holds(self.delivery) if received else None

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        delivery = self.delivery
        body = shown_body(delivery)
        repeats = Delivery.objects.filter(duplicate_of=delivery).defer("body", "headers")
        return super().get_context_data(
            delivery=delivery,
            project=delivery.project,
            feedback_type=delivery.listener and delivery.listener.feedback_type,
            waits=self.waits,
            kinds=[Kind(kind).label for kind in delivery.kinds],
            executions=executions_of(delivery),
            repeats=repeats.order_by("pk")[:MOST_REPEATS],
            headers=delivery.header_map,
            size=len((delivery.whole or delivery).body),
            siblings=siblings_of(delivery),
            body=body[:SHOWN_OF_BODY],
            cut=len(body) > SHOWN_OF_BODY,
            may_be_rehearsed=may_be_rehearsed(delivery),
            **context,
        )


class CauseView(LoginRequiredMixin, RedirectView):
    """From the run that a ticket's history names to the request behind it, or to the run."""

    def get_redirect_url(self, *args: Any, **kwargs: Any) -> str:
        runs = seen(Execution, Caller.of(cast("User", self.request.user)))
        run = get_object_or_404(runs.select_related("delivery"), public_id=kwargs["public_id"])
        return (run.delivery or run).get_absolute_url()


def executions_of(delivery: Delivery) -> list[tuple[Execution, list[Ran]]]:
    """Each run with the versions that ran."""
    executions = list(
        delivery.executions.select_related(
            "macro__feedback_type__project", "ticket__feedback_type__project", *VERSIONS
        ).prefetch_related("steps__macro_version", Prefetch("outgoing", sent_by_runs()))
    )
    ran = what_ran(executions)
    return [(each, ran[each.pk]) for each in executions]


def sent_by_runs() -> QuerySet[Outgoing]:
    return Outgoing.objects.defer("content", "answer").select_related("project").order_by("pk")


def shown_body(delivery: Delivery) -> str:
    """What the body holds as JSON with line breaks and indents; as it came, if it is unreadable.

    Of a part, that part alone.
    """
    if not delivery.has_body:
        return ""
    try:
        return json.dumps(delivery.payload, indent=2, ensure_ascii=False)
    except (Stop, RecursionError):
        return bytes(delivery.body).decode("utf-8", "replace")


def siblings_of(delivery: Delivery) -> list[Delivery]:
    """All parts of the request of which ``delivery`` is one, in their order."""
    if delivery.part is None:
        return []
    whole = delivery.whole_id or delivery.pk
    parts = Delivery.objects.filter(Q(pk=whole) | Q(whole=whole)).defer("body", "headers")
    return list(parts.order_by("part"))
