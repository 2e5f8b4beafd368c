from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from feedback.field_kinds import MOST_CHOICES, kind_of
from feedback.form_fields import save_form_field
from feedback.models import FormField
from feedback.rest_fields import ChoicesField, FieldKeyField
from feedback.serializers import OfTypeSerializer
from rest.fields import StrictIntegerField


class FormFieldSerializer(OfTypeSerializer):
    fixed = ("feedback_type", "key", "kind")
    example = {
        "project": "beta",
        "feedback_type": 1,
        "key": "severity",
        "label": "Severity",
        "kind": "choice",
        "choices": ["Low", "High"],
        "required": True,
    }
    key = FieldKeyField(required=False, help_text="Made of the label, if left out.")
    choices = ChoicesField(
        required=False,
        max_length=MOST_CHOICES,
        help_text="In the order on screen; of kinds that have choices only.",
    )
    archived_choices = ChoicesField(
        required=False, max_length=MOST_CHOICES, help_text="They stay where they were chosen."
    )
    highest = StrictIntegerField(
        required=False, min_value=2, max_value=10, help_text="A rating goes from 1 to this."
    )
    order = StrictIntegerField(min_value=0, max_value=32767, required=False)
    value_schema = serializers.SerializerMethodField(
        help_text="A JSON schema of what a ticket has for it in “values”."
    )

    class Meta:
        model = FormField
        fields = [
            *("id", "project", "feedback_type", "key", "label", "public_label", "kind"),
            *("choices", "archived_choices", "highest", "required", "help", "public"),
            *("order", "archived", "value_schema"),
        ]

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_value_schema(self, field: FormField) -> dict[str, Any]:
        return kind_of(field).describe(field)

    def to_representation(self, field: FormField) -> dict[str, Any]:
        shown = super().to_representation(field)
        insider = self.context["view"].is_insider(field.project)
        shown["label"] = field.label_for(insider=insider)
        return shown

    def keep(self, row: FormField, values: dict[str, Any]) -> FormField:
        for name, value in values.items():
            setattr(row, name, value)
        return save_form_field(row)
