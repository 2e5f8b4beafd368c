"""Every run on the tickets of a feedback type: to read, to search, to take along."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.shortcuts import redirect

from automation.models import BulkRun, Execution
from automation.reasons import EXPLANATIONS, DeliveryStatus, Reason
from automation.rest_filters import LONGEST_TEXT, MOST_SEARCHED, ExecutionFilterSet
from automation.shown_runs import changes_of
from automation.slices import slice_of
from feedback.imports.cells import guard
from feedback.imports.export import as_csv
from feedback.models import FeedbackType, TicketChange
from feedback.numbers import row_id
from feedback.pages import ManagedTypePage
from rest.filters import TimeField

MOST_EXPORTED = 50_000
AT_ONCE = 500
MOST_NOT_BEGUN, MOST_BULK_RUNS = 5, 10  # that are shown
COLUMNS = (
    *("time", "start", "who", "macro", "ticket", "status", "reason", "sentence"),
    *("changes", "steps", "id"),
)
ASKED_FIRST = ("search", "ref", "status", "start")  # the others are folded
OWN_ROWS = {
    "macro": "Any macro",
    "listener": "Any listener",
    "trigger": "Any trigger",
    "schedule": "Any schedule",
}


class RunFilter(forms.Form):
    """Its fields are parameters of ``ExecutionFilterSet``."""

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
    created_after = TimeField(label="From", required=False)
    created_before = TimeField(label="Before", required=False)
    ref = forms.CharField(label="Ticket", required=False, max_length=50)
    actor = forms.CharField(label="Who or what", required=False, max_length=LONGEST_TEXT)
    search = forms.CharField(label="Text", required=False, max_length=LONGEST_TEXT)

    def __init__(self, *args: Any, feedback_type: FeedbackType, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, any_of_them in OWN_ROWS.items():
            rows = getattr(feedback_type, f"{name}s").all()
            own: Any = forms.ModelChoiceField(rows, required=False, empty_label=any_of_them)
            self.fields[name] = own
        for name in ("created_after", "created_before"):
            self.fields[name].widget = forms.DateTimeInput({"type": "datetime-local"})
        self.order_fields(["reason", *OWN_ROWS])

    @property
    def first(self) -> list[forms.BoundField]:
        return [self[name] for name in ASKED_FIRST]

    @property
    def others(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in ASKED_FIRST]

    @property
    def asks_others(self) -> bool:
        return any(self.data.get(each.name) or each.errors for each in self.others)

    def narrow(self, runs: QuerySet[Execution]) -> QuerySet[Execution]:
        """What cannot be understood matches nothing."""
        given = {name: self.data.get(name, "") for name in self.fields}
        found = ExecutionFilterSet(given, queryset=runs)
        return found.qs if self.is_valid() and found.is_valid() else runs.none()


class RunLogPage(ManagedTypePage):
    title = "Runs"
    template_name = "automation/run_log.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        take = TAKEN_ALONG.get(request.GET.get("format", ""))
        if take is None:
            return super().get(request, *args, **kwargs)
        if not self.form().is_valid():  # the page says what is wrong
            query = request.GET.copy()
            query.pop("format")
            return redirect(f"{request.path}?{query.urlencode()}")
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
            most=f"{MOST_EXPORTED:,}",
            searched=f"{MOST_SEARCHED:,}",
            not_begun=self.bulk_runs().exclude(problem="")[:MOST_NOT_BEGUN],
            bulk_runs=self.bulk_runs()[:MOST_BULK_RUNS],
            **context,
        )

    def bulk_runs(self) -> QuerySet[BulkRun]:
        own = BulkRun.objects.filter(macro__feedback_type=self.feedback_type)
        return own.select_related("macro").order_by("-pk")

    def rows(self) -> Iterator[dict[str, Any]]:
        """Newest first. Where more fit, the last row says so; it has the shape of all others."""
        runs = self.runs(self.form()).order_by("-pk")[: MOST_EXPORTED + 1].iterator(AT_ONCE)
        taken = 0
        while some := list(islice(runs, AT_ONCE)):
            changes = changes_of(some, self.caller)
            for run in some:
                taken += 1
                yield _end() if taken > MOST_EXPORTED else _row(run, changes[run.public_id])


def _row(run: Execution, changes: list[TicketChange]) -> dict[str, Any]:
    return {
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
            for each in changes
        ],
        "steps": [
            {"kind": step.kind, "sentence": step.sentence, "changes": step.told_changes}
            for step in run.steps.all()
        ],
        "id": run.public_id,
    }


def _end() -> dict[str, Any]:
    told = (
        f"More runs fit: these are the newest {MOST_EXPORTED:,}. For the older ones narrow the "
        "runs by “Before”, with the time of the last one here."
    )
    return {**dict.fromkeys(COLUMNS, ""), "sentence": told, "changes": [], "steps": []}


def _in_words(changes: list[dict[str, str]]) -> str:
    return "; ".join(f"{each['field']}: {each['before']} → {each['after']}" for each in changes)


def _told(step: dict[str, Any]) -> str:
    changes = _in_words(step["changes"])
    return f"{step['sentence']} ({changes})" if changes else step["sentence"]


def csv_of(page: RunLogPage) -> Any:
    def lines() -> Iterator[list[str]]:
        yield list(COLUMNS)
        for row in page.rows():
            cells = {
                **row,
                "changes": _in_words(row["changes"]),
                "steps": "; ".join(_told(step) for step in row["steps"]),
            }
            yield [guard(str(cells[name])) for name in COLUMNS]

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
