from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.settings import api_settings

from automation.actions import ACTIONS
from automation.delivery_page import shown_body
from automation.listener_form import ListenerForm
from automation.listener_pages import endpoint_url
from automation.listener_when import default_when
from automation.macro_versions import keep_macro
from automation.macros import MOST_ACTIONS, ActionsRefused, as_params, save_macro
from automation.models import (
    Delivery,
    Execution,
    ExecutionStep,
    ExternalListener,
    Macro,
    Outgoing,
)
from automation.outbox.secrets import shown_content
from automation.params_schema import of_another_type
from automation.senders import SENDERS
from automation.status_table import MOST_ROWS, as_rows, by_row
from feedback.models import Status, Ticket
from feedback.serializers import KeyField, OfTypeSerializer, ValueField
from rest.errors import by_field
from rest.fields import RowField, RowsField, StrictCharField, StrictChoiceField
from rest.serializers import ListInOrder, RowSerializer, StrictSerializer

MOST_STATUSES = 500


class ActionSerializer(StrictSerializer):
    kind = StrictCharField(help_text="As macros/actions/ lists them.")
    params = serializers.DictField(
        required=False, help_text="The action's settings; macros/actions/ has their schema."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "kind" not in attrs:  # as a PATCH of the macro lets it
            raise serializers.ValidationError({"kind": ["Say which kind of action it is."]})
        action = ACTIONS.get(attrs["kind"])
        if action and (problems := of_another_type(action.Form, attrs.get("params", {}))):
            raise serializers.ValidationError({"params": problems})
        return attrs


class MacroSerializer(OfTypeSerializer):
    example = {
        "project": "beta",
        "feedback_type": 1,
        "name": "Close, and say so",
        "actions": [
            {"kind": "adjust_workflow", "params": {"team": 2, "workflow": 1, "status": 6}},
            {"kind": "add_comment", "params": {"body": "It is fixed.", "exposure": "public"}},
        ],
    }
    actions: Any = ListInOrder(
        child=ActionSerializer(),
        allow_empty=False,
        max_length=MOST_ACTIONS,
        help_text="In the order in which they run.",
    )

    class Meta:
        model = Macro
        fields = [
            "id",
            "project",
            "feedback_type",
            "name",
            "actions",
            *Macro.OPTIONS,
            "archived",
        ]

    def keep(self, row: Macro, values: dict[str, Any]) -> Macro:
        actions = values.pop("actions", None)
        for name, value in values.items():
            setattr(row, name, value)
        actor = self.caller.name
        if actions is None:
            kept: Macro = super().keep(row, {})
            keep_macro(kept, actor=actor)
            return kept
        given = [(each["kind"], each.get("params", {})) for each in actions]
        try:
            return save_macro(row, given, actor=actor)
        except ActionsRefused as refused:
            raise serializers.ValidationError({"actions": refused.by_action}) from refused


class StatusRowSerializer(StrictSerializer):
    also: ClassVar[dict[str, Any]] = {  # a row that is not empty
        "anyOf": [
            *(
                {"required": [name], "properties": {name: {"pattern": r"[^\s\x1c-\x1f\x85,]"}}}
                for name in ("status", "resolution")
            ),
            {"required": ["macro"], "properties": {"macro": {"type": "integer"}}},
        ]
    }
    status = StrictCharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="The status over there; several with commas. “”: any.",
    )
    resolution = StrictCharField(
        max_length=200, required=False, default="", allow_blank=True, help_text="The same."
    )
    macro = RowField(
        queryset=Macro.objects.all(),
        required=False,
        default=None,
        allow_null=True,
        help_text="Null: nothing is done.",
    )


