"""JSON's own types, strictly: what would be guessed from another type is refused instead."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

MOST = 10**18 - 1  # what every database takes as an id
NOT_BLANK = {"minLength": 1, "pattern": r"[^\s\x1c-\x1f\x85]"}  # what Python takes for space
LONGEST_NAME = 150


JSON_NAMES = {
    str: "text",
    bool: "true or false",
    float: "a fraction",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


class StrictCharField(serializers.CharField):
    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class LowerCaseField(StrictCharField):
    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).lower()


class UpperCaseField(StrictCharField):
    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(data).upper()


class StrictURLField(serializers.URLField, StrictCharField):
    pass


class StrictEmailField(serializers.EmailField, StrictCharField):
    pass


class StrictBooleanField(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictIntegerField(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictChoiceField(serializers.ChoiceField):
    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class RowField(serializers.PrimaryKeyRelatedField):
    """A row by its id, of those that the caller may see."""

    default_error_messages = {
        "does_not_exist": "There is nothing with the id {pk_value} here that you may choose.",
        "incorrect_type": "Give the id, a number, not {data_type}.",
    }

    def __init__(self, **options: Any) -> None:
        options.setdefault("pk_field", None)
        super().__init__(**options)

    def get_queryset(self) -> Any:
        view = self.context.get("view")
        rows = super().get_queryset()
        return view.offered(rows) if view is not None and rows is not None else rows

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("incorrect_type", data_type=JSON_NAMES[type(data)])
        if not 0 < data <= MOST:
            self.fail("does_not_exist", pk_value=str(data)[:20])
        return super().to_internal_value(data)


class RowsField(serializers.ListField):
    """Rows by their ids, of those that the caller may see, looked up together."""

    child = StrictIntegerField(min_value=1, max_value=MOST)

    def __init__(self, *, queryset: Any, max_length: int, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)
        self.queryset = queryset

    def to_representation(self, data: Any) -> list[int]:
        return sorted(row.pk for row in data.all())

    def to_internal_value(self, data: Any) -> list[Any]:
        ids = super().to_internal_value(data)
        found = self.context["view"].offered(self.queryset.all()).in_bulk(ids)
        if unknown := next((pk for pk in ids if pk not in found), None):
            problem = RowField.default_error_messages["does_not_exist"].format(pk_value=unknown)
            raise serializers.ValidationError(problem)
        return [*found.values()]


class NameField(serializers.SlugRelatedField):
    """A row by its name or key, of those that the caller may see."""

    default_error_messages = {
        "does_not_exist": "There is no “{value}” that you may choose.",
        "invalid": "Give the {slug_name} as text.",
    }
    lookup = "iexact"

    def get_queryset(self) -> Any:
        view = self.context.get("view")
        rows = super().get_queryset()
        return view.offered(rows) if view is not None and rows is not None else rows

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", slug_name=self.slug_field)
        named = {f"{self.slug_field}__{self.lookup}": data[:LONGEST_NAME]}
        row = self.get_queryset().filter(**named).first() if len(data) <= LONGEST_NAME else None
        if row is None:
            self.fail("does_not_exist", value=data[:LONGEST_NAME])
        return row
