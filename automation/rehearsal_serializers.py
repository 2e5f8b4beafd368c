"""What rehearsals tell programs. Nothing of it stayed: an id in it leads nowhere."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from automation.models import Execution, Outgoing
from automation.record_serializers import ExecutionSerializer
from automation.rehearsals import MOST_DAYS, MOST_REQUESTS
from automation.shown_runs import LONGEST_TEXT
from rest.fields import StrictIntegerField
from rest.serializers import StrictSerializer


class LeavingSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(source="row.kind", choices=Outgoing.Kind.choices)
    destination = serializers.CharField(source="row.destination")
    title = serializers.CharField(help_text="The subject, or method and address.")
    content = serializers.DictField(
        help_text="Of a mail: to, subject, text, html. Of a call: method, url, headers, body. Less "
        f"its secrets; of each text the first {LONGEST_TEXT} characters."
    )


class TriedSerializer(ExecutionSerializer):
    """A run, with what would leave because of it."""

    leaving = serializers.SerializerMethodField()

    class Meta(ExecutionSerializer.Meta):
        fields = [*ExecutionSerializer.Meta.fields, "leaving"]

    @extend_schema_field(LeavingSerializer(many=True))
    def get_leaving(self, execution: Execution) -> Any:
        leaving = self.context["view"].leaving[execution.public_id]
        return LeavingSerializer(leaving, many=True).data


class RehearsedRunSerializer(TriedSerializer):
    class Meta(TriedSerializer.Meta):
        fields = [
            "start",
            "listener",
            "macro",
            "ticket",
            "ref",
            "actor",
            "status",
            "reason",
            "sentence",
            "steps",
            "changes",
            "leaving",
        ]


class RehearsedSerializer(serializers.Serializer):
    """What would come of a request that came once, if it came now."""

    delivery = serializers.CharField(source="request.public_id", help_text="As it came.")
    received_at = serializers.DateTimeField(source="request.received_at")
    status = serializers.CharField(source="ended.status", help_text="“received”: it would wait.")
    reason = serializers.CharField(source="ended.reason")
    sentence = serializers.CharField(help_text="What would happen, to what, and why.")
    waits = serializers.CharField(help_text="Why it would wait before that; “”: it would not.")
    runs = serializers.SerializerMethodField()

    @extend_schema_field(RehearsedRunSerializer(many=True))
    def get_runs(self, rehearsed: Any) -> Any:
        runs = [each.run for each in rehearsed.runs]
        return RehearsedRunSerializer(runs, many=True, context=self.context).data


class DaysSerializer(StrictSerializer):
    example: ClassVar[dict[str, Any]] = {"days": 7}
    days = StrictIntegerField(min_value=1, max_value=MOST_DAYS, help_text="Until now.")


class RehearsedDaysSerializer(serializers.Serializer):
    found = serializers.IntegerField(help_text="Requests that came within these days.")
    left = serializers.IntegerField(
        help_text=f"Those that were left out: up to {MOST_REQUESTS} are rehearsed, the newest."
    )
    requests = RehearsedSerializer(source="rehearsed", many=True, help_text="Oldest first.")


class TriedInBulkSerializer(serializers.Serializer):
    macro = serializers.IntegerField()
    chosen = serializers.CharField(help_text="How the tickets were chosen.")
    total = serializers.IntegerField(help_text="The tickets that it would run on.")
    runs = RehearsedRunSerializer(many=True, help_text="On the first of them.")
    digests = LeavingSerializer(
        many=True, help_text="Mails about several of the first tickets, once the run is over."
    )
