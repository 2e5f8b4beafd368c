"""The tickets of a feedback type, and what narrows them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.paginator import Page as PageOfRows
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect

from access.rules import changeable, seen
from feedback.errors import BrokenFilter
from feedback.filter_groups import any_of, as_query, narrow
from feedback.filter_words import describe, verbs_of
from feedback.filters import (
    CHOICES_IN_PROJECT,
    NOT,
    Known,
    filters_of,
    form_field_of,
    is_for_everyone,
    of_type,
)
from feedback.models import FeedbackType, SavedFilter, Ticket
from feedback.numbers import row_id
from feedback.pages import TypePage

PER_PAGE = 25
PEOPLE_LISTED = 200
ORDERS = {
    "newest": ("Newest first", ["-pk"]),
    "updated": ("Last changed first", ["-updated_at", "-pk"]),
    "ref": ("By id", ["number"]),
}
# Parameters of the page itself, beside the fields of the filter.
OWN_PARAMS = {"page", "order", "filter", "saving", "group", "count"}
TICKED = ("status", "team", "tags", "exposure", "submitter_team")
DATES = ("created_after", "created_before")
AT_HAND = ("status", "team", "search")  # fields that are shown although nobody used them


def params_of(query: QueryDict) -> dict[str, list[str]]:
    """The filter in an address: one group, without the fields that were left empty."""
    params = {name: [value for value in query.getlist(name) if value] for name in query}
    return {name: values for name, values in params.items() if values and name not in OWN_PARAMS}


class TicketsPage(TypePage):
    """Simple: a search box. Advanced, for those who see every ticket: every field there is."""

    template_name = "feedback/tickets.html"
    orders = ORDERS

    def get_title(self) -> str:
        return self.feedback_type.name

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """*Switch to Advanced View*, and back."""
        simple = self.feedback_type.get_absolute_url()
        advanced = request.POST.get("view") == "advanced"
        request.session["advanced"] = advanced
        return redirect(request.get_full_path() if advanced else simple)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "count" not in request.GET:
            return super().get(request, *args, **kwargs)
        tickets, errors, _ = self.narrowed()
        return JsonResponse({"count": tickets.count(), "problem": " ".join(errors)})

    @cached_property
    def advanced(self) -> bool:
        """Also where an address names a field that the simple view could not show."""
        asked = bool(self.request.session.get("advanced")) or "saving" in self.request.GET
        return self.insider and (asked or bool(self.params.keys() - {"search"}))

    @cached_property
    def runs_macros(self) -> bool:
        """May change some of the tickets."""
        own = changeable(Ticket, self.caller).filter(feedback_type=self.feedback_type)
        return self.insider and own.exists()

    @cached_property
    def params(self) -> dict[str, list[str]]:
        return params_of(self.request.GET)

    @cached_property
    def order(self) -> str:
        asked = self.request.GET.get("order", "newest")
        return asked if asked in ORDERS else "newest"

    @cached_property
    def filters(self) -> QuerySet[SavedFilter]:
        if not self.insider:
            return SavedFilter.objects.none()
        return self.feedback_type.saved_filters.filter(archived=False)

    @cached_property
    def chosen(self) -> SavedFilter | None:
        """The saved filter whose tickets are shown."""
        asked = self.request.GET.get("filter")
        if not asked:
            return None
        if not self.insider:
            raise Http404
        own = self.feedback_type.saved_filters.select_related("feedback_type__project")
        return get_object_or_404(own, pk=row_id(asked))

    @cached_property
    def editing(self) -> SavedFilter | None:
        """The saved filter of which one group is being edited here."""
        asked = row_id(self.request.GET.get("saving", ""))
        if not (self.manages and asked):
            return None
        return self.feedback_type.saved_filters.filter(pk=asked).first()

    @cached_property
    def known(self) -> Known | None:
        """What the filter may name: for those who are not inside, what they see on tickets."""
        if self.insider:
            return None
        return {
            model: {row.pk: row for row in choices(self.project).filter(pk__in=self._seen(model))}
            for model, choices in CHOICES_IN_PROJECT.items()
        }

    def _seen(self, model: type[Model]) -> QuerySet[Any]:
        return seen(model, self.caller).values("pk")

    def narrowed(self) -> tuple[QuerySet[Ticket], list[str], str]:
        """The tickets, what is wrong with the filter, and the filter as a sentence.

        What cannot be understood matches nothing.
        """
        tickets = seen(Ticket, self.caller).filter(feedback_type=self.feedback_type)
        sentences = []
        try:
            self._check_allowed()
            if self.chosen:
                tickets = narrow(tickets, self.chosen)
                sentences.append(describe(self.chosen.groups, self.feedback_type))
            if self.params:
                sentences.append(describe([self.params], self.feedback_type, self.known))
                tickets = any_of(tickets, [self.params], self.feedback_type)
        except ValidationError as error:
            return tickets.none(), error.messages, ""
        except BrokenFilter as error:
            return tickets.none(), [str(error)], ""
        return tickets, [], "; and ".join(sentences)

    def _check_allowed(self) -> None:
        denied = (
            ()
            if self.insider
            else sorted(name for name in self.params if not is_for_everyone(name))
        )
        if denied:
            raise ValidationError(f"There is no field “{denied[0]}” to filter by.")

    def page_of(self, tickets: QuerySet[Ticket]) -> PageOfRows:
        shown = tickets.order_by(*ORDERS[self.order][1]).select_related(
            "feedback_type__project", "status", "team", "submitter"
        )
        return Paginator(shown, PER_PAGE).get_page(self.request.GET.get("page"))

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        tickets, errors, sentence = self.narrowed()
        return super().get_context_data(
            page_obj=self.page_of(tickets),
            errors=errors,
            sentence=sentence,
            query=as_query(self.params).urlencode(),
            rows=filter_rows(self.params, self.feedback_type) if self.advanced else [],
            **context,
        )


def filter_rows(
    params: Mapping[str, list[str]], feedback_type: FeedbackType
) -> list[dict[str, Any]]:
    """Each field of the filter form with its opposite, and the words between label and values."""
    there = filters_of(feedback_type)
    form = of_type(as_query(params), feedback_type, there=there).form
    for name in TICKED:
        for each in (name, name + NOT):
            _swap_widget(form.fields[each], forms.CheckboxSelectMultiple())
    for each in ("submitter", "submitter" + NOT):
        _list_few(form.fields[each], params.get(each, []))
    for name in DATES:
        for each in (name, name + NOT):
            form.fields[each].widget = forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    for each in ("blocking", "blocking" + NOT):  # a form that was left alone asks for nothing
        form.fields[each].choices = [("", "Either"), *form.fields[each].choices]
    return [
        {
            "label": there[name].label,
            "verbs": verbs_of(name, there[name]),
            "field": form[name],
            "opposite": form[name + NOT],
            "ticked": isinstance(form[name].field.widget, forms.CheckboxSelectMultiple),
            "opposite_used": name + NOT in params,
            "shown": name in AT_HAND or bool({name, name + NOT} & params.keys()),
        }
        for name in there
        if not name.endswith(NOT) and _is_offered(name, params, feedback_type)
    ]


def _is_offered(name: str, params: Mapping[str, Any], feedback_type: FeedbackType) -> bool:
    """What is archived is offered only where it is asked for."""
    field = form_field_of(name, feedback_type)
    return field is None or not field.archived or bool({name, name + NOT} & params.keys())


def _list_few(field: Any, chosen: list[str]) -> None:
    """Thousands of testers are not listed: then only those who were chosen are."""
    if field.queryset[PEOPLE_LISTED:].exists():
        field.queryset = field.queryset.filter(pk__in=filter(None, map(row_id, chosen)))
        field.help_text = "There are too many people to list: use their e-mail or team instead."


def _swap_widget(field: Any, widget: forms.Widget) -> None:
    choices = field.choices
    field.widget = widget
    widget.choices = choices  # type: ignore[attr-defined]
