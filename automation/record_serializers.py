"""What was received, done and sent, as programs read it; and how they run and undo macros."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from automation.delivery_page import shown_body
from automation.models import Delivery, Execution, ExecutionStep, Outgoing
from automation.outbox.secrets import shown_content
from feedback.models import Ticket
from feedback.ticket_serializers import ValueField
from rest.fields import RowField, StrictCharField
from rest.serializers import RowSerializer, StrictSerializer


class OnTicketSerializer(StrictSerializer):
    example: ClassVar[dict[str, Any]] = {"ticket": 1}
    ticket = RowField(
        queryset=Ticket.objects.select_related("feedback_type__project"),
        help_text="The ticket to run on, of the macro's own feedback type.",
    )


class UndoSerializer(StrictSerializer):
    example: ClassVar[dict[str, Any]] = {"even": ["status"]}
    may_be_left_out = True
    even = serializers.ListField(
        child=StrictCharField(max_length=60),
        required=False,
        max_length=50,
        help_text="Fields that go back although somebody changed them since.",
    )


class StepChangeSerializer(serializers.Serializer):
    field = serializers.CharField(help_text="As people call it.")
    before = serializers.CharField()
    after = serializers.CharField()


class StepSerializer(RowSerializer):
    changes = StepChangeSerializer(
        source="told_changes", many=True, help_text="As people read them, long texts cut."
    )

    class Meta:
        model = ExecutionStep
        fields = ["kind", "sentence", "changes"]


class ExecutionChangeSerializer(serializers.Serializer):
    field = serializers.CharField()
    before = ValueField()
    after = ValueField()


def _number_of(what: str) -> serializers.IntegerField:
    return serializers.IntegerField(
        source=f"{what}_version.number",
        default=None,
        allow_null=True,
        read_only=True,
        help_text=f"The number of the {what}'s version that ran.",
    )


class ExecutionSerializer(RowSerializer):
    id = serializers.CharField(source="public_id", read_only=True)
    ref = serializers.CharField(source="ticket.ref", read_only=True)
    delivery: Any = serializers.SlugRelatedField(
        slug_field="public_id", read_only=True, allow_null=True
    )
    bulk_run: Any = serializers.SlugRelatedField(
        source="bulk", slug_field="public_id", read_only=True, allow_null=True
    )
    undoes: Any = serializers.SlugRelatedField(
        slug_field="public_id",
        read_only=True,
        allow_null=True,
        help_text="The execution that this one takes back.",
    )
    after: Any = serializers.SlugRelatedField(
        slug_field="public_id",
        read_only=True,
        allow_null=True,
        help_text="The execution whose change or call started this one.",
    )
    by_echo = serializers.BooleanField(
        read_only=True, help_text="“after” is a guess: it had called the tracker just before."
    )
    macro_version = _number_of("macro")
    listener_version = _number_of("listener")
    filter_version = _number_of("filter")
    sentence = serializers.CharField(help_text="What happened, to what, and why.")
    steps = StepSerializer(many=True)
    changes = serializers.SerializerMethodField()

    class Meta:
        model = Execution
        fields = [
            "id",
            "start",
            "delivery",
            "bulk_run",
            "listener",
            "trigger",
            "undoes",
            "after",
            "by_echo",
            "macro",
            "macro_version",
            "listener_version",
            "filter_version",
            "ticket",
            "ref",
            "actor",
            "created_at",
            "status",
            "reason",
            "sentence",
            "steps",
            "changes",
        ]

    @extend_schema_field(ExecutionChangeSerializer(many=True))
    def get_changes(self, execution: Execution) -> Any:
        changes = self.context["view"].changes[execution.public_id]
        return ExecutionChangeSerializer(changes, many=True).data


class DeliverySerializer(RowSerializer):
    id = serializers.CharField(source="public_id", read_only=True)
    project: Any = serializers.SlugRelatedField(slug_field="key", read_only=True, allow_null=True)
    listener_key = serializers.CharField(source="listener.key", default=None, allow_null=True)
    api_key = serializers.CharField(
        source="api_key.prefix", default=None, allow_null=True, help_text="Its prefix."
    )
    sentence = serializers.CharField(help_text="What happened, to what, and why.")
    cause = serializers.CharField(source="cause_text", help_text="Why it happened, most likely.")
    next_step = serializers.CharField(help_text="What to do about it.")
    references = serializers.ListField(child=serializers.CharField())
    kinds = serializers.ListField(child=serializers.CharField())
    duplicate_of: Any = serializers.SlugRelatedField(
        slug_field="public_id", read_only=True, allow_null=True
    )
    whole: Any = serializers.SlugRelatedField(
        slug_field="public_id",
        read_only=True,
        allow_null=True,
        help_text="The delivery that keeps the body of which this one is a part.",
    )
    tickets = serializers.SerializerMethodField(help_text="Ids of those that it was about.")
    refs = serializers.SerializerMethodField(help_text="The same by their own ids.")
    executions = serializers.SerializerMethodField(help_text="Ids, one for each ticket.")

    class Meta:
        model = Delivery
        fields = [
            "id",
            "received_at",
            "project",
            "listener",
            "listener_key",
            "api_key",
            "address",
            "method",
            "path",
            "status_code",
            "status",
            "reason",
            "sentence",
            "cause",
            "next_step",
            "find",
            "references",
            "event",
            "kinds",
            "item",
            "status_before",
            "status_after",
            "occurred_at",
            "delivery_id",
            "duplicate_of",
            "whole",
            "part",
            "attempts",
            "settled_at",
            "tickets",
            "refs",
            "executions",
        ]

    def get_tickets(self, delivery: Delivery) -> list[int]:
        return [execution.ticket_id for execution in delivery.executions.all()]

    def get_refs(self, delivery: Delivery) -> list[str]:
        return [execution.ticket.ref for execution in delivery.executions.all()]

    def get_executions(self, delivery: Delivery) -> list[str]:
        return [execution.public_id for execution in delivery.executions.all()]


class WholeDeliverySerializer(DeliverySerializer):
    """With what was sent, less its secrets."""

    headers = serializers.DictField(source="header_map", child=serializers.CharField())
    body = serializers.SerializerMethodField(
        help_text="As text, JSON with line breaks; XML as the JSON that expressions see."
    )

    class Meta(DeliverySerializer.Meta):
        fields = [*DeliverySerializer.Meta.fields, "headers", "body"]

    def get_body(self, delivery: Delivery) -> str:
        return shown_body(delivery)


class OutgoingSerializer(RowSerializer):
    id = serializers.CharField(
        source="public_id",
        read_only=True,
        help_text="The Idempotency-Key of a call, part of the Message-ID of a mail.",
    )
    project: Any = serializers.SlugRelatedField(slug_field="key", read_only=True)
    execution: Any = serializers.SlugRelatedField(
        slug_field="public_id", read_only=True, allow_null=True
    )
    ref = serializers.CharField(source="ticket.ref", default=None, allow_null=True)
    sentence = serializers.CharField(help_text="What became of it, and what comes next.")
    next_attempt_at = serializers.DateTimeField(
        source="due_at", allow_null=True, help_text="null where none comes by itself."
    )
    merged_into: Any = serializers.SlugRelatedField(
        slug_field="public_id",
        read_only=True,
        allow_null=True,
        help_text="The one mail that it became part of.",
    )

    class Meta:
        model = Outgoing
        fields = [
            "id",
            "created_at",
            "project",
            "kind",
            "status",
            "sentence",
            "destination",
            "title",
            "ticket",
            "ref",
            "execution",
            "attempts",
            "next_attempt_at",
            "sent_at",
            "merged_into",
        ]


class WholeOutgoingSerializer(OutgoingSerializer):
    """With what was sent and answered, less its secrets."""

    content = serializers.SerializerMethodField(
        help_text="Of a mail: to, subject, text, html. Of a call: method, url, headers, body."
    )
    answer = serializers.DictField(
        help_text="To a call: status, headers, body, cut. To a mail that was refused: code, text."
    )

    class Meta(OutgoingSerializer.Meta):
        fields = [*OutgoingSerializer.Meta.fields, "content", "answer"]

    def get_content(self, row: Outgoing) -> dict[str, Any]:
        return shown_content(row.content)
