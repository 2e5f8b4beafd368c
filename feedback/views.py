"""The REST resources of feedback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from access.rules import Right, may_change, may_make, seen
from feedback import rest_filters, serializers, ticket_serializers
from feedback.field_serializers import FormFieldSerializer
from feedback.filters import Filters, takes_several
from feedback.form_fields import users_of_field
from feedback.models import (
    Comment,
    FeedbackType,
    FormField,
    PersonNote,
    Project,
    SavedFilter,
    Standing,
    Status,
    Tag,
    Team,
    Ticket,
    TicketChange,
    TicketData,
    TicketLink,
    Version,
    Workflow,
)
from feedback.protection import users_of
from feedback.saved_filters import restore_filter
from feedback.services import unlink_ticket
from feedback.version_views import Versioned
from rest.views import ID, DeletableResource, Resource, WritableResource

BY_NAME = {"id": "pk", "name": "name"}


class PartView(DeletableResource):
    """A part of a project: seen by those inside, changed by its project managers."""

    related: Sequence[str] = ("project",)
    ordering_fields = BY_NAME

    def project_of(self, values: Mapping[str, Any]) -> Project:
        return values["project"]

    def users_of(self, row: Any) -> list[str]:
        return [use.name for use in users_of(row)]


class ProjectView(PartView):
    """Projects, named by their keys. A new one comes with teams, a workflow and two types."""

    model = Project
    serializer_class = serializers.ProjectSerializer
    filterset_class = rest_filters.ProjectFilterSet
    related = ()
    lookup_field = "key"
    lookup_value_regex = "[A-Za-z0-9_-]{1,50}"
    ordering_fields = {**BY_NAME, "key": "key"}

    def get_object(self) -> Any:
        self.kwargs["key"] = self.kwargs["key"].lower()
        return super().get_object()


class TeamView(PartView):
    """Teams and, by user name, who is in them; only community managers change that."""

    model = Team
    serializer_class = serializers.TeamSerializer
    filterset_class = rest_filters.TeamFilterSet
    many_related = ("members",)

    def users_of(self, row: Any) -> list[str]:
        people = [] if self.caller.runs_community else row.members.all()[:20]
        return [*super().users_of(row), *(str(person) for person in people)]


class WorkflowView(PartView):
    """Workflows; their statuses are a resource of their own."""

    model = Workflow
    serializer_class = serializers.WorkflowSerializer
    filterset_class = rest_filters.PartFilterSet


class StatusView(PartView):
    """The statuses of workflows, in their order."""

    model = Status
    serializer_class = serializers.StatusSerializer
    filterset_class = rest_filters.StatusFilterSet
    related = ("workflow__project",)
    ordering = ("workflow", "order", "pk")
    ordering_fields = {**BY_NAME, "order": "order"}

    def project_of(self, values: Mapping[str, Any]) -> Project:
        return values["workflow"].project


class FeedbackTypeView(PartView):
    """Feedback types, such as Bugs, whose tickets are BUG-0001 and so on."""

    model = FeedbackType
    serializer_class = serializers.FeedbackTypeSerializer
    filterset_class = rest_filters.FeedbackTypeFilterSet
    ordering_fields = {**BY_NAME, "prefix": "prefix"}


class TagView(PartView):
    """The tags of a project's tickets."""

    model = Tag
    serializer_class = serializers.TagSerializer
    filterset_class = rest_filters.TagFilterSet
    instead = "Take it off them first."


class OfType:
    """A part of a feedback type."""

    def project_of(self, values: Mapping[str, Any]) -> Project:
        return values["feedback_type"].project


class SavedFilterView(Versioned, OfType, PartView):
    """Saved filters: groups of the parameters by which tickets are filtered."""

    model = SavedFilter
    related = ("feedback_type__project",)
    serializer_class = serializers.SavedFilterSerializer
    filterset_class = rest_filters.OfTypeFilterSet

    def go_back(self, row: SavedFilter, version: Version) -> SavedFilter:
        return restore_filter(row, version, actor=self.caller.name)


class Insiders:
    """Whether the caller works in a project, asked once for all of them."""

    @cached_property
    def worked_in(self: Any) -> set[int]:
        projects = Project.objects.giving(self.caller, Right.INSIDE)
        return set(projects.values_list("pk", flat=True))

    def is_insider(self, project: Project) -> bool:
        return project.pk in self.worked_in


class FormFieldView(Insiders, OfType, PartView):
    """Form fields: what the tickets of a feedback type are asked for, beside their own fields."""

    model = FormField
    related = ("feedback_type__project",)
    serializer_class = FormFieldSerializer
    filterset_class = rest_filters.FormFieldFilterSet
    ordering = ("feedback_type", "order", "pk")
    ordering_fields = {"id": "pk", "key": "key", "label": "label", "order": "order"}

    def users_of(self, row: FormField) -> list[str]:
        return [use.name for use in users_of_field(row)]


