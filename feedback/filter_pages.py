"""Saved filters: keep what the ticket list shows, look at it, change it, take it away."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.generic import FormView

from feedback.errors import BrokenFilter
from feedback.filter_groups import any_of, as_query, narrow
from feedback.filter_versions import keep_filter
from feedback.filter_words import describe
from feedback.forms import NamedForm, SaveFilterForm
from feedback.models import SavedFilter, Ticket
from feedback.numbers import row_id
from feedback.pages import ManagedTypePage
from feedback.protection import users_of, why_kept
from feedback.saved_filters import save_filter
from feedback.sentences import sentences_of
from feedback.ticket_list import params_of
from feedback.versions import delete_row

PER_PAGE = 25


class SavedFiltersPage(ManagedTypePage):
    title = "Saved filters"
    template_name = "feedback/filters.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        filters = self.feedback_type.saved_filters.order_by("archived", "name")
        page = Paginator(filters, PER_PAGE).get_page(self.request.GET.get("page"))
        rows = list(zip(page, sentences_of(list(page), self.project), strict=True))
        return super().get_context_data(page_obj=page, rows=rows, **context)


class SaveFilterPage(ManagedTypePage, FormView):
    """*Save as filter*: the group in the address becomes part of a saved filter."""

    title = "Save as filter"
    template_name = "feedback/save_filter.html"
    form_class = SaveFilterForm

    @property
    def group(self) -> dict[str, list[str]]:
        return params_of(self.request.GET)

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"feedback_type": self.feedback_type}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "saving" in request.GET:
            return self._replace_group(request.GET)
        return super().post(request, *args, **kwargs)

    @transaction.atomic
    def _replace_group(self, query: Any) -> HttpResponse:
        """A group that was edited on the ticket list goes back to where it came from."""
        saved = _locked(self, row_id(query["saving"]))
        index = row_id(query.get("group", ""))
        try:
            saved.groups = _with_group(saved.groups, index, self.group)
            save_filter(saved, actor=self.caller.name)
        except ValidationError as error:
            messages.error(self.request, " ".join(error.messages))
            return redirect(f"{self.feedback_type.get_absolute_url()}?{query.urlencode()}")
        messages.success(self.request, f"Filter “{saved}” is saved.")
        return redirect(saved)

    @transaction.atomic
    def form_valid(self, form: SaveFilterForm) -> HttpResponse:
        try:
            saved = save_filter(form.saved(self.group), actor=self.caller.name)
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self.form_invalid(form)
        messages.success(self.request, f"Filter “{saved}” is saved.")
        return redirect(saved)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        try:
            sentence = describe([self.group], self.feedback_type)
            count = any_of(_tickets(self), [self.group], self.feedback_type).count()
        except ValidationError as error:
            return super().get_context_data(problems=error.messages, **context)
        query = as_query(self.group).urlencode()
        return super().get_context_data(sentence=sentence, count=count, query=query, **context)


def _tickets(page: ManagedTypePage) -> Any:
    return Ticket.objects.filter(feedback_type=page.feedback_type)


def _locked(page: ManagedTypePage, pk: int | None) -> SavedFilter:
    """The saved filter, which nobody else changes until the transaction ends."""
    return get_object_or_404(page.feedback_type.saved_filters.select_for_update(), pk=pk)


def _with_group(groups: list[Any], index: int | None, group: dict[str, Any]) -> list[Any]:
    """``groups`` with the one at ``index`` replaced, or one more where nothing is there."""
    at = len(groups) if index is None else index
    return [*groups[:at], group, *groups[at + 1 :]]


class SavedFilterPage(ManagedTypePage):
    template_name = "feedback/saved_filter.html"

    @cached_property
    def saved(self) -> SavedFilter:
        own = self.feedback_type.saved_filters.select_related("feedback_type__project")
        return get_object_or_404(own, pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return self.saved.name

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        actions: dict[str, Callable[[], HttpResponse]] = {
            "rename": self.rename,
            "archive": self.archive,
            "remove_group": self.remove_group,
            "delete": self.delete,
        }
        action = actions.get(request.POST.get("action", ""))
        if action is None:
            raise Http404
        return action()

    @transaction.atomic
    def rename(self) -> HttpResponse:
        form = NamedForm(self.request.POST, instance=_locked(self, self.saved.pk))
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(name_form=form))
        keep_filter(form.save(), actor=self.caller.name)
        messages.success(self.request, "The filter has its new name.")
        return redirect(self.saved)

    @transaction.atomic
    def archive(self) -> HttpResponse:
        saved = _locked(self, self.saved.pk)
        saved.archived = not saved.archived
        saved.save(update_fields=["archived"])
        keep_filter(saved, actor=self.caller.name)
        what = "no longer offered" if saved.archived else "offered again"
        messages.success(self.request, f"The filter is {what}.")
        return redirect(saved)

    @transaction.atomic
    def remove_group(self) -> HttpResponse:
        saved = _locked(self, self.saved.pk)
        at = self.request.POST.get("group", "")
        saved.groups = [group for index, group in enumerate(saved.groups) if str(index) != at]
        try:
            save_filter(saved, actor=self.caller.name)
        except ValidationError as error:
            messages.error(self.request, " ".join(error.messages))
        else:
            messages.success(self.request, "The group is removed.")
        return redirect(self.saved)

    def delete(self) -> HttpResponse:
        refusal = why_kept(self.saved)
        if refusal:
            hint = "Choose another filter there first, or archive this one."
            messages.error(self.request, f"{refusal} {hint}")
            return redirect(self.saved)
        delete_row(self.saved, actor=self.caller.name)
        messages.success(self.request, f"Filter “{self.saved}” is deleted.")
        return redirect("filters", self.project.key, self.feedback_type.prefix)

    def count(self) -> int | None:
        try:
            return narrow(_tickets(self), self.saved).count()
        except BrokenFilter:
            return None

    def groups(self) -> list[dict[str, Any]]:
        """Each group as a sentence, or what is wrong with it, and where to edit it."""
        return [self._group(index, group) for index, group in enumerate(self.saved.groups)]

    def _group(self, index: int, group: Any) -> dict[str, Any]:
        sentence, problems = "", []
        try:
            sentence = describe([group], self.feedback_type)
        except ValidationError as error:
            problems = error.messages
        tickets = reverse("tickets", args=[self.project.key, self.feedback_type.prefix])
        place = f"saving={self.saved.pk}&group={index}"
        query = as_query(group).urlencode() if isinstance(group, dict) else ""
        return {"sentence": sentence, "problems": problems, "edit": f"{tickets}?{query}&{place}"}

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(
            **{
                "saved": self.saved,
                "count": self.count(),
                "groups": self.groups(),
                "users": users_of(self.saved),
                "name_form": NamedForm(instance=self.saved),
                **context,
            }
        )
