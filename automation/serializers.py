from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework.settings import api_settings

from automation.actions import ACTIONS
from automation.listener_form import ListenerForm
from automation.listener_pages import endpoint_url
from automation.listener_when import default_when
from automation.macro_versions import keep_macro
from automation.macros import MOST_ACTIONS, ActionsRefused, as_params, save_macro
from automation.models import (
    ExternalListener,
    Macro,
)
from automation.params_schema import of_another_type
from automation.senders import SENDERS
from automation.status_table import MOST_ROWS, as_rows, by_row
from feedback.models import Status
from feedback.serializers import KeyField, OfTypeSerializer
from rest.errors import by_field
from rest.fields import RowField, RowsField, StrictCharField, StrictChoiceField
from rest.serializers import ListInOrder, StrictSerializer

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
