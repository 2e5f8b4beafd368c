from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from access.rules import seen
from feedback.errors import GroupsRefused
from feedback.filter_groups import MOST_GROUPS
from feedback.filter_versions import keep_filter
from feedback.furnishing import create_project
from feedback.groups_schema import groups_schema
from feedback.models import (
    FeedbackType,
    PersonNote,
    Project,
    SavedFilter,
    Standing,
    Status,
    Tag,
    Team,
    Version,
    Workflow,
)
from feedback.people import note_regrouped
from feedback.saved_filters import save_filter
from rest.fields import (
    LONGEST_NAME,
    LowerCaseField,
    NameField,
    StrictCharField,
    StrictIntegerField,
    UpperCaseField,
)
from rest.serializers import RowSerializer

ONLY_COMMUNITY = "Who is in a team, and what that means, is for community managers to say."


def project_field(**options: Any) -> NameField:
    """A project, named by its key."""
    options.setdefault("help_text", "Its key.")
    return NameField(slug_field="key", queryset=Project.objects.all(), **options)


@extend_schema_field({"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9_-]*$"})
class KeyField(LowerCaseField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=50, trim_whitespace=False, **options)


@extend_schema_field({"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9]*$"})
class PrefixField(UpperCaseField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=10, trim_whitespace=False, **options)


class ProjectSerializer(RowSerializer):
    example = {"key": "gamma", "name": "Gamma"}
    key = KeyField()

    class Meta:
        model = Project
        fields = ["id", "key", "name", "archived"]

    def create(self, validated_data: dict[str, Any]) -> Project:
        project = create_project(validated_data["key"], validated_data["name"])
        return self.update(project, validated_data)


class PersonField(NameField):
    """A person, by the user name."""

    lookup = "exact"

    def __init__(self, **options: Any) -> None:
        super().__init__(slug_field="username", queryset=User.objects.all(), **options)

    def get_queryset(self) -> Any:
        return seen(User, self.context["view"].caller)


class PeopleField(serializers.ListField):
    """People by their user names, looked up together."""

    child = StrictCharField(max_length=LONGEST_NAME)

    def to_representation(self, data: Any) -> list[str]:
        return sorted(person.get_username() for person in data.all())

    def to_internal_value(self, data: Any) -> list[User]:
        names = {*super().to_internal_value(data)}
        known = seen(User, self.context["view"].caller).filter(username__in=names)
        found = {person.username: person for person in known}
        if unknown := sorted(names - found.keys()):
            problem = f"There is nobody called “{unknown[0]}” whom you may name."
            raise serializers.ValidationError(problem)
        return [*found.values()]


class TeamSerializer(RowSerializer):
    fixed = ("project",)
    example = {"project": "beta", "name": "Testers in Europe", "kind": "participant"}
    project = project_field()
    members = PeopleField(required=False, help_text="User names.")

    class Meta:
        model = Team
        fields = ["id", "project", "name", "kind", "members", "archived"]

    def keep(self, row: Team, values: dict[str, Any]) -> Team:
        members = values.pop("members", None)
        regrouped = row.pk and values.get("kind", row.kind) != row.kind
        joined = members is not None and {*members} != {*(row.members.all() if row.pk else ())}
        if (regrouped or joined) and not self.caller.runs_community:
            raise PermissionDenied(ONLY_COMMUNITY)
        super().keep(row, values)
        if members is not None:
            moved = {*row.members.all()} ^ {*members}
            row.members.set(members)
            note_regrouped(moved, [row], actor=self.caller.name)
        return row


class WorkflowSerializer(RowSerializer):
    fixed = ("project",)
    example = {"project": "beta", "name": "Ideas"}
    project = project_field()

    class Meta:
        model = Workflow
        fields = ["id", "project", "name", "archived"]


class FeedbackTypeSerializer(RowSerializer):
    fixed = ("project",)
    example = {"project": "beta", "name": "Questions", "prefix": "ASK", "default_workflow": 1}
    project = project_field()
    prefix = PrefixField()

    class Meta:
        model = FeedbackType
        fields = ["id", "project", "name", "prefix", "default_workflow", "archived"]


