"""A listener's last requests, rehearsed as if they came now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property

from automation.listener_pages import listeners_of
from automation.models import ExternalListener
from automation.rehearsals import MOST_DAYS, MOST_REQUESTS, rehearse_days
from feedback.pages import ManagedTypePage

DEFAULT_DAYS = 7


class DaysForm(forms.Form):
    days = forms.IntegerField(
        label="Days",
        min_value=1,
        max_value=MOST_DAYS,
        initial=DEFAULT_DAYS,
        help_text=f"1 to {MOST_DAYS}, until now.",
    )


class RehearseDaysPage(ManagedTypePage):
    """By POST they are rehearsed; nothing is kept."""

    template_name = "automation/rehearse_days.html"

    @cached_property
    def listener(self) -> ExternalListener:
        return get_object_or_404(listeners_of(self.feedback_type), pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return f"Rehearse {self.listener}"

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = DaysForm(request.POST)
        rehearsed = None
        if form.is_valid():
            rehearsed = rehearse_days(self.listener, form.cleaned_data["days"], self.caller)
        return self.render_to_response(self.get_context_data(form=form, rehearsed=rehearsed))

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context.setdefault("form", DaysForm())
        return super().get_context_data(listener=self.listener, most=MOST_REQUESTS, **context)
