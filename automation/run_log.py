"""Every run on the tickets of a feedback type: to read, to search, to take along."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from automation.models import Execution
from automation.reasons import EXPLANATIONS, DeliveryStatus, Reason
from automation.shown_runs import changes_of
from automation.slices import slice_of
from feedback.imports.cells import guard
from feedback.imports.export import as_csv
from feedback.models import FeedbackType, Ticket
from feedback.numbers import row_id
from feedback.pages import ManagedTypePage

MOST_EXPORTED = 50_000
AT_ONCE = 500
COLUMNS = ("time", "start", "who", "macro", "ticket", "status", "reason", "sentence", "changes")


class RunFilter(forms.Form):
    status = forms.ChoiceField(
        label="Outcome", required=False, choices=[("", "Any outcome"), *DeliveryStatus.choices]
    )
    reason = forms.ChoiceField(
        label="Reason",
        required=False,
        choices=[
            ("", "Any reason"),
            *((each, each.label.capitalize()) for each in Reason if EXPLANATIONS[each].code == 200),
        ],
    )
    start = forms.ChoiceField(
        label="Started", required=False, choices=[("", "In any way"), *Execution.Start.choices]
    )
    macro: Any = forms.ModelChoiceField(
        None, label="Macro", required=False, empty_label="Any macro"
    )
    ticket = forms.CharField(label="Ticket", required=False, max_length=50)

    def __init__(self, *args: Any, feedback_type: FeedbackType, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kind = feedback_type
        macro: Any = self.fields["macro"]
        macro.queryset = feedback_type.macros.all()

    def narrow(self, runs: QuerySet[Execution]) -> QuerySet[Execution]:
        """What cannot be understood matches nothing."""
        if not self.is_valid():
            return runs.none()
        for name in ("status", "reason", "start", "macro"):
            if self.cleaned_data[name]:
                runs = runs.filter(**{name: self.cleaned_data[name]})
        if ref := self.cleaned_data["ticket"].strip():
            tickets = Ticket.objects.in_project(self.kind.project).with_ref(ref)
            runs = runs.filter(ticket__in=tickets)
        return runs


class RunLogPage(ManagedTypePage):
    title = "Runs"
    template_name = "automation/run_log.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        take = TAKEN_ALONG.get(request.GET.get("format", ""))
        if take is None:
            return super().get(request, *args, **kwargs)
        assert self.feedback_type  # or 404, before anything is sent
        return take(self)

    def runs(self, form: RunFilter) -> QuerySet[Execution]:
        own = Execution.objects.filter(ticket__feedback_type=self.feedback_type)
        related = ("macro", "ticket__feedback_type__project", "delivery", "bulk", "trigger")
        deferred = own.select_related(*related).defer("delivery__body", "delivery__headers")
        return form.narrow(deferred).prefetch_related("steps")

    def form(self) -> RunFilter:
        return RunFilter(self.request.GET, feedback_type=self.feedback_type)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        form = self.form()
        newer, older = (row_id(self.request.GET.get(name, "")) for name in ("newer", "older"))
        log = slice_of(self.runs(form), newer, older)
        return super().get_context_data(
            form=form,
            log=log,
            filtered=any(form.data.get(name) for name in form.fields),
            query=self.request.GET.urlencode(),
            **context,
        )

    def rows(self) -> Iterator[dict[str, Any]]:
        """Newest first, each with what it changed."""
        runs = self.runs(self.form()).order_by("-pk")[:MOST_EXPORTED].iterator(AT_ONCE)
        while some := list(islice(runs, AT_ONCE)):
            changes = changes_of(some, self.caller)
            for run in some:
                yield {
                    "time": run.created_at.isoformat(),
                    "start": run.start,
                    "who": run.actor,
                    "macro": str(run.macro or ""),
                    "ticket": run.ticket.ref,
                    "status": run.status,
                    "reason": run.reason,
                    "sentence": run.sentence,
                    "changes": [
                        {"field": each.field, "before": each.before_text, "after": each.after_text}
                        for each in changes[run.public_id]
                    ],
                }


def csv_of(page: RunLogPage) -> Any:
    def lines() -> Iterator[list[str]]:
        yield list(COLUMNS)
        for row in page.rows():
            changes = (
                f"{each['field']}: {each['before']} → {each['after']}" for each in row["changes"]
            )
            yield [guard(str(value)) for value in {**row, "changes": "; ".join(changes)}.values()]

    return as_csv("runs.csv", lines())


def json_of(page: RunLogPage) -> Any:
    def parts() -> Iterator[str]:
        yield "["
        for place, row in enumerate(page.rows()):
            yield (",\n" if place else "\n") + json.dumps(row, ensure_ascii=False)
        yield "\n]\n"

    answer = StreamingHttpResponse(parts(), content_type="application/json")
    answer["Content-Disposition"] = 'attachment; filename="runs.json"'
    return answer


TAKEN_ALONG = {"csv": csv_of, "json": json_of}