class ListenerSerializer(OfTypeSerializer):
    example = {
        "project": "beta",
        "feedback_type": 1,
        "name": "Jira follows",
        "key": "jirafollows",
        "sender": "jira",
        "when": "status_changed",
        "status_table": [
            {"status": "Done", "resolution": "Fixed, Resolved", "macro": 1},
            {"status": "Done", "resolution": "", "macro": None},
        ],
    }
    key = KeyField()
    sender = StrictChoiceField(choices=list(SENDERS), required=False)
    status_table: Any = ListInOrder(
        child=StatusRowSerializer(),
        source="status_rows",
        required=False,
        max_length=MOST_ROWS,
        help_text="The first row that matches decides; else “macro” does.",
    )
    protected_statuses = RowsField(
        queryset=Status.objects.all(),
        max_length=MOST_STATUSES,
        required=False,
        help_text="Ids of the statuses out of which the listener moves no ticket.",
    )
    data_name = KeyField(required=False, allow_blank=True)
    when = StrictChoiceField(
        choices=ExternalListener.When.choices,
        required=False,
        help_text="“status_changed” where the sender tells it, else “any”, if left out.",
    )
    secret = StrictCharField(
        max_length=200,
        required=False,
        allow_blank=True,
        write_only=True,
        help_text="What the sender signs with; “” removes it. It is never shown.",
    )
    has_secret = serializers.BooleanField(source="secret", read_only=True)
    endpoint_url = serializers.SerializerMethodField(
        help_text="What is pasted into the tracker, with its own placeholder and your API key."
    )

    class Meta:
        model = ExternalListener
        fields = [
            "id",
            "project",
            "feedback_type",
            "name",
            "key",
            "description",
            "sender",
            "type",
            "macro",
            "status_table",
            "protected_statuses",
            "comment_exposure",
            "data_name",
            "data_expression",
            "filter",
            "when",
            "when_status",
            "condition",
            "reference_expression",
            "event_expression",
            "status_expression",
            "several",
            "most_tickets",
            "within_minutes",
            "secret",
            "has_secret",
            "enabled",
            "endpoint_url",
        ]
        extra_kwargs = {"within_minutes": {"min_value": 1}}

    def get_endpoint_url(self, listener: ExternalListener) -> str:
        return endpoint_url(listener, self.context["request"])

    def keep(self, row: ExternalListener, values: dict[str, Any]) -> ExternalListener:
        """By the form of the pages, whose checks and defaults are the rules."""
        if row.pk is None:
            row.feedback_type = values["feedback_type"]
            row.project = row.feedback_type.project
            row.sender = values.setdefault("sender", next(iter(SENDERS)))
            values.setdefault("when", default_when(SENDERS[row.sender]))
        secret = values.pop("secret", None)
        form = ListenerForm(self._form_data(row, values, secret), instance=row)
        if not form.is_valid():
            raise serializers.ValidationError(_listener_problems(form))
        return form.save(actor=self.caller.name)

    def _form_data(
        self, row: ExternalListener, values: dict[str, Any], secret: str | None
    ) -> dict[str, Any]:
        own = {field.name for field in row._meta.fields}
        names = [name for name in ListenerForm.base_fields if name in own]
        given = {name: values.get(name, getattr(row, name, None)) for name in names}
        rows, statuses = values.get("status_rows"), values.get("protected_statuses")
        if row.pk:
            rows = as_rows(row.status_rows.all()) if rows is None else rows
            statuses = row.protected_statuses.all() if statuses is None else statuses
        return as_params(given) | {
            "status_table": [as_params(each) for each in rows or ()],
            "protected_statuses": [status.pk for status in statuses or ()],
            "new_secret": secret or "",
            "remove_secret": secret == "",
        }


def _listener_problems(form: ListenerForm) -> dict[str, Any]:
    """Under the names that the body has; what is wrong with rows, in their order."""
    data = form.errors.as_data()
    problems = by_field(ValidationError(data))
    if "new_secret" in problems:
        problems["secret"] = problems.pop("new_secret")
    about_rows = by_row(data.get("status_table", ()), len(form["status_table"].value()))
    if any(about_rows):
        problems["status_table"] = [
            {name or api_settings.NON_FIELD_ERRORS_KEY: each for name, each in row.items()}
            for row in about_rows
        ]
    return problems


class OnTicketSerializer(StrictSerializer):
    example: ClassVar[dict[str, Any]] = {"ticket": 1}
    ticket = RowField(
        queryset=Ticket.objects.select_related("feedback_type__project"),
        help_text="The ticket to run on, of the macro's own feedback type.",
    )


class UndoSerializer(StrictSerializer):
    example: ClassVar[dict[str, Any]] = {"even": ["status"]}
    even = serializers.ListField(
        child=StrictCharField(max_length=60),
        required=False,
        max_length=50,
        help_text="Fields that go back although somebody changed them since.",
    )


class StepSerializer(RowSerializer):
    class Meta:
        model = ExecutionStep
        fields = ["kind", "sentence"]


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
            "trigger",
            "undoes",
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
