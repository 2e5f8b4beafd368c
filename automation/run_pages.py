"""Macros run by hand: choose one, try it, run it, look at what it did, take it back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property

from access.rules import Right, may, may_change, seen
from automation.actions.fields import TypeRows
from automation.by_hand import run_by_hand, runnable, runs_shown, undo, undoing
from automation.delivery_page import sent_by_runs
from automation.macro_run import stands
from automation.macros import describe_macro
from automation.models import Execution, Macro
from automation.ran import VERSIONS, what_ran
from automation.reasons import DeliveryStatus, Reason
from automation.runs import rehearsal
from automation.shown_runs import shown_runs
from feedback.models import Ticket
from feedback.numbers import row_id
from feedback.pages import Page, ProjectPage
from feedback.undo import State

MOST_LED_TO, MOST_SENT = 20, 100  # that are shown


class RunMacroPage(ProjectPage):
    """For a ticket that the person may change; a macro that asks first is shown first."""

    title = "Run a macro"
    template_name = "automation/run_macro.html"

    @cached_property
    def ticket(self) -> Ticket:
        own = Ticket.objects.in_project(self.project).with_ref(self.kwargs["ref"])
        ticket = get_object_or_404(own & seen(Ticket, self.caller))
        if not may_change(ticket, self.caller):
            raise PermissionDenied("Only who may change the ticket runs macros on it.")
        return ticket

    @cached_property
    def macros(self) -> QuerySet[Macro]:
        own = runnable(self.caller).filter(feedback_type=self.ticket.feedback_type)
        return own.prefetch_related("actions")

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        pk = row_id(request.POST.get("macro", ""))
        if pk is None:
            messages.error(request, "Choose a macro.")
            return self.get(request, **kwargs)
        macro = get_object_or_404(self.macros, pk=pk)
        asks = macro.ask_first and "sure" not in request.POST
        if asks or "try" in request.POST:
            with rehearsal():
                run = run_by_hand(macro, self.ticket, self.caller)
                (tried,) = shown_runs([run], self.caller)
            return self.get(request, chosen=macro, asks=asks, tried=tried)
        return redirect("run", run_by_hand(macro, self.ticket, self.caller).public_id)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        known = TypeRows(self.ticket.feedback_type)
        return super().get_context_data(
            ticket=self.ticket,
            feedback_type=self.ticket.feedback_type,
            macros=[(macro, describe_macro(macro, known)) for macro in self.macros],
            **context,
        )


class RunPage(Page):
    """What a run did to its ticket, and why."""

    template_name = "automation/run.html"

    @cached_property
    def run(self) -> Execution:
        runs = runs_shown(self.caller).select_related(
            "macro__feedback_type__project",
            "listener__feedback_type__project",
            "ticket__feedback_type__project",
            "delivery",
            "undoes",
            "after",
            "bulk__macro",
            "trigger__feedback_type__project",
            *VERSIONS,
        )
        deferred = runs.defer("delivery__body", "delivery__headers")
        return get_object_or_404(deferred, public_id=self.kwargs["public_id"])

    def get_title(self) -> str:
        return str(self.run)

    @property
    def may_undo(self) -> bool:
        did = self.run.status == DeliveryStatus.DONE and self.run.reason == Reason.APPLIED
        return did and may_change(self.run.ticket, self.caller)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        project = self.run.ticket.project
        undos = self.run.undone_by.filter(reason=Reason.APPLIED)
        return super().get_context_data(
            run=self.run,
            project=project,
            feedback_type=self.run.ticket.feedback_type,
            manages=may(self.caller, Right.MANAGE, project),
            may_undo=self.may_undo,
            outgoing=sent_by_runs().filter(execution=self.run)[:MOST_SENT],
            undos=[undo for undo in undos if stands(undo)],
            led_to=self.run.led_to.order_by("pk")[:MOST_LED_TO],
            ran=what_ran([self.run])[self.run.pk],
            **context,
        )


class UndoRunPage(RunPage):
    """Shows first what would become of each part."""

    title = "Undo"
    template_name = "automation/undo_run.html"

    def get_title(self) -> str:
        return f"Undo {self.run}"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self._only_if_possible()
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        self._only_if_possible()
        done = undo(self.run, self.caller, even=request.POST.getlist("even"))
        tell = messages.success if done.reason == Reason.APPLIED else messages.warning
        tell(request, done.sentence)
        return redirect("run", done.public_id)

    def _only_if_possible(self) -> None:
        if not self.may_undo:
            raise PermissionDenied("There is nothing here that you may take back.")

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        parts = undoing(self.run, self.caller)
        possible = any(part.state != State.CANNOT for part in parts)
        return super().get_context_data(parts=parts, possible=possible, **context)
