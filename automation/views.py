"""The REST resources of automation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from access.rules import may_change
from automation import record_serializers as records
from automation import rehearsal_serializers as rehearsals
from automation import serializers
from automation.actions import ACTIONS
from automation.by_hand import run_by_hand, runnable, undo
from automation.listener_pages import records_of_listener
from automation.macro_users import records_of_macro, users_of_macro
from automation.models import Delivery, Execution, ExternalListener, Macro, Outgoing
from automation.params_schema import params_schema
from automation.ran import VERSIONS
from automation.rehearsals import (
    NOT_REHEARSED,
    may_be_rehearsed,
    rehearse,
    rehearse_days,
    whole,
)
from automation.rest_filters import (
    DeliveryFilterSet,
    ExecutionFilterSet,
    ListenerFilterSet,
    OutgoingFilterSet,
)
from automation.restoring import restore_listener, restore_macro
from automation.runs import rehearsal
from automation.shown_runs import Leaving, ShownRun, changes_of, shown_runs
from feedback.models import Ticket, TicketChange, Version
from feedback.rest_filters import OfTypeFilterSet
from feedback.version_views import Versioned
from feedback.views import BY_NAME, OfType
from rest.errors import Conflict
from rest.views import DeletableResource, Resource

PUBLIC_ID = "[0-9a-f]{32}"
KEPT = ("body", "headers")  # of a delivery, what a list does not show


class ShowsRuns:
    """Executions with all that each changed, which ``ExecutionSerializer`` asks for."""

    changes: dict[str, list[TicketChange]] = defaultdict(list)
    leaving: dict[str, list[Leaving]] = defaultdict(list)
    without_effect: Sequence[str] = ("rehearse",)

    def with_changes(self: Any, executions: Iterable[Execution]) -> list[Execution]:
        executions = list(executions)
        self.changes = changes_of(executions, self.caller)
        return executions

    def shown_run(self: Any, execution: Execution) -> Response:
        (run,) = self.with_changes([execution])
        context = self.get_serializer_context()
        return Response(records.ExecutionSerializer(run, context=context).data)

    def rehearsed(self: Any, runs: Iterable[ShownRun], answer: Any, shape: Any) -> Response:
        """``answer`` as ``shape`` has it, which shows ``runs``."""
        self.changes = {each.run.public_id: each.changes for each in runs}
        self.leaving = {each.run.public_id: each.leaving for each in runs}
        return Response(shape(answer, context=self.get_serializer_context()).data)


class MacroView(ShowsRuns, Versioned, OfType, DeletableResource):
    """Macros: what they do to a ticket, one action after the other."""

    model = Macro
    serializer_class = serializers.MacroSerializer
    filterset_class = OfTypeFilterSet
    related = ("feedback_type__project",)
    many_related = ("actions",)
    ordering_fields = BY_NAME

    def users_of(self, row: Macro) -> list[str]:
        return [use.name for use in (*users_of_macro(row), *records_of_macro(row))]

    def go_back(self, row: Macro, version: Version) -> Macro:
        return restore_macro(row, version, actor=self.caller.name)

    @extend_schema(
        responses={200: {"type": "array", "items": {"type": "object", "additionalProperties": {}}}},
        filters=False,
        parameters=[],
    )
    @action(detail=False, pagination_class=None, filterset_class=None)
    def actions(self, request: Request, **kwargs: Any) -> Response:
        """The kinds of actions that there are, each with a JSON schema of its ``params``."""
        kinds = ACTIONS.values()
        return Response(
            [
                {
                    "kind": each.kind,
                    "label": each.label,
                    "group": each.group.value,
                    "repeatable": each.repeatable,
                    "params": params_schema(each.Form),
                }
                for each in kinds
            ]
        )

    def get_queryset(self) -> QuerySet[Macro]:
        if self.action in ("run", "rehearse"):
            return runnable(self.caller).prefetch_related("actions")
        return super().get_queryset()

    @extend_schema(
        request=records.OnTicketSerializer,
        responses={200: records.ExecutionSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=records.OnTicketSerializer)
    def run(self, request: Request, **kwargs: Any) -> Response:
        """Run the macro on a ticket, at once."""
        macro, ticket = self.get_object(), self._ticket_to_run_on()
        return self.shown_run(run_by_hand(macro, ticket, self.caller))

    @extend_schema(
        request=records.OnTicketSerializer,
        responses={200: rehearsals.TriedSerializer},
    )
    @action(detail=True, methods=["post"], serializer_class=records.OnTicketSerializer)
    def rehearse(self, request: Request, **kwargs: Any) -> Response:
        """Try the macro on a ticket: what a run would do, of which nothing stays."""
        macro, ticket = self.get_object(), self._ticket_to_run_on()
        with rehearsal():
            (tried,) = shown_runs([run_by_hand(macro, ticket, self.caller)], self.caller)
            return self.rehearsed([tried], tried.run, rehearsals.TriedSerializer)

    def _ticket_to_run_on(self) -> Ticket:
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        ticket: Ticket = serializer.validated_data["ticket"]
        self._only(may_change(ticket, self.caller))
        kind = self.get_object().feedback_type
        if ticket.feedback_type_id != kind.pk:
            problem = f"{ticket} is one of {ticket.feedback_type}; the macro is for {kind}."
            raise ValidationError({"ticket": [problem]})
        return ticket


class ListenerView(ShowsRuns, Versioned, OfType, DeletableResource):
    """External listeners: addresses that trackers call; mostly, each runs a macro."""

    model = ExternalListener
    serializer_class = serializers.ListenerSerializer
    filterset_class = ListenerFilterSet
    related = ("project", "feedback_type__project", "macro", "filter")
    many_related = ("status_rows", "protected_statuses")
    ordering_fields = {**BY_NAME, "key": "key"}
    instead = "Switch it off instead."

    def unshown(self, row: ExternalListener) -> str:
        return row.secret

    def users_of(self, row: ExternalListener) -> list[str]:
        return [use.name for use in records_of_listener(row)]

    def go_back(self, row: ExternalListener, version: Version) -> ExternalListener:
        return restore_listener(row, version, actor=self.caller.name)

    @extend_schema(
        request=rehearsals.DaysSerializer, responses={200: rehearsals.RehearsedDaysSerializer}
    )
    @action(detail=True, methods=["post"], serializer_class=rehearsals.DaysSerializer)
    def rehearse(self, request: Request, **kwargs: Any) -> Response:
        """Try the requests of the last days, each as if it came alone and now; nothing stays."""
        listener = self.get_object()
        self._only(may_change(listener, self.caller))
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        found = rehearse_days(listener, given.validated_data["days"], self.caller)
        runs = [run for each in found.rehearsed for run in each.runs]
        return self.rehearsed(runs, found, rehearsals.RehearsedDaysSerializer)


class DeliveryView(ShowsRuns, Resource):
    """Requests to listeners, as they came, and what became of each, newest first."""

    model = Delivery
    serializer_class = records.DeliverySerializer
    filterset_class = DeliveryFilterSet
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_regex = PUBLIC_ID
    related = ("project", "listener", "api_key", "duplicate_of", "whole")
    many_related = ("executions__ticket__feedback_type",)
    ordering = ("-pk",)
    ordering_fields = {"id": "pk", "received_at": "received_at"}

    def get_queryset(self) -> QuerySet[Delivery]:
        unasked = [f"{other}__{kept}" for other in ("duplicate_of", "whole") for kept in KEPT]
        rows = super().get_queryset().defer(*unasked)
        return rows if self.detail else rows.defer(*KEPT)

    def get_serializer_class(self) -> Any:
        return records.WholeDeliverySerializer if self.detail else self.serializer_class

    @extend_schema(request=None, responses={200: rehearsals.RehearsedSerializer})
    @action(detail=True, methods=["post"])
    def rehearse(self, request: Request, **kwargs: Any) -> Response:
        """Try the request as one that comes now, with the listener of today; nothing stays."""
        delivery = whole(self.get_object().pk)
        if delivery is None or not may_be_rehearsed(delivery):
            raise Conflict(NOT_REHEARSED)
        found = rehearse(delivery, self.caller)
        return self.rehearsed(found.runs, found, rehearsals.RehearsedSerializer)


class ExecutionView(ShowsRuns, Resource):
    """Runs of macros on tickets, with all that each changed, newest first."""

    model = Execution
    serializer_class = records.ExecutionSerializer
    filterset_class = ExecutionFilterSet
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_regex = PUBLIC_ID
    related = (
        *("delivery", "bulk", "undoes", "after", "macro", "ticket__feedback_type__project"),
        *VERSIONS,
    )
    many_related = ("steps",)
    ordering = ("-pk",)
    ordering_fields = {"id": "pk", "created_at": "created_at"}

    def get_queryset(self) -> QuerySet[Execution]:
        versions = [f"{name}__{kept}" for name in VERSIONS for kept in ("content", "lines")]
        return super().get_queryset().defer("delivery__body", "delivery__headers", *versions)

    def paginate_queryset(self, queryset: Any) -> Any:
        return self.with_changes(super().paginate_queryset(queryset) or ())

    def get_object(self) -> Execution:
        return self.with_changes([super().get_object()])[0]

    @extend_schema(request=records.UndoSerializer, responses={200: records.ExecutionSerializer})
    @action(detail=True, methods=["post"], serializer_class=records.UndoSerializer)
    def undo(self, request: Request, **kwargs: Any) -> Response:
        """Take back what the run did, by a run of its own."""
        run = self.get_object()
        if not may_change(run.ticket, self.caller):
            raise PermissionDenied("You may not change this ticket: ask who manages the project.")
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        even = serializer.validated_data.get("even", [])
        return self.shown_run(undo(run, self.caller, even=even))


class OutgoingView(Resource):
    """Mail and calls that macros caused, and what became of each, newest first."""

    model = Outgoing
    serializer_class = records.OutgoingSerializer
    filterset_class = OutgoingFilterSet
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_regex = PUBLIC_ID
    related = ("project", "execution", "ticket__feedback_type", "merged_into")
    ordering = ("-pk",)
    ordering_fields = {"id": "pk", "created_at": "created_at", "sent_at": "sent_at"}

    def get_queryset(self) -> QuerySet[Outgoing]:
        rows = super().get_queryset().defer("merged_into__content", "merged_into__answer")
        return rows if self.detail else rows.defer("content", "answer")

    def get_serializer_class(self) -> Any:
        return records.WholeOutgoingSerializer if self.detail else self.serializer_class
