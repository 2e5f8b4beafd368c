from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from copy import copy
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.functional import cached_property

from automation.actions.fields import TypeRows
from automation.forms import MacroForm
from automation.macros import describe_macro
from automation.models import ExternalListener, Macro, StatusRow
from automation.pages import DeletePage, address_of, page_of
from automation.preview import (
    offered_variables,
    preview,
    recorded_for,
    request_for,
    text_field,
    ticket_for,
)
from feedback.models import FeedbackType
from feedback.pages import ManagedTypePage

PREVIEWED = ("field", "text", "ticket", "request", "name")


def listeners_of(macro: Macro) -> dict[ExternalListener, list[StatusRow]]:
    """The listeners that run ``macro``, with the rows of their status tables that name it."""
    users: dict[ExternalListener, list[StatusRow]] = {each: [] for each in macro.listeners.all()}
    for row in macro.status_rows.select_related("listener"):
        users.setdefault(row.listener, []).append(row)
    return users


def count_listeners(macros: Iterable[Macro]) -> Counter[int | None]:
    """How many listeners run each macro, by its id."""
    ids = [macro.pk for macro in macros]
    named = ExternalListener.objects.filter(Q(macro__in=ids) | Q(status_rows__macro__in=ids))
    found = named.values_list("pk", "macro", "status_rows__macro")
    return Counter(macro for _, macro in {(pk, each) for pk, *both in found for each in both})


def macros_of(feedback_type: FeedbackType) -> QuerySet[Macro]:
    return Macro.objects.filter(feedback_type=feedback_type).select_related(
        "feedback_type__project", "feedback_type__default_workflow"
    )


class ResourcesPage(ManagedTypePage):
    title = "Feedback Resources"
    template_name = "automation/resources.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        macros = macros_of(self.feedback_type).prefetch_related("actions")
        shown = page_of(macros.order_by("name"), self.request)
        used = count_listeners(shown)
        known = TypeRows(self.feedback_type)
        filters = self.feedback_type.saved_filters.annotate(used=Count("listeners")).order_by(
            "name"
        )
        return super().get_context_data(
            page_obj=shown,
            macros=[(macro, describe_macro(macro, known), used[macro.pk]) for macro in shown],
            filters=filters[:10],
            **context,
        )


class MacroAddPage(ManagedTypePage):
    title = "Create a Macro"
    template_name = "automation/macro.html"

    @cached_property
    def macro(self) -> Macro:
        return Macro(feedback_type=self.feedback_type)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context.setdefault("form", MacroForm(instance=self.macro))
        return super().get_context_data(
            macro=self.macro,
            variables=offered_variables(self.feedback_type),
            newest=self.feedback_type.tickets.order_by("-pk").first(),
            recorded=recorded_for(self.feedback_type),
            **context,
        )

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        form = MacroForm(request.POST, instance=copy(self.macro))
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form))
        messages.success(request, self.saved_message(form.save(actor=self.caller.name)))
        return redirect(address_of("resources", self.feedback_type))

    def saved_message(self, macro: Macro) -> str:
        return (
            f"Macro “{macro}” was created. Next, let something run it: "
            "Feedback Automation → Create an External Listener."
        )


class TextPreviewView(ManagedTypePage):
    """What a text of the page becomes on a ticket, by POST alone: ``text`` or ``problem``."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        given = {name: request.POST.get(name, "").strip() for name in PREVIEWED}
        try:
            return JsonResponse(self._filled(**given))
        except ValidationError as error:
            return JsonResponse({"problem": " ".join(error.messages)})

    def _filled(self, field: str, text: str, ticket: str, request: str, name: str) -> Any:
        on = ticket_for(self.feedback_type, ticket)
        delivery = request_for(self.feedback_type, request)
        starts = delivery.listener if delivery else self.caller.name
        actor = f"{starts} → {name[:100] or 'the macro'}"
        filled = preview(text_field(field), text, on, actor=actor, delivery=delivery)
        return {"text": filled, "ticket": on.ref}


class MacroPage(MacroAddPage):
    @cached_property
    def macro(self) -> Macro:
        return get_object_or_404(macros_of(self.feedback_type), pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return str(self.macro)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        users = list(listeners_of(self.macro).items())
        return super().get_context_data(
            users=users[:20], run_by=list(run_by(self.macro)[:20]), **context
        )

    def saved_message(self, macro: Macro) -> str:
        return f"Macro “{macro}” was saved."


def run_by(macro: Macro) -> QuerySet[Macro]:
    """The macros that run this one."""
    return macros_of(macro.feedback_type).filter(actions__uses__macro=macro).distinct()


def users_of_macro(macro: Macro) -> list[str]:
    users = [
        f"Listener “{listener}”{_in_table(rows)}" for listener, rows in listeners_of(macro).items()
    ]
    users += [f"Macro “{other}”" for other in run_by(macro)]
    runs = macro.executions.count()
    return users + ([f"The record of its runs on tickets ({runs})"] if runs else [])


def _in_table(rows: list[StatusRow]) -> str:
    return f" (its status table: {'; '.join(map(str, rows))})" if rows else ""


class MacroDeletePage(DeletePage):
    home = "resources"
    noun = "macro"
    instead = (
        "Let those use another macro first, or archive this one: it is then no longer offered."
    )

    @cached_property
    def row(self) -> Macro:
        return get_object_or_404(macros_of(self.feedback_type), pk=self.kwargs["pk"])

    def users(self) -> list[str]:
        return users_of_macro(self.row)
