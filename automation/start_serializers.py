"""Triggers, schedules and bulk runs as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from automation.macros import as_params
from automation.models import BulkRun, Macro, Schedule, Trigger
from automation.start_forms import FIELDS, ScheduleForm, StartForm, TriggerForm
from feedback.errors import BrokenFilter
from feedback.filter_groups import any_of, clean_params, narrow
from feedback.filter_words import describe
from feedback.groups_schema import groups_schema
from feedback.models import FeedbackType, SavedFilter, Ticket
from feedback.serializers import OfTypeSerializer
from rest.errors import by_field
from rest.fields import RowField, StrictCharField
from rest.serializers import RowSerializer, StrictSerializer

LONGEST_CHOSEN = BulkRun._meta.get_field("chosen").max_length


def problem_of_another_type(row: Macro | SavedFilter | None, kind: FeedbackType) -> str:
    """Empty where ``row`` is one of ``kind``."""
    if row is None or row.feedback_type_id == kind.pk:
        return ""
    return f"“{row}” is one of {row.feedback_type}: choose one of {kind}."


def refuse(problems: dict[str, str]) -> None:
    """Raise ValidationError with those that are not empty."""
    if told := {name: [problem] for name, problem in problems.items() if problem}:
        raise serializers.ValidationError(told)


class StartSerializer(OfTypeSerializer):
    """Kept by the form of the pages, whose checks are the rules."""

    form_class: ClassVar[type[StartForm]]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        kind = attrs["feedback_type"] if self.instance is None else self.instance.feedback_type
        refuse(
            {name: problem_of_another_type(attrs.get(name), kind) for name in ("macro", "filter")}
        )
        return attrs

    def keep(self, row: Any, values: dict[str, Any]) -> Any:
        if row.pk is None:
            row.feedback_type = values["feedback_type"]
        names = self.form_class.base_fields
        given = {name: values.get(name, getattr(row, name, None)) for name in names}
        form = self.form_class(as_params(given), instance=row)
        if not form.is_valid():
            raise serializers.ValidationError(by_field(ValidationError(form.errors.as_data())))
        return form.save()


class TriggerSerializer(StartSerializer):
    form_class = TriggerForm
    example = {
        "project": "beta",
        "feedback_type": 1,
        "name": "Hand over what blocks",
        "event": "modified",
        "field": "blocking",
        "macro": 1,
    }
    field = StrictCharField(
        max_length=60,
        required=False,
        allow_blank=True,
        help_text="With the event “modified”: only where this was: "
        f"{', '.join(FIELDS)} or values.KEY for a form field. “”: anything.",
    )

    class Meta:
        model = Trigger
        fields = [
            "id",
            "project",
            "feedback_type",
            "name",
            "event",
            "field",
            "filter",
            "macro",
            "enabled",
        ]


class ScheduleSerializer(StartSerializer):
    form_class = ScheduleForm
    example = {
        "project": "beta",
        "feedback_type": 1,
        "name": "Close what waits",
        "every": "day",
        "starts_at": "2100-01-01T06:00:00Z",
        "macro": 1,
    }
    next_run_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="null where no run comes any more."
    )

    class Meta:
        model = Schedule
        fields = [
            "id",
            "project",
            "feedback_type",
            "name",
            "every",
            "starts_at",
            "ends_at",
            "filter",
            "macro",
            "enabled",
            "next_run_at",
        ]


class BulkRunSerializer(RowSerializer):
    id = serializers.CharField(source="public_id", read_only=True)
    undoes: Any = serializers.SlugRelatedField(
        slug_field="public_id", read_only=True, allow_null=True
    )
    left = serializers.IntegerField(help_text="Tickets that are still to come.")

    class Meta:
        model = BulkRun
        fields = [
            "id",
            "macro",
            "schedule",
            "undoes",
            "chosen",
            "actor",
            "state",
            "total",
            "left",
            "problem",
            "created_at",
            "ended_at",
        ]


@extend_schema_field(groups_schema()["items"] | {"minProperties": 0})
class ParamsField(serializers.DictField):
    pass


class NewBulkRunSerializer(StrictSerializer):
    also: ClassVar[dict[str, Any]] = {"anyOf": [{"required": ["params"]}, {"required": ["filter"]}]}
    example: ClassVar[dict[str, Any]] = {"macro": 1, "params": {"blocking": True}}
    macro = RowField(queryset=Macro.objects.select_related("feedback_type__project"))
    params = ParamsField(
        required=False,
        help_text="Which tickets of the macro's feedback type, as a group of a saved filter says "
        "it; {} for all of them.",
    )
    filter = RowField(
        queryset=SavedFilter.objects.select_related("feedback_type__project"),
        required=False,
        help_text="A saved filter, beside “params” or instead of them.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "params" not in attrs and "filter" not in attrs:
            problem = "Say which tickets, by “params” or “filter”. “params”: {} means all of them."
            raise serializers.ValidationError(problem)
        kind = attrs["macro"].feedback_type
        refuse({"filter": problem_of_another_type(attrs.get("filter"), kind)})
        if attrs.get("params"):
            try:
                clean_params(attrs["params"], kind)
            except ValidationError as error:
                raise serializers.ValidationError({"params": by_field(error)}) from error
        return attrs

    def narrowed(self, tickets: Any) -> tuple[Any, str]:
        """Those of ``tickets`` that are meant, and how they were chosen, in words."""
        kind: FeedbackType = self.validated_data["macro"].feedback_type
        tickets = tickets.filter(pk__in=Ticket.objects.filter(feedback_type=kind).values("pk"))
        sentences = []
        for groups, inside in self._parts(tickets):
            tickets = inside
            sentences.append(describe(groups, kind))
        return tickets, ("; and ".join(sentences) or f"All {kind.name}")[:LONGEST_CHOSEN]

    def _parts(self, tickets: Any) -> Iterator[tuple[Any, Any]]:
        macro, saved = self.validated_data["macro"], self.validated_data.get("filter")
        if saved is not None:
            try:
                tickets = narrow(tickets, saved)
            except BrokenFilter as error:
                raise serializers.ValidationError({"filter": [str(error)]}) from error
            yield saved.groups, tickets
        if params := self.validated_data.get("params"):
            yield [params], any_of(tickets, [params], macro.feedback_type)
