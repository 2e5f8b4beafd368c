"""The REST resources of automation."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from automation import serializers
from automation.actions import ACTIONS
from automation.delivery_page import changes_of
from automation.listener_pages import users_of_listener
from automation.macro_pages import users_of_macro
from automation.models import Delivery, Execution, ExternalListener, Macro
from automation.params_schema import params_schema
from automation.rest_filters import DeliveryFilterSet, ExecutionFilterSet, ListenerFilterSet
from feedback.models import TicketChange
from feedback.rest_filters import OfTypeFilterSet
from feedback.views import BY_NAME, OfType
from rest.views import DeletableResource, Resource

PUBLIC_ID = "[0-9a-f]{32}"
KEPT = ("body", "headers")  # of a delivery, what a list does not show


class MacroView(OfType, DeletableResource):
    """Macros: what they do to a ticket, one action after the other."""

    model = Macro
    serializer_class = serializers.MacroSerializer
    filterset_class = OfTypeFilterSet
    related = ("feedback_type__project",)
    many_related = ("actions",)
    ordering_fields = BY_NAME

    def users_of(self, row: Macro) -> list[str]:
        return users_of_macro(row)

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
                {"kind": each.kind, "label": each.label, "params": params_schema(each.Form)}
                for each in kinds
            ]
        )


class ListenerView(OfType, DeletableResource):
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
        return users_of_listener(row)


class DeliveryView(Resource):
    """Requests to listeners, as they came, and what became of each, newest first."""

    model = Delivery
    serializer_class = serializers.DeliverySerializer
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
        return serializers.WholeDeliverySerializer if self.detail else self.serializer_class


class ExecutionView(Resource):
    """Runs of macros on tickets, with all that each changed, newest first."""

    model = Execution
    serializer_class = serializers.ExecutionSerializer
    filterset_class = ExecutionFilterSet
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_regex = PUBLIC_ID
    related = ("delivery", "ticket__feedback_type")
    many_related = ("steps",)
    ordering = ("-pk",)
    ordering_fields = {"id": "pk", "created_at": "created_at"}
    changes: dict[str, list[TicketChange]] = defaultdict(list)

    def get_queryset(self) -> QuerySet[Execution]:
        return super().get_queryset().defer("delivery__body", "delivery__headers")

    def paginate_queryset(self, queryset: Any) -> Any:
        return self._with_changes(super().paginate_queryset(queryset))

    def get_object(self) -> Execution:
        return self._with_changes([super().get_object()])[0]

    def _with_changes(self, executions: Any) -> list[Execution]:
        executions = list(executions)
        self.changes = changes_of(executions, self.caller)
        return executions
