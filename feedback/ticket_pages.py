from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.generic import FormView

from access.rules import may_change, may_make, seen
from feedback.data_cards import cards
from feedback.forms import CommentForm, LinkForm, SubmitForm, TicketForm
from feedback.models import Comment, PersonNote, Ticket, TicketLink
from feedback.numbers import row_id
from feedback.pages import ProjectPage, TypePage
from feedback.people import points_of
from feedback.services import add_comment, change_ticket, link_ticket, submit_ticket, unlink_ticket
from feedback.timeline import timeline
from feedback.values import Shown, shown_values

NOTES_SHOWN = 3


class SubmitTicketPage(TypePage, FormView):
    template_name = "feedback/submit_ticket.html"
    form_class = SubmitForm

    def get_title(self) -> str:
        return f"Submit to {self.feedback_type}"

    @property
    def closed(self) -> bool:
        return self.project.archived or self.feedback_type.archived

    def get_form_kwargs(self) -> dict[str, Any]:
        own = {"insider": self.insider, "feedback_type": self.feedback_type}
        return super().get_form_kwargs() | own

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.closed or not self.contributes:
            raise PermissionDenied
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: SubmitForm) -> HttpResponse:
        submitter = self.person
        try:
            ticket = submit_ticket(self.feedback_type, submitter=submitter, **form.given())
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self.form_invalid(form)
        messages.success(self.request, f"Thank you: your ticket is {ticket}.")
        return redirect(ticket)


class TicketPage(ProjectPage):
    """A ticket and its story; each form of the page sends its own ``action``."""

    template_name = "feedback/ticket.html"
    ACTIONS = ("comment", "edit", "link", "unlink")

    def get_title(self) -> str:
        return f"{self.ticket.ref} {self.ticket.summary}"

    @cached_property
    def ticket(self) -> Ticket:
        own = Ticket.objects.in_project(self.project).with_ref(self.kwargs["ref"])
        related = ("feedback_type__project", "status__workflow", "team", "submitter")
        shown = own & seen(Ticket, self.caller)
        return get_object_or_404(shown.select_related(*related))

    @cached_property
    def editable(self) -> bool:
        return may_change(self.ticket, self.caller)

    @cached_property
    def may_comment(self) -> bool:
        return may_make(Comment, self.caller, self.project)

    @cached_property
    def links_it(self) -> bool:
        """May say which outside items stand for the ticket."""
        return may_make(TicketLink, self.caller, self.project)

    @property
    def actor(self) -> str:
        return self.person.get_username()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.POST.get("action", "")
        if name not in self.ACTIONS:
            raise Http404
        return getattr(self, name)()

    def comment(self) -> HttpResponse:
        self._only(self.may_comment)
        form = CommentForm(self.request.POST, insider=self.insider)
        if not form.is_valid():
            return self._again(comment_form=form)
        author = self.person
        add_comment(self.ticket, actor=self.actor, author=author, **form.cleaned_data)
        return self._done("Your comment is added.")

    @transaction.atomic
    def edit(self) -> HttpResponse:
        """Under a lock, so that nothing changes between the form's check and the change."""
        self._only(self.editable)
        own = Ticket.objects.select_for_update(of=("self",)).get(pk=self.ticket.pk)
        form = TicketForm(self.request.POST, instance=own)
        if not form.is_valid():
            return self._again(edit_form=form)
        changed = change_ticket(self.ticket, actor=self.actor, **form.changes())
        return self._done("The ticket is changed." if changed else "Nothing was different.")

    def link(self) -> HttpResponse:
        self._only(self.links_it)
        form = LinkForm(self.request.POST, instance=TicketLink(ticket=self.ticket))
        if form.is_valid():
            try:
                link = link_ticket(self.ticket, actor=self.actor, **form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                return self._done(f"{link} now stands for this ticket.")
        return self._again(link_form=form)

    def unlink(self) -> HttpResponse:
        self._only(self.links_it)
        link = get_object_or_404(self.ticket.links, pk=row_id(self.request.POST.get("link", "")))
        unlink_ticket(link, actor=self.actor)
        return self._done("The link is removed.")

    def details(self) -> list[Shown]:
        fields = self.ticket.feedback_type.fields
        return shown_values(fields, self.ticket.values, insider=self.insider)

    def _only(self, allowed: bool) -> None:
        if not allowed:
            raise PermissionDenied

    def _done(self, sentence: str) -> HttpResponse:
        messages.success(self.request, sentence)
        return redirect(self.ticket)

    def _again(self, **forms: BaseForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(**forms))

    def about_submitter(self) -> dict[str, Any]:
        person = self.ticket.submitter
        about = seen(PersonNote, self.caller).filter(project=self.project, person=person)
        notes = about.select_related("ticket__feedback_type__project").order_by("-pk")
        return {"points": points_of(self.project, person), "notes": notes[:NOTES_SHOWN]}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        everything = "all" in self.request.GET
        entries, more = timeline(
            self.ticket, self.caller, insider=self.insider, everything=everything
        )
        forms: dict[str, Any] = {}
        if self.may_comment:
            forms["comment_form"] = CommentForm(insider=self.insider)
        if self.editable and "edit" in self.request.GET:
            forms["edit_form"] = TicketForm(instance=Ticket.objects.get(pk=self.ticket.pk))
        if self.links_it and "link" in self.request.GET:
            forms["link_form"] = LinkForm()
        return super().get_context_data(
            **{
                **(self.about_submitter() if self.insider else {}),
                "ticket": self.ticket,
                "feedback_type": self.ticket.feedback_type,
                "details": self.details(),
                "entries": entries,
                "more": more,
                "data": cards(self.ticket, self.caller) if self.insider else [],
                **forms,
                **context,
            }
        )
