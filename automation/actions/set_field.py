from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join

from automation import variables
from automation.actions.base import Action, ActionForm, Done, Settings, changed
from automation.actions.fields import ProjectChoiceField, TextField, has_variables
from feedback.field_kinds import LONGEST_LONG_TEXT, kind_of
from feedback.models import FeedbackType, FormField, Ticket
from feedback.services import change_ticket
from feedback.values import from_text, offered, written

PLAIN = "Write a day as 2026-11-23, and several choices with commas between them."
AS_TEXT, AS_CHOICE = "Write a text with variables", "Choose a value instead"
OF_TEXT = {FormField.Kind.TEXT, FormField.Kind.LONG_TEXT}  # whose value is such a text anyway
SHOWN = 60  # characters of what does not fit


class ValueInput(forms.Textarea):
    """Text for a form field of any kind, beside which a script offers the widget of the one chosen.

    A widget of several boxes sends a text for each.
    """

    feedback_type: FeedbackType

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 2})

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        widgets = (
            (field.pk, self._widget_of(field, name, value or "", attrs))
            for field in self.feedback_type.fields
            if field.kind not in OF_TEXT
        )
        return format_html(
            '<div class="auto-value" data-value-of="{}"><div data-chosen></div><div data-plain>{}'
            '<p class="hub-help">{}</p></div><div><button type="button" data-switch hidden '
            'class="hub-button hub-button-small" data-as-text="{}" data-as-choice="{}"></button>'
            "</div>{}</div>",
            name.removesuffix("value") + "field",
            super().render(name, value, attrs, renderer),
            PLAIN,
            AS_TEXT,
            AS_CHOICE,
            format_html_join("", '<template data-field="{}">{}</template>', widgets),
        )

    def _widget_of(self, field: FormField, name: str, text: str, attrs: Any) -> Any:
        kind = kind_of(field)
        widget = kind.text_widget(offered(field, kind.read(text)))
        own = {"id": f"{attrs['id']}-{field.pk}"} if attrs and "id" in attrs else {}
        shown = widget.render(name, kind.texts(text), {**(attrs or {}), **own})
        group = '<div role="group" aria-label="Value" class="hub-checks">{}</div>'
        return format_html(group, shown) if widget.use_fieldset else shown

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        given = data.getlist(name) if hasattr(data, "getlist") else [data.get(name)]
        return ", ".join(given) if len(given) > 1 else next(iter(given), None)


class SetField(Action):
    kind = "set_field"
    label = "Set a Form Field"
    sentence = "Set “{field}” to “{value}”"
    emptying = "Empty “{field}”"
    repeatable = True

    class Form(ActionForm):
        field = ProjectChoiceField(FormField, label="Form field")
        value = TextField(
            label="Value",
            required=False,
            max_length=LONGEST_LONG_TEXT,
            widget=ValueInput,
            help_text="As text, perhaps with variables. If nothing is left, the field is emptied.",
        )

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.fields["value"].widget.feedback_type = self.feedback_type

        def clean(self) -> None:
            field, text = (self.cleaned_data.get(name) for name in ("field", "value"))
            if field is None or text is None or has_variables(text):
                return
            try:
                self.cleaned_data["value"] = as_kept(field, text)
            except ValidationError as error:
                self.add_error("value", error)

    def describe(self, settings: Settings) -> str:
        sentence = self.sentence if settings["value"] else self.emptying
        return sentence.format(**settings)

    def filled_in(
        self,
        settings: Settings,
        words: Callable[[], variables.Words],
        secrets: Mapping[str, str] | None = None,
    ) -> Settings:
        filled = super().filled_in(settings, words, secrets)
        field, text = filled["field"], filled["value"]
        try:
            return {**filled, "value": as_kept(field, text)}
        except ValidationError as error:
            why = " ".join(error.messages)
            raise ValidationError(f"“{field}” cannot be “{text[:SHOWN]}”: {why}") from error

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        field = settings["field"]
        values = {field.key: kept(field, settings["value"])}
        return changed(change_ticket(ticket, actor=actor, cause=cause, values=values))


def as_kept(field: FormField, text: str) -> str:
    """``text`` as it is written once the field has it; raises ValidationError."""
    return written(field, kept(field, text))


def kept(field: FormField, text: str) -> Any:
    """What is archived keeps working where it was chosen."""
    return from_text(field, text, field.archived_choices)
