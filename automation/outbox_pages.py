"""*Outbox*: what macros of a project sent, or are about to, and what became of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.functional import cached_property

from access.rules import seen
from automation import outbox
from automation.models import Outgoing
from automation.outbox.secrets import shown_content
from automation.slices import slice_of
from feedback.models import Ticket
from feedback.numbers import row_id
from feedback.pages import ManagedPage

MOST_SHOWN = 64 * 1024  # characters of a text
MOST_MERGED = 50


class OutboxFilter(forms.Form):
    status = forms.ChoiceField(
        label="Outcome", required=False, choices=[("", "Any outcome"), *Outgoing.Status.choices]
    )
    kind = forms.ChoiceField(
        required=False, choices=[("", "Mail and calls"), *Outgoing.Kind.choices]
    )
    find = forms.CharField(label="Ticket, address or host", required=False, max_length=320)

    def narrow(self, rows: QuerySet[Outgoing]) -> QuerySet[Outgoing]:
        """What cannot be understood matches nothing, and the list says so."""
        if not self.is_valid():
            return rows.none()
        given = {name: value.strip() for name, value in self.cleaned_data.items()}
        for name in ("status", "kind"):
            if given[name]:
                rows = rows.filter(**{name: given[name]})
        if given["find"]:
            tickets = Ticket.objects.with_ref(given["find"])
            rows = rows.filter(Q(destination__icontains=given["find"]) | Q(ticket__in=tickets))
        return rows


class OutboxPage(ManagedPage):
    title = "Outbox"
    template_name = "automation/outbox.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        form = OutboxFilter(self.request.GET)
        rows = seen(Outgoing, self.caller).filter(project=self.project)
        log = slice_of(
            form.narrow(
                rows.defer("content", "answer").select_related(
                    "project", "execution", "ticket__feedback_type__project"
                )
            ),
            row_id(self.request.GET.get("newer", "")),
            row_id(self.request.GET.get("older", "")),
        )
        filtered = form.is_valid() and any(form.cleaned_data.values())
        return super().get_context_data(form=form, log=log, filtered=filtered, **context)


class OutgoingPage(ManagedPage):
    """One mail or call; by POST it is sent at once, or cancelled."""

    template_name = "automation/outgoing.html"

    @cached_property
    def row(self) -> Outgoing:
        rows = seen(Outgoing, self.caller).select_related(
            "project", "execution", "ticket__feedback_type__project", "merged_into__project"
        )
        return get_object_or_404(rows, project=self.project, public_id=self.kwargs["public_id"])

    def get_title(self) -> str:
        return self.row.title

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        merged = self.row.merged.defer("content", "answer").select_related(
            "project", "ticket__feedback_type__project"
        )
        return super().get_context_data(
            row=self.row,
            parts=parts_of(self.row),
            texts=[(name, text[:MOST_SHOWN]) for name, text in texts_of(self.row) if text],
            merged=merged.order_by("pk")[:MOST_MERGED],
            more_merged=max(0, merged.count() - MOST_MERGED),
            **context,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        if request.POST.get("action") == "cancel":
            done = outbox.cancel(self.row, actor=self.person.get_username())
            told = f"“{self.row.title}” is cancelled: it will not be sent."
        else:
            done = outbox.send_again(self.row)
            told = f"“{self.row.title}” goes now: look at its outcome in a moment."
        if done:
            messages.success(request, told)
        else:
            messages.warning(request, f"“{self.row.title}” was left alone: it went, or goes now.")
        if "list" in request.GET:
            return redirect(reverse("outbox", args=[self.project.key]) + f"?{request.GET['list']}")
        return redirect(self.row)


def parts_of(row: Outgoing) -> list[tuple[str, str]]:
    """What it says about itself in one line each."""
    content = shown_content(row.content)
    if row.kind == Outgoing.Kind.MAIL:
        return [("To", content["to"]), ("Subject", content["subject"])]
    headers = [(f"{name}:", value) for name, value in content["headers"].items()]
    return [("Address", f"{content['method']} {content['url']}"), *headers]


def texts_of(row: Outgoing) -> list[tuple[str, str]]:
    """What is long: it is shown as it is, HTML as its source."""
    content, answer = shown_content(row.content), row.answer
    if row.kind == Outgoing.Kind.MAIL:
        return [("Text", content["text"]), ("HTML", content["html"])]
    headers = "".join(f"{name}: {value}\n" for name, value in answer.get("headers", {}).items())
    cut = "\n… and more, which is not kept." if answer.get("cut") else ""
    told = f"{answer['status']}\n{headers}\n{answer['body']}{cut}" if answer else ""
    return [("Body", content["body"]), ("Answer", told)]
