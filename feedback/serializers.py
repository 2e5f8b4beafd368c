from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from access.rules import Right, may
from feedback.filters import clean_groups
from feedback.models import (
    Comment,
    Exposure,
    FeedbackType,
    Project,
    SavedFilter,
    Status,
    Tag,
    Team,
    Ticket,
    TicketChange,
    TicketLink,
    Workflow,
)
from feedback.services import (
    add_comment,
    change_ticket,
    create_project,
    link_ticket,
    person_behind,
    save_filter,
    submit_ticket,
    tags_named,
)
from feedback.timeline import behind
from rest.fields import LowerCaseField, NameField, RowField, StrictCharField, UpperCaseField
from rest.serializers import RowSerializer

ONLY_COMMUNITY = "Who is in a team, and what that means, is for community managers to say."


def project_field(**options: Any) -> NameField:
    """A project, named by its key."""
    return NameField(slug_field="key", queryset=Project.objects.all(), **options)


class ProjectSerializer(RowSerializer):
    key = LowerCaseField(max_length=50)

    class Meta:
        model = Project
        fields = ["id", "key", "name", "archived"]

    def create(self, validated_data: dict[str, Any]) -> Project:
        project = create_project(validated_data["key"], validated_data["name"])
        return self.update(project, validated_data)


class PersonField(serializers.SlugRelatedField):
    """A person, named by the user name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(slug_field="username", queryset=User.objects.all(), **options)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class MemberField(PersonField):
    def to_internal_value(self, data: Any) -> Any:
        if not self.context["view"].caller.runs_community:
            raise PermissionDenied(ONLY_COMMUNITY)
        return super().to_internal_value(data)


class TeamSerializer(RowSerializer):
    fixed = ("project",)
    project = project_field()
    members = MemberField(many=True, required=False, help_text="User names.")

    class Meta:
        model = Team
        fields = ["id", "project", "name", "kind", "members", "archived"]

    def keep(self, row: Team, values: dict[str, Any]) -> Team:
        regrouped = row.pk and values.get("kind", row.kind) != row.kind
        if regrouped and not self.caller.runs_community:
            raise PermissionDenied(ONLY_COMMUNITY)
        members = values.pop("members", None)
        super().keep(row, values)
        if members is not None:
            row.members.set(members)
        return row


class WorkflowSerializer(RowSerializer):
    fixed = ("project",)
    project = project_field()

    class Meta:
        model = Workflow
        fields = ["id", "project", "name", "archived"]


class StatusSerializer(RowSerializer):
    fixed = ("workflow",)
    project: Any = serializers.SlugRelatedField(
        slug_field="key", source="workflow.project", read_only=True
    )

    class Meta:
        model = Status
        fields = ["id", "project", "workflow", "name", "category", "order", "archived"]


class FeedbackTypeSerializer(RowSerializer):
    fixed = ("project",)
    project = project_field()
    prefix = UpperCaseField(max_length=10)

    class Meta:
        model = FeedbackType
        fields = ["id", "project", "name", "prefix", "default_workflow", "archived"]


class TagSerializer(RowSerializer):
    fixed = ("project",)
    project = project_field()

    class Meta:
        model = Tag
        fields = ["id", "project", "name"]


class OfTypeSerializer(RowSerializer):
    """A part of a feedback type, whose project need not be named, but may."""

    fixed = ("feedback_type",)
    project = project_field(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        feedback_type = attrs.get("feedback_type") or self.instance.feedback_type  # type: ignore[union-attr]
        project = attrs.pop("project", feedback_type.project)
        if project != feedback_type.project:
            problem = f"The feedback type is one of project “{feedback_type.project.key}”."
            raise serializers.ValidationError({"project": [problem]})
        return attrs


class SavedFilterSerializer(OfTypeSerializer):
    groups = serializers.ListField(
        child=serializers.DictField(),
        help_text='Such as [{"status": [1, 2]}, {"tags__not": ["known"], "blocking": "true"}]: '
        "all of a group, any of the groups.",
    )

    class Meta:
        model = SavedFilter
        fields = ["id", "project", "feedback_type", "name", "groups", "archived"]

    def keep(self, row: SavedFilter, values: dict[str, Any]) -> SavedFilter:
        for name, value in values.items():
            setattr(row, name, value)
        try:
            clean_groups(row.groups, row.feedback_type)
        except ValidationError as error:
            raise ValidationError({"groups": error.messages}) from error
        return save_filter(row)


class TagsField(serializers.ListField):
    child = StrictCharField(max_length=50)

    def to_representation(self, data: Any) -> list[str]:
        return sorted(tag.name for tag in data.all())


class TicketSerializer(OfTypeSerializer):
    ref = serializers.CharField(read_only=True)
    submitter = PersonField(required=False, help_text="A user name; yours where it is left out.")
    status = RowField(queryset=Status.objects.all(), required=False)
    tags = TagsField(required=False, help_text="Names; new ones are made.")

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
            "tags",
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
        "tags": Right.MANAGE,
    }

    def to_representation(self, ticket: Ticket) -> dict[str, Any]:
        shown = super().to_representation(ticket)
        if not self.context["view"].is_insider(ticket.project):
            shown["team"] = None
        return shown

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        archived = [
            name
            for name in ("team", "status", "feedback_type")
            if getattr(attrs.get(name), "archived", False)
            and attrs[name] != getattr(self.instance, name, None)
        ]
        if archived:
            problem = "This is archived: it is no longer offered."
            raise serializers.ValidationError({name: [problem] for name in archived})
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Ticket:
        feedback_type = validated_data.pop("feedback_type")
        project = feedback_type.project
        if project.archived:
            raise ValidationError({"feedback_type": f"Project “{project}” is archived."})
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
    class Meta:
        model = TicketLink
        fields = ["id", "system", "remote_key", "remote_id", "url"]

    def create(self, validated_data: dict[str, Any]) -> TicketLink:
        validated_data.setdefault("system", TicketLink.System.JIRA)
        ticket = validated_data.pop("ticket")
        return link_ticket(ticket, actor=self.caller.name, **validated_data)


class CommentSerializer(RowSerializer):
    author: Any = serializers.SlugRelatedField(slug_field="username", read_only=True)

    class Meta:
        model = Comment
        fields = ["id", "ticket", "author", "actor", "cause", "body", "exposure", "created_at"]
        read_only_fields = ["actor", "cause"]

    def to_representation(self, comment: Comment) -> dict[str, Any]:
        shown = super().to_representation(comment)
        insider = self.context["view"].is_insider(comment.ticket.project)
        shown["actor"], shown["cause"] = behind(comment.actor, comment.cause, insider)
        return shown

    def create(self, validated_data: dict[str, Any]) -> Comment:
        ticket = validated_data["ticket"]
        if "exposure" in validated_data and not may(self.caller, Right.INSIDE, ticket.project):
            raise PermissionDenied("Who reads a comment is for those who work in the project.")
        return add_comment(actor=self.caller.name, author=self.caller.person, **validated_data)


class TicketCommentSerializer(CommentSerializer):
    """The same, below the ticket's own address."""

    class Meta(CommentSerializer.Meta):
        read_only_fields = ["ticket", "actor", "cause"]


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
