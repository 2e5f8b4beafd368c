"""The form fields of a feedback type: look at them, add, change, order and archive them."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from feedback.field_forms import FormFieldForm
from feedback.field_kinds import KINDS, kind_of
from feedback.form_fields import delete_form_field, move_form_field, users_of_field
from feedback.models import FormField
from feedback.numbers import row_id
from feedback.pages import ManagedTypePage
from feedback.protection import Use

WAYS = {"up": -1, "down": 1}


class FieldsPage(ManagedTypePage):
    title = "Form fields"
    template_name = "feedback/form_fields.html"

    def fields(self) -> list[tuple[FormField, str]]:
        """Each with the button that has the keyboard's focus, which it moved by just now."""
        moved, _, way = self.request.GET.get("moved", "").partition("-")
        return [
            (field, way if str(field.pk) == moved else "") for field in self.feedback_type.fields
        ]

    def kinds(self) -> list[tuple[str, str, str]]:
        return [(kind.value, kind.label, KINDS[kind].about) for kind in FormField.Kind]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Move a field, by a button that every keyboard reaches."""
        way = request.POST.get("way", "")
        if way not in WAYS:
            raise Http404
        field = get_object_or_404(
            self.feedback_type.form_fields, pk=row_id(request.POST.get("field", ""))
        )
        move_form_field(field, WAYS[way])
        address = reverse("form_fields", args=[self.project.key, self.feedback_type.prefix])
        return redirect(f"{address}?moved={field.pk}-{way}#field-{field.pk}")


class FieldAddPage(ManagedTypePage):
    template_name = "feedback/form_field.html"

    @cached_property
    def field(self) -> FormField:
        kind = self.request.GET.get("kind", "")
        if kind not in KINDS:
            raise Http404
        return FormField(feedback_type=self.feedback_type, kind=kind)

    def get_title(self) -> str:
        return f"Add a field: {self.field.get_kind_display()}"

    def about(self) -> str:
        return kind_of(self.field).about

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context.setdefault("form", FormFieldForm(instance=self.field))
        return super().get_context_data(field=self.field, **context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = FormFieldForm(request.POST, instance=copy(self.field))
        if not form.is_kept():
            return self.render_to_response(self.get_context_data(form=form))
        messages.success(request, self.saved_message(form.instance))
        return redirect("form_fields", self.project.key, self.feedback_type.prefix)

    def saved_message(self, field: FormField) -> str:
        return f"The field “{field}” is added: new tickets are asked for it."


class FieldPage(FieldAddPage):
    @cached_property
    def field(self) -> FormField:
        own = self.feedback_type.form_fields.select_related("feedback_type__project")
        return get_object_or_404(own, pk=self.kwargs["pk"])

    def get_title(self) -> str:
        return str(self.field)

    def users(self) -> list[Use]:
        return users_of_field(self.field)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        actions: dict[str, Callable[[], HttpResponse]] = {"save": self.save, "delete": self.delete}
        action = actions.get(request.POST.get("action", "save"))
        if action is None:
            raise Http404
        return action()

    def save(self) -> HttpResponse:
        return super().post(self.request)

    def delete(self) -> HttpResponse:
        if users := delete_form_field(self.field):
            messages.error(
                self.request,
                f"“{self.field}” is in use and was not deleted. It is used by: "
                f"{', '.join(users)}. Archive it instead: it is then no longer asked for.",
            )
            return redirect(self.field)
        messages.success(self.request, f"The field “{self.field}” is deleted.")
        return redirect("form_fields", self.project.key, self.feedback_type.prefix)

    def saved_message(self, field: FormField) -> str:
        return f"The field “{field}” is saved."
