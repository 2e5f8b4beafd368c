from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from feedback.field_kinds import kind_of
from feedback.form_fields import save_form_field
from feedback.models import FormField
from rest.errors import by_field


class LinesField(forms.CharField):
    """A list of texts, one a line."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea(attrs={"rows": 5}), **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.clean(data) != (initial or []))


class FormFieldForm(forms.ModelForm):
    """A form field of one kind, which it keeps for good, like its key."""

    choices = LinesField(help_text="One a line, in the order in which they are offered.")
    archived_choices = LinesField(
        help_text="Move a line from the choices to here: it stays on the tickets that have it, "
        "but is no longer offered."
    )

    class Meta:
        model = FormField
        fields = [
            *("label", "public_label", "key", "choices", "archived_choices", "highest"),
            *("help", "required", "public", "archived"),
        ]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        kind = kind_of(self.instance)
        new = self.instance.pk is None
        left_out = {"choices", "archived_choices", "highest"}.difference(kind.settings)
        left_out |= {"archived", "archived_choices"} if new else {"key"}
        for name in left_out:
            del self.fields[name]
        if new:
            self.initial["choices"] = [*kind.usual_choices]
            self.fields["key"].required = False
            self.fields["key"].help_text += " Empty: it is made of the label."
        if "choices" in self.fields:
            self.fields["choices"].required = not kind.usual_choices
            self.fields["choices"].error_messages["required"] = "Give at least one choice."

    def _get_validation_exclusions(self) -> set[str]:
        """Left to ``save_form_field``, which knows key and order."""
        return {field.name for field in FormField._meta.fields}

    def save(self, commit: bool = True) -> FormField:
        return save_form_field(self.instance)

    def is_kept(self) -> bool:
        """Whether what was typed is valid and now saved."""
        if not self.is_valid():
            return False
        try:
            self.save()
        except ValidationError as error:
            for name, problems in by_field(error).items():
                self.add_error(name if name in self.fields else None, problems)
            return False
        return True
