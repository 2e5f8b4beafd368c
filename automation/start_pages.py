"""Triggers and schedules: what they are, and when they start what."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, ClassVar

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property

from automation.models import BulkRun, Execution, Rule, Schedule, Trigger
from automation.pages import DeletePage, address_of, page_of
from automation.schedules import save_schedule
from automation.start_forms import ScheduleForm, StartForm, TriggerForm, field_choices
from automation.triggers import save_trigger, watch
from feedback.pages import ManagedTypePage
from feedback.protection import Use

LAST = 10
RELATED = ("feedback_type__project", "macro__feedback_type__project", "filter")


class StartsPage(ManagedTypePage):
    """Both lists, since both answer “what runs here by itself?”"""

    title = "Triggers and Schedules"
    template_name = "automation/starts.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        triggers = Trigger.objects.filter(feedback_type=self.feedback_type)
        schedules = Schedule.objects.filter(feedback_type=self.feedback_type)
        labels = dict(field_choices(self.feedback_type))
        return super().get_context_data(
            triggers=[
                (trigger, labels.get(trigger.field, trigger.field))
                for trigger in triggers.select_related(*RELATED)[:200]
            ],
            page_obj=page_of(schedules.select_related(*RELATED), self.request),
            has_macros=self.feedback_type.macros.exists(),
            **context,
        )


class StartPage(ManagedTypePage):
    """One of them, to make or to change."""

    template_name = "automation/start.html"
    model: ClassVar[type[Rule]]
    form_class: ClassVar[type[StartForm]]

    @cached_property
    def row(self) -> Rule:
        if "pk" not in self.kwargs:
            return self.model(feedback_type=self.feedback_type)
        rows = self.model._default_manager.filter(feedback_type=self.feedback_type)
        return get_object_or_404(rows.select_related(*RELATED), pk=self.kwargs["pk"])

    @property
    def noun(self) -> str:
        return str(self.model._meta.verbose_name)

    def get_title(self) -> str:
        return str(self.row) if self.row.pk else f"Create a {self.noun.capitalize()}"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context.setdefault("form", self.form_class(instance=self.row))
        return super().get_context_data(
            row=self.row,
            delete=f"{self.noun}_delete",
            **(self.last_runs() if self.row.pk else {}),
            **context,
        )

    def last_runs(self) -> dict[str, Any]:
        raise NotImplementedError

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = self.form_class(request.POST, instance=copy(self.row))
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        messages.success(request, f"{self.noun.capitalize()} “{form.save()}” was saved.")
        return redirect(address_of("starts", self.feedback_type))


class TriggerPage(StartPage):
    model, form_class = Trigger, TriggerForm

    def last_runs(self) -> dict[str, Any]:
        runs = Execution.objects.filter(trigger=self.row.pk).order_by("-pk")
        return {"runs": runs.select_related("macro", "ticket__feedback_type__project")[:LAST]}


class SchedulePage(StartPage):
    model, form_class = Schedule, ScheduleForm

    def last_runs(self) -> dict[str, Any]:
        runs = BulkRun.objects.filter(schedule=self.row.pk)
        return {"bulk_runs": runs.select_related("macro__feedback_type__project")[:LAST]}


class StartSwitchPage(ManagedTypePage):
    """Switches one of them on or off, by POST alone."""

    http_method_names = ["post"]
    model: ClassVar[type[Rule]]
    save: ClassVar[Callable[[Any], Rule]]

    @transaction.atomic
    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        own = self.model._default_manager.filter(feedback_type=self.feedback_type)
        row = get_object_or_404(own.select_for_update(of=("self",)), pk=kwargs["pk"])
        row.enabled = request.POST.get("enabled") == "on"
        type(self).save(row)
        noun = str(self.model._meta.verbose_name).capitalize()
        messages.success(
            request,
            f"{noun} “{row}” is switched {'on' if row.enabled else 'off: it starts nothing'}.",
        )
        return redirect(address_of("starts", self.feedback_type))


class TriggerSwitchPage(StartSwitchPage):
    model, save = Trigger, save_trigger


class ScheduleSwitchPage(StartSwitchPage):
    model, save = Schedule, save_schedule


class StartDeletePage(DeletePage):
    home = "starts"
    model: ClassVar[type[Rule]]

    @cached_property
    def row(self) -> Rule:
        rows = self.model._default_manager.filter(feedback_type=self.feedback_type)
        return get_object_or_404(
            rows.select_related("feedback_type__project"), pk=self.kwargs["pk"]
        )

    def users(self) -> list[Use]:
        return []  # its runs stay, and remember its name

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        answer = super().post(request, **kwargs)
        watch(self.feedback_type)
        return answer


class TriggerDeletePage(StartDeletePage):
    model, noun = Trigger, "trigger"


class ScheduleDeletePage(StartDeletePage):
    model, noun = Schedule, "schedule"
