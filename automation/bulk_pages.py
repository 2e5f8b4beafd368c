"""A macro on every ticket of a list: looked at first, watched while it runs, taken back."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property

from access.rules import Right, changeable, may, seen
from automation.actions.fields import TypeRows
from automation.bulk import MOST_TICKETS, cancel, may_cancel, start_bulk, undo_bulk
from automation.bulk_rehearsals import try_in_bulk
from automation.by_hand import runnable, runs_shown
from automation.macros import describe_macro
from automation.models import BulkRun, Execution, Macro
from automation.newer_work import (
    MOST_TICKETS_SHOWN,
    fields_changed_since,
    fields_of,
    left_by,
    newer_work,
)
from automation.pages import address_of, page_of
from automation.pauses import pause_over
from automation.reasons import DeliveryStatus, Reason
from feedback.models import Ticket
from feedback.numbers import row_id
from feedback.pages import Page
from feedback.ticket_list import TicketsPage

WORST_FIRST = (DeliveryStatus.FAILED, DeliveryStatus.SKIPPED, DeliveryStatus.DONE)


class BulkAddPage(TicketsPage):
    """The tickets are those of the list, with its filter in the address."""

    template_name = "automation/bulk_add.html"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated and not self.runs_macros:
            raise PermissionDenied("Only who may change tickets runs macros on them.")
        if request.user.is_authenticated and self.narrowed()[1]:  # the list says what is wrong
            address = address_of("tickets", self.feedback_type)
            return redirect(f"{address}?{request.GET.urlencode()}")
        return super().dispatch(request, *args, **kwargs)

    def get_title(self) -> str:
        return "Run a macro on these tickets"

    @cached_property
    def own(self) -> tuple[QuerySet[Ticket], str]:
        """Those of the list that the person may change, and the filter in words."""
        tickets, _, sentence = self.narrowed()
        mine = tickets.filter(pk__in=changeable(Ticket, self.caller).values("pk"))
        return mine, sentence or f"All {self.feedback_type.name}"

    @cached_property
    def macros(self) -> QuerySet[Macro]:
        own = runnable(self.caller).filter(feedback_type=self.feedback_type)
        return own.prefetch_related("actions")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**kwargs))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        pk = row_id(request.POST.get("macro", ""))
        if pk is None:
            messages.error(request, "Choose a macro.")
            return self.get(request)
        macro = get_object_or_404(self.macros, pk=pk)
        tickets, sentence = self.own
        if request.POST.get("run") != str(macro.pk):  # that of which it was shown what it would do
            tried = try_in_bulk(macro, tickets, self.caller)
            return self.get(request, chosen=macro, tried=tried)
        try:
            run = start_bulk(
                macro,
                tickets,
                chosen=sentence[:500],
                actor=f"{self.caller.name} → {macro}",
                started_by=self.person,
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return self.get(request, chosen=macro)
        return redirect(run)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        tickets, sentence = self.own
        known = TypeRows(self.feedback_type)
        return super(TicketsPage, self).get_context_data(
            count=tickets.count(),
            most=MOST_TICKETS,
            sentence=sentence,
            query=self.request.GET.urlencode(),
            macros=[(macro, describe_macro(macro, known)) for macro in self.macros],
            **context,
        )


class OfBulkRunPage(Page):
    """A page about a bulk run that the person may look at."""

    @cached_property
    def run(self) -> BulkRun:
        related = (
            "macro__feedback_type__project",
            "schedule__feedback_type__project",
            "undoes__macro",
        )
        macros = runnable(self.caller).values("pk") | seen(Macro, self.caller).values("pk")
        shown = BulkRun.objects.filter(macro__in=macros).select_related(*related)
        return get_object_or_404(shown, public_id=self.kwargs["public_id"])

    def get_title(self) -> str:
        return str(self.run)

    @cached_property
    def manages(self) -> bool:
        return may(self.caller, Right.MANAGE, self.run.project)

    @cached_property
    def may_undo(self) -> bool:
        applied = Execution.objects.filter(bulk=self.run, reason=Reason.APPLIED)
        over = self.run.state != BulkRun.State.RUNNING
        return over and self.manages and applied.exists()

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(
            run=self.run,
            project=self.run.project,
            feedback_type=self.run.macro.feedback_type,
            manages=self.manages,
            may_undo=self.may_undo,
            **context,
        )


class BulkRunPage(OfBulkRunPage):
    """How far it got, and what came of each ticket; follows by itself while it runs."""

    template_name = "automation/bulk_run.html"

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if not may_cancel(self.run, self.caller):
            raise PermissionDenied("Only who began it or manages the project may do this.")
        cancel(self.run)
        messages.success(request, "It is cancelled: what was done stays, the rest is left.")
        return redirect(self.run)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        own = self.run.executions.all()
        shown = own if self.manages else own & runs_shown(self.caller)
        executions = shown.select_related("ticket__feedback_type__project")
        counts = dict(self.run.executions.order_by().values_list("status").annotate(Count("pk")))
        settled = sum(counts.values())
        return super().get_context_data(
            may_cancel=may_cancel(self.run, self.caller),
            running=self.run.state == BulkRun.State.RUNNING,
            paused=pause_over(self.run.project),
            settled=settled,
            badge=self._badge(counts),
            counts=[(each.label, each, counts[each]) for each in WORST_FIRST if each in counts],
            page_obj=page_of(executions.order_by("pk"), self.request),
            undone=self.run.undone_by.filter(executions__reason=Reason.APPLIED).first(),
            **context,
        )

    def _badge(self, counts: dict[str, int]) -> tuple[str, str]:
        """A word for its state and the worst outcome, whose colour it has."""
        if self.run.state == BulkRun.State.RUNNING:
            return self.run.get_state_display(), DeliveryStatus.RECEIVED
        if self.run.state == BulkRun.State.CANCELLED:
            return self.run.get_state_display(), DeliveryStatus.SKIPPED
        if self.run.problem:
            return "Ended", DeliveryStatus.FAILED
        return "Ended", next((each for each in WORST_FIRST if each in counts), DeliveryStatus.DONE)


class BulkUndoPage(OfBulkRunPage):
    """Shows first what somebody changed since, and lets choose what goes back all the same."""

    template_name = "automation/bulk_undo.html"

    def get_title(self) -> str:
        return f"Undo {self.run}"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated and not self.may_undo:
            raise PermissionDenied("There is nothing here that you may take back.")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            undo = undo_bulk(
                self.run,
                by=self.caller.name,
                even=request.POST.getlist("even"),
                even_on=_by_ticket(request.POST.getlist("even_on")),
            )
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect(self.run)
        return redirect(undo)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        applied = self.run.executions.filter(reason=Reason.APPLIED)
        newer, all_shown = newer_work(self.run)
        return super().get_context_data(
            applied=applied.count(),
            newer=newer,
            fields=fields_of(newer) if all_shown else fields_changed_since(self.run),
            most=MOST_TICKETS_SHOWN,
            all_shown=all_shown,
            left=left_by(self.run),
            **context,
        )


def _by_ticket(chosen: list[str]) -> dict[int, list[str]]:
    """The fields of each ticket, from “12:status”."""
    by_ticket = defaultdict(list)
    for each in chosen:
        ticket, _, field = each.partition(":")
        if (pk := row_id(ticket)) is not None:
            by_ticket[pk].append(field)
    return by_ticket
