"""A ticket as JSON, with its links, comments, data and history."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from access.rules import Right, may
from feedback.models import (
    MOST_POINTS,
    Comment,
    Exposure,
    Status,
    Ticket,
    TicketChange,
    TicketData,
    TicketLink,
)
from feedback.rest_fields import ValuesField
from feedback.serializers import OfTypeSerializer, PersonField
from feedback.services import (
    add_comment,
    change_ticket,
    link_ticket,
    person_behind,
    submit_ticket,
    tags_named,
)
from feedback.timeline import behind
from feedback.values import clean_values
from rest.errors import by_field
from rest.fields import (
    NOT_BLANK,
    RowField,
    StrictCharField,
    StrictIntegerField,
)
from rest.serializers import RowSerializer


class TagsField(serializers.ListField):
    child = StrictCharField(max_length=50)

    def to_representation(self, data: Any) -> list[str]:
        return sorted(tag.name for tag in data.all())


class TicketSerializer(OfTypeSerializer):
    example = {
        "project": "beta",
        "feedback_type": 1,
        "summary": "The lens cap melts",
        "description": "In the sun, after an hour.",
        "tags": ["lens"],
    }
    ref = serializers.CharField(read_only=True)
    submitter = PersonField(required=False, help_text="A user name; yours where it is left out.")
    status = RowField(queryset=Status.objects.all(), required=False)
    score = StrictIntegerField(
        min_value=-MOST_POINTS,
        max_value=MOST_POINTS,
        required=False,
        allow_null=True,
        help_text="Its priority. Null where you may not see it; sent, it leaves it as it is.",
    )
    tags = TagsField(required=False, max_length=100, help_text="Names; new ones are made.")
    values = ValuesField(
        required=False,
        help_text="Of the type's form fields, by key: what is left out stays, null empties.",
    )

    class Meta:
        model = Ticket
        fields = [
            "id",
            "ref",
            "project",
            "feedback_type",
            "summary",
            "description",
            "submitter",
            "team",
            "status",
            "blocking",
            "exposure",
            "score",
            "tags",
            "values",
            "created_at",
            "updated_at",
        ]

    # What a new ticket may be given, beside its text, by those with that right in its project.
    needs = {
        "exposure": Right.INSIDE,
        "submitter": Right.MANAGE,
        "team": Right.MANAGE,
        "status": Right.MANAGE,
        "blocking": Right.MANAGE,
        "score": Right.MANAGE,
        "tags": Right.MANAGE,
    }

    def to_representation(self, ticket: Ticket) -> dict[str, Any]:
        shown = super().to_representation(ticket)
        view, values = self.context["view"], ticket.values
        if not view.is_insider(ticket.project):
            shown["team"] = shown["score"] = None
            public = view.public_keys(ticket.feedback_type)
            values = {key: value for key, value in values.items() if key in public}
        shown["values"] = dict(sorted(values.items()))
        return shown

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        project = (attrs.get("feedback_type") or self.instance.feedback_type).project  # type: ignore[union-attr]
        if attrs.get("score", 0) is None:
            del attrs["score"]
        chosen = {name: attrs.get(name) for name in ("team", "status")}
        foreign = [name for name, row in chosen.items() if row and row.project != project]
        if foreign:
            problem = f"This is none of project “{project.key}”, where the ticket is."
            raise serializers.ValidationError({name: [problem] for name in foreign})
        status: Any = chosen["status"]
        moved = status and status != getattr(self.instance, "status", None)
        if moved and status.workflow.archived:
            problem = f"Its workflow “{status.workflow}” is archived. Choose another one."
            raise serializers.ValidationError({"status": [problem]})
        self._clean_values(attrs)
        return attrs

    def _clean_values(self, attrs: dict[str, Any]) -> None:
        """Check what is given for form fields and, of a new ticket, that what is required is."""
        ticket: Any = self.instance
        if ticket and "values" not in attrs:
            return
        feedback_type = ticket.feedback_type if ticket else attrs["feedback_type"]
        insider = self.context["view"].is_insider(feedback_type.project)
        fields = [field for field in feedback_type.fields if insider or field.public]
        current = ticket.values if ticket else {}
        try:
            attrs["values"] = clean_values(
                fields, attrs.get("values", {}), current, whole=ticket is None
            )
        except ValidationError as error:
            raise serializers.ValidationError({"values": by_field(error)}) from error

    def create(self, validated_data: dict[str, Any]) -> Ticket:
        feedback_type = validated_data.pop("feedback_type")
        project = feedback_type.project
        denied = [
            name
            for name, right in self.needs.items()
            if name in validated_data and not may(self.caller, right, project)
        ]
        if denied:
            raise PermissionDenied(f"You may not set {', '.join(denied)} of a new ticket.")
        ticket = submit_ticket(
            feedback_type,
            summary=validated_data.pop("summary"),
            description=validated_data.pop("description", ""),
            exposure=validated_data.pop("exposure", Exposure.PUBLIC),
            values=validated_data.pop("values"),
            submitter=validated_data.pop("submitter", None) or person_behind(self.caller),
        )
        return self.update(ticket, validated_data)

    def update(self, instance: Ticket, validated_data: dict[str, Any]) -> Ticket:
        if validated_data.pop("submitter", instance.submitter) != instance.submitter:
            raise ValidationError({"submitter": "Who submitted a ticket is not changed."})
        validated_data.pop("feedback_type", None)
        if "tags" in validated_data:
            validated_data["tags"] = tags_named(instance.project, validated_data["tags"])
        change_ticket(instance, actor=self.caller.name, **validated_data)
        return instance


class LinkSerializer(RowSerializer):
    example = {
        "system": "jira",
        "remote_key": "SANDBOX-12",
        "remote_id": "10012",
        "url": "https://jira.example.com/browse/SANDBOX-12",
    }
    also = {
        "anyOf": [
            {"required": [name], "properties": {name: NOT_BLANK}}
            for name in ("remote_key", "remote_id")
        ]
    }

    class Meta:
        model = TicketLink
        fields = ["id", "system", "remote_key", "remote_id", "url"]

    def create(self, validated_data: dict[str, Any]) -> TicketLink:
        validated_data.setdefault("system", TicketLink.System.JIRA)
        ticket = validated_data.pop("ticket")
        return link_ticket(ticket, actor=self.caller.name, **validated_data)


class CommentSerializer(RowSerializer):
    example: ClassVar[dict[str, Any]] = {"ticket": 1, "body": "Here too.", "exposure": "public"}
    author: Any = serializers.SlugRelatedField(
        slug_field="username", read_only=True, allow_null=True, help_text="Null: no person did it."
    )
    system = serializers.CharField(
        read_only=True, help_text="The outside system that it came from; “” for one of ours."
    )
    remote_id = serializers.CharField(read_only=True, help_text="What it is called over there.")

    class Meta:
        model = Comment
        fields = [
            "id",
            "ticket",
            "author",
            "actor",
            "cause",
            "body",
            "exposure",
            "system",
            "remote_id",
            "created_at",
        ]
        read_only_fields = ["actor", "cause"]

    def to_representation(self, comment: Comment) -> dict[str, Any]:
        """Where a comment comes from is, like links, for those inside."""
        shown = super().to_representation(comment)
        insider = self.context["view"].is_insider(comment.ticket.project)
        shown["actor"], shown["cause"] = behind(comment.actor, comment.cause, insider)
        return shown if insider else shown | {"system": "", "remote_id": ""}

    def create(self, validated_data: dict[str, Any]) -> Comment:
        ticket = validated_data["ticket"]
        if "exposure" in validated_data and not may(self.caller, Right.INSIDE, ticket.project):
            raise PermissionDenied("Who reads a comment is for those who work in the project.")
        return add_comment(actor=self.caller.name, author=self.caller.person, **validated_data)


class TicketCommentSerializer(CommentSerializer):
    """The same, below the ticket's own address."""

    example = {"body": "Here too.", "exposure": "public"}

    class Meta(CommentSerializer.Meta):
        read_only_fields = ["ticket", "actor", "cause"]


class DataSerializer(RowSerializer):
    content = serializers.JSONField(help_text="As the outside system told it.")

    class Meta:
        model = TicketData
        fields = ["name", "content", "updated_at"]


@extend_schema_field({"nullable": True})
class ValueField(serializers.JSONField):
    """A value of a ``TicketChange``: rows by their names."""

    def to_representation(self, value: Any) -> Any:
        return value["name"] if isinstance(value, dict) else value


class ChangeSerializer(RowSerializer):
    before = ValueField(help_text="Text, a truth value, a list of names, or null.")
    after = ValueField(help_text="The same.")
    cause = serializers.CharField(help_text="The id of the execution behind it; “” for people.")

    class Meta:
        model = TicketChange
        fields = ["id", "field", "before", "after", "actor", "cause", "created_at"]

    def to_representation(self, change: TicketChange) -> dict[str, Any]:
        shown = super().to_representation(change)
        insider = self.context["view"].is_insider(change.ticket.project)
        shown["actor"], shown["cause"] = behind(change.actor, change.cause, insider)
        return shown
