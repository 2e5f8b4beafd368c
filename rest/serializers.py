from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers
from rest_framework.settings import api_settings
from rest_framework.validators import UniqueValidator

from access.callers import Caller
from rest import fields as strict
from rest.nearest import nearest

JSON_TYPES: dict[Any, Any] = {
    models.CharField: strict.StrictCharField,
    models.TextField: strict.StrictCharField,
    models.EmailField: strict.StrictEmailField,
    models.URLField: strict.StrictURLField,
    models.BooleanField: strict.StrictBooleanField,
    models.PositiveSmallIntegerField: strict.StrictIntegerField,
    models.PositiveIntegerField: strict.StrictIntegerField,
}


SET_BY_HUB = "This is set by the hub: leave it out."
DIFFERS = "This is set by the hub, and is not that now: leave it out, or read it again."
MOST_NAMED = 20  # of what is wrong; the rest is told when these are mended


class Known:
    """Refuses names that the body should not have, and says which one was perhaps meant."""

    def to_internal_value(self: Any, data: Any) -> Any:
        if isinstance(data, Mapping) and (problems := self.problems_with_names(data)):
            raise serializers.ValidationError(problems)
        return super().to_internal_value(data)  # type: ignore[misc]

    def problems_with_names(self: Any, data: Mapping[str, Any]) -> dict[str, list[str]]:
        writable = [name for name, field in self.fields.items() if not field.read_only]
        shown = self.to_representation(self.instance) if self.instance else {}
        problems = {}
        for name, value in data.items():
            if name not in self.fields:
                problems[name] = [f"There is no field “{name[:100]}”.{nearest(name, writable)}"]
            elif name not in writable and (name not in shown or shown[name] != value):
                problems[name] = [SET_BY_HUB if not self.instance else DIFFERS]
            if len(problems) == MOST_NAMED:
                break
        return problems


class StrictSerializer(Known, serializers.Serializer):
    pass


class ListInOrder(serializers.ListSerializer):
    """Says what is wrong in the order of the list, which has an empty place where nothing is."""

    def to_internal_value(self, data: Any) -> list[Any]:
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            problems: Any = error.detail
            if api_settings.NON_FIELD_ERRORS_KEY in problems:
                raise
            in_order = [problems.get(place, {}) for place in range(len(data))]
            raise serializers.ValidationError(in_order) from error


class RowSerializer(Known, serializers.ModelSerializer):
    """A row of a model. Values of another JSON type than documented are refused."""

    fixed: ClassVar[Sequence[str]] = ()  # what a row keeps for good
    example: ClassVar[Mapping[str, Any]] = {}  # a body for the reference, which the API accepts
    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | JSON_TYPES
    serializer_related_field = strict.RowField
    serializer_choice_field = strict.StrictChoiceField

    @property
    def caller(self) -> Caller:
        return self.context["view"].caller

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        """Whether a name is taken is asked when the row is kept, and so after permissions."""
        field_class, options = super().build_standard_field(field_name, model_field)
        validators = options.get("validators", [])
        options["validators"] = [
            validator for validator in validators if not isinstance(validator, UniqueValidator)
        ]
        return field_class, options

    def get_validators(self) -> list[Any]:
        return []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        moved = [
            name
            for name in self.fixed
            if self.instance and name in attrs and getattr(self.instance, name) != attrs[name]
        ]
        if moved:
            problem = "This cannot be changed any more: make a new one instead."
            raise serializers.ValidationError({name: [problem] for name in moved})
        archived = [
            name
            for name, value in attrs.items()
            if isinstance(value, models.Model)
            and getattr(value, "archived", False)
            and value != getattr(self.instance, name, None)
        ]
        if archived:
            problem = "This is archived: it is no longer offered. Choose another one."
            raise serializers.ValidationError({name: [problem] for name in archived})
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Any:
        model: Any = self.Meta.model
        return self.keep(model(), validated_data)

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        return self.keep(instance, validated_data)

    def keep(self, row: Any, values: dict[str, Any]) -> Any:
        """Write ``values`` to ``row``; raises Django's ValidationError."""
        for name, value in values.items():
            setattr(row, name, value)
        row.full_clean()
        row.save()
        return row