class TagSerializer(RowSerializer):
    fixed = ("project",)
    example = {"project": "beta", "name": "battery"}
    project = project_field()

    class Meta:
        model = Tag
        fields = ["id", "project", "name"]


class InsideSerializer(RowSerializer):
    """Inside what has a project, which need not be named then, but may."""

    inside: ClassVar[str]
    project = project_field(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        whole = attrs.get(self.inside) or getattr(self.instance, self.inside)
        if attrs.pop("project", whole.project) != whole.project:
            problem = f"“{whole}” is one of project “{whole.project.key}”."
            raise serializers.ValidationError({"project": [problem]})
        if self.instance is None and whole.project.archived:
            problem = f"Project “{whole.project}” is archived: nothing new is made in it."
            raise serializers.ValidationError({self.inside: [problem]})
        return attrs


class StatusSerializer(InsideSerializer):
    inside, fixed = "workflow", ("workflow",)
    example = {"workflow": 1, "name": "Waiting for you", "category": "open", "order": 3}
    order = StrictIntegerField(min_value=0, max_value=32767, required=False)

    class Meta:
        model = Status
        fields = ["id", "project", "workflow", "name", "category", "order", "archived"]


class OfTypeSerializer(InsideSerializer):
    inside = "feedback_type"
    fixed: ClassVar[Sequence[str]] = ("feedback_type",)


@extend_schema_field(groups_schema())
class GroupsField(serializers.ListField):
    pass


class SavedFilterSerializer(OfTypeSerializer):
    example = {
        "project": "beta",
        "feedback_type": 1,
        "name": "Crashes, and what blocks",
        "groups": [{"status": ["New", "Open"], "search": "crash"}, {"blocking": True}],
    }
    groups = GroupsField(
        child=serializers.DictField(),
        allow_empty=False,
        max_length=MOST_GROUPS,
        help_text='Such as [{"status": [1, 2]}, {"tags__not": ["known"], "blocking": "true"}]: '
        "all of a group, any of the groups.",
    )

    class Meta:
        model = SavedFilter
        fields = ["id", "project", "feedback_type", "name", "groups", "archived"]

    def keep(self, row: SavedFilter, values: dict[str, Any]) -> SavedFilter:
        if "groups" not in values:
            kept: SavedFilter = super().keep(row, values)
            keep_filter(kept, actor=self.caller.name)
            return kept
        for name, value in values.items():
            setattr(row, name, value)
        try:
            return save_filter(row, actor=self.caller.name)
        except GroupsRefused as refused:
            raise serializers.ValidationError({"groups": refused.by_group}) from refused


class VersionSerializer(RowSerializer):
    content: Any = serializers.DictField(
        help_text="Its fields, rows by id; never a secret. versions/{number}/restore/ goes back."
    )
    lines: Any = serializers.ListField(
        child=serializers.CharField(),
        help_text="The same as people read it. Empty: from before versions were kept.",
    )

    class Meta:
        model = Version
        fields = ["number", "created_at", "actor", "restores", "lines", "content"]
        read_only_fields = fields


class RankPointsSerializer(RowSerializer):
    project: Any = serializers.SlugRelatedField(slug_field="key", read_only=True)
    person: Any = serializers.SlugRelatedField(slug_field="username", read_only=True)

    class Meta:
        model = Standing
        fields = ["id", "project", "person", "points"]
        read_only_fields = ["points"]


class NoteSerializer(RowSerializer):
    project: Any = serializers.SlugRelatedField(slug_field="key", read_only=True)
    person: Any = serializers.SlugRelatedField(slug_field="username", read_only=True)
    cause = serializers.CharField(help_text="The id of the execution behind it.")

    class Meta:
        model = PersonNote
        fields = ["id", "project", "person", "ticket", "body", "actor", "cause", "created_at"]
        read_only_fields = ["ticket", "body", "actor"]
