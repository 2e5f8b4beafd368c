"""One row for each REST call: what was asked, by whom, and how it was answered."""

from __future__ import annotations

from dataclasses import dataclass
from http.client import responses
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property

from apikeys.authentication import scopes_for
from apikeys.models import APICall, APIKey
from automation.calls import key_evidence
from automation.reasons import EXPLANATIONS, Reason, fill_in
from automation.slices import slice_of
from feedback.numbers import row_id
from feedback.pages import CommunityPage

ANSWERED, TURNED_DOWN, REFUSED, TROUBLE = "Answered", "Turned down", "Key refused", "Trouble here"
OUTCOMES = {
    "answered": (ANSWERED, Q(status_code__lt=400)),
    "turned_down": (f"{TURNED_DOWN} (4xx)", Q(status_code__range=(400, 499))),
    "refused": (REFUSED, ~Q(reason="")),
    "trouble": (f"{TROUBLE} (5xx)", Q(status_code__gte=500)),
}
BY_CLASS = {4: ("skipped", TURNED_DOWN), 5: ("failed", TROUBLE)}  # as badge and in words


class CallFilter(forms.Form):
    outcome = forms.ChoiceField(
        required=False,
        choices=[("", "Any outcome"), *((name, label) for name, (label, _) in OUTCOMES.items())],
    )
    path = forms.CharField(label="Part of the path", required=False, max_length=500)

    def narrow(self, calls: QuerySet[APICall]) -> QuerySet[APICall]:
        """What cannot be understood is left out: the list then shows too much, and says so."""
        if not self.is_valid():
            return calls
        if outcome := self.cleaned_data["outcome"]:
            calls = calls.filter(OUTCOMES[outcome][1])
        if path := self.cleaned_data["path"].strip():
            calls = calls.filter(path__icontains=path)
        return calls


@dataclass(frozen=True)
class Told:
    """What people are told of a call."""

    call: APICall
    status: str
    outcome: str
    sentence: str
    next_step: str = ""


def told(call: APICall) -> Told:
    if not call.reason:
        status, outcome = BY_CLASS.get(call.status_code // 100, ("done", ANSWERED))
        return Told(call, status, outcome, responses.get(call.status_code, ""))
    explanation = EXPLANATIONS[Reason(call.reason)]
    sentence = fill_in(explanation.sentence, _evidence(call))
    return Told(call, "refused", REFUSED, " ".join(sentence.split()), explanation.next_step)


def _evidence(call: APICall) -> dict[str, Any]:
    if call.api_key is None:
        return {}
    scopes = " or ".join(f"“{scope}”" for scope in scopes_for(call.method))
    why = f"{call.method} takes the scope {scopes}, which it lacked"
    return key_evidence(call.api_key, call.address, why)


class CallsPage(CommunityPage):
    template_name = "automation/calls.html"

    def calls(self) -> QuerySet[APICall]:
        raise NotImplementedError

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        form = CallFilter(self.request.GET)
        log = slice_of(
            form.narrow(self.calls().select_related("api_key")),
            row_id(self.request.GET.get("newer", "")),
            row_id(self.request.GET.get("older", "")),
        )
        filtered = form.is_valid() and any(form.cleaned_data.values())
        rows = [told(call) for call in log.rows]
        return super().get_context_data(
            form=form, log=log, rows=rows, filtered=filtered, tab="calls", **context
        )


class KeyCallsPage(CallsPage):
    @cached_property
    def api_key(self) -> APIKey:
        return get_object_or_404(APIKey, pk=self.kwargs["pk"])

    @property
    def reads(self) -> bool:
        return bool({*self.api_key.scopes} & {*scopes_for("GET")})

    def get_title(self) -> str:
        return f"Log of {self.api_key}"

    def calls(self) -> QuerySet[APICall]:
        return APICall.objects.filter(api_key=self.api_key)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(api_key=self.api_key, **context)


class RefusedCallsPage(CallsPage):
    title = "Requests without a known key"

    def calls(self) -> QuerySet[APICall]:
        return APICall.objects.filter(api_key=None)