class TicketView(Insiders, OfType, WritableResource):
    """Tickets: found by the filters of the pages, changed with a history, never deleted.

    With ``feedback_type`` in the address they are found by its form fields too: ``field.KEY``,
    ``field.KEY__not``, and, of numbers, dates and ratings, ``field.KEY__min`` and
    ``field.KEY__max``.
    """

    model = Ticket
    serializer_class = ticket_serializers.TicketSerializer
    filterset_class = rest_filters.RestTicketFilterSet
    related = ("feedback_type__project", "status__workflow", "team", "submitter")
    many_related = ("tags",)
    ordering = ("-pk",)
    ordering_fields = {
        "id": "pk",
        "ref": "number",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "summary": "summary",
    }

    @extend_schema(responses=ticket_serializers.LinkSerializer(many=True), filters=False)
    @action(detail=True, serializer_class=ticket_serializers.LinkSerializer)
    def links(self, request: Request, **kwargs: Any) -> Response:
        """The items of outside systems that stand for this ticket."""
        return self._page(seen(TicketLink, self.caller).filter(ticket=self.get_object()))

    @extend_schema(responses={201: ticket_serializers.LinkSerializer})
    @links.mapping.post
    def add_link(self, request: Request, **kwargs: Any) -> Response:
        """Let an outside item stand for this ticket."""
        return self._add(TicketLink)

    @extend_schema(
        responses={204: None}, parameters=[OpenApiParameter("link", int, OpenApiParameter.PATH)]
    )
    @action(detail=True, methods=["delete"], url_path=f"links/(?P<link>{ID})")
    def link(self, request: Request, link: str, **kwargs: Any) -> Response:
        """Take a link away."""
        links = seen(TicketLink, self.caller).select_for_update(of=("self",))
        with transaction.atomic():
            own = get_object_or_404(links, ticket=self.get_object(), pk=link)
            self._only(may_change(own, self.caller))
            unlink_ticket(own, actor=self.caller.name)
        return Response(status=204)

    @extend_schema(responses=ticket_serializers.TicketCommentSerializer(many=True), filters=False)
    @action(detail=True, serializer_class=ticket_serializers.TicketCommentSerializer)
    def comments(self, request: Request, **kwargs: Any) -> Response:
        """What was said about this ticket."""
        own = seen(Comment, self.caller).filter(ticket=self.get_object())
        return self._page(own.select_related("author", "ticket__feedback_type__project"))

    @extend_schema(responses={201: ticket_serializers.TicketCommentSerializer})
    @comments.mapping.post
    def add_comment(self, request: Request, **kwargs: Any) -> Response:
        """Say something about this ticket."""
        return self._add(Comment)

    @extend_schema(responses=ticket_serializers.DataSerializer(many=True), filters=False)
    @action(detail=True, serializer_class=ticket_serializers.DataSerializer)
    def data(self, request: Request, **kwargs: Any) -> Response:
        """What outside systems last told about this ticket, kept by listeners of custom data."""
        return self._page(seen(TicketData, self.caller).filter(ticket=self.get_object()))

    @extend_schema(responses=ticket_serializers.ChangeSerializer(many=True), filters=False)
    @action(detail=True, serializer_class=ticket_serializers.ChangeSerializer)
    def history(self, request: Request, **kwargs: Any) -> Response:
        """What was changed, oldest first: by whom, and by which execution."""
        changes = seen(TicketChange, self.caller).filter(ticket=self.get_object())
        return self._page(changes.select_related("ticket__feedback_type__project"))

    @cached_property
    def filters_there(self) -> Filters:
        return rest_filters.ticket_filters(self.request.query_params, self.caller)

    def known_parameters(self) -> set[str]:
        if self.action in ("links", "comments", "data", "history"):
            return {"page", "page_size"}
        known = super().known_parameters()
        return {*known, *self.filters_there} if known else known

    def repeatable_parameters(self) -> set[str]:
        if not self.known_parameters():
            return set()
        return {name for name, each in self.filters_there.items() if takes_several(each)}

    def public_keys(self, feedback_type: FeedbackType) -> set[str]:
        """The keys of the form fields whose values everybody sees who sees a ticket."""
        found = self._public_keys.get(feedback_type.pk)
        if found is None:
            found = {field.key for field in feedback_type.fields if field.public}
            self._public_keys[feedback_type.pk] = found
        return found

    @cached_property
    def _public_keys(self) -> dict[int, set[str]]:
        return {}

    def _page(self, rows: Any) -> Response:
        shown = self.get_serializer(self.paginate_queryset(rows), many=True).data
        return self.get_paginated_response(shown)

    def _add(self, model: type[Any]) -> Response:
        ticket = self.get_object()
        self._only(may_make(model, self.caller, ticket.project))
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return Response(self.get_serializer(serializer.save(ticket=ticket)).data, status=201)


class RankPointsView(Resource):
    """Rank points of people in projects, which macros add, subtract and set."""

    model = Standing
    serializer_class = serializers.RankPointsSerializer
    filterset_class = rest_filters.PersonFilterSet
    related = ("project", "person")
    ordering_fields = {"id": "pk", "points": "points"}


class PersonNoteView(Resource):
    """What macros noted about people, for those who work in the project."""

    model = PersonNote
    serializer_class = serializers.NoteSerializer
    filterset_class = rest_filters.PersonFilterSet
    related = ("project", "person")
    ordering_fields = {"id": "pk", "created_at": "created_at"}


class CommentView(Insiders, Resource):
    """Comments on tickets: added, never changed."""

    model = Comment
    serializer_class = ticket_serializers.CommentSerializer
    filterset_class = rest_filters.CommentFilterSet
    related = ("author", "ticket__feedback_type__project")
    ordering_fields = {"id": "pk", "created_at": "created_at"}

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        ticket = serializer.validated_data["ticket"]
        if not may_make(Comment, self.caller, ticket.project):
            raise PermissionDenied("Observers only read.")
        return Response(self.get_serializer(serializer.save()).data, status=201)
