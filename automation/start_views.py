"""The REST resources of what starts macros: triggers, schedules, bulk runs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from access.rules import changeable, may_change, seen
from automation.bulk import cancel, may_cancel, start_bulk, undo_bulk
from automation.bulk_rehearsals import try_in_bulk
from automation.by_hand import runnable
from automation.models import BulkRun, Macro, Schedule, Trigger
from automation.record_serializers import UndoSerializer
from automation.rehearsal_serializers import TriedInBulkSerializer
from automation.rest_filters import BulkRunFilterSet, StartFilterSet
from automation.start_serializers import (
    BulkRunSerializer,
    NewBulkRunSerializer,
    ScheduleSerializer,
    TriggerSerializer,
)
from automation.triggers import watch
from automation.views import PUBLIC_ID, ShowsRuns
from feedback.models import Ticket
from feedback.views import BY_NAME, OfType
from rest.errors import Conflict
from rest.views import DeletableResource, Resource


class StartView(OfType, DeletableResource):
    filterset_class = StartFilterSet
    related = ("feedback_type__project", "macro", "filter")
    ordering_fields = BY_NAME
    instead = "Switch it off instead."


class TriggerView(StartView):
    """Triggers: each runs its macro when something happens to a ticket."""

    model = Trigger
    serializer_class = TriggerSerializer

    @transaction.atomic
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        kind = self.get_object().feedback_type
        answer = super().destroy(request, *args, **kwargs)
        watch(kind)
        return answer


class ScheduleView(StartView):
    """Schedules: each runs its macro at its times on the tickets within its filter."""

    model = Schedule
    serializer_class = ScheduleSerializer
    ordering_fields = {**BY_NAME, "next_run_at": "next_run_at"}


class BulkRunView(ShowsRuns, Resource):
    """Macros on many tickets, chosen when the run began; newest first."""

    model = BulkRun
    serializer_class = BulkRunSerializer
    filterset_class = BulkRunFilterSet
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_regex = PUBLIC_ID
    related = ("macro__feedback_type__project", "schedule", "undoes")
    ordering = ("-pk",)
    ordering_fields = {"id": "pk", "created_at": "created_at"}

    def get_queryset(self) -> QuerySet[BulkRun]:
        """Those of macros that the caller may look at, or run."""
        if getattr(self, "swagger_fake_view", False):
            return BulkRun.objects.none()
        macros = runnable(self.caller).values("pk") | seen(Macro, self.caller).values("pk")
        rows = BulkRun.objects.filter(macro__in=macros).select_related(*self.related)
        return rows.annotate(left=Count("waiting"))

    def offered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        if rows.model is Macro:
            return rows.filter(pk__in=runnable(self.caller).values("pk"))
        return super().offered(rows)

    def check_told(self, answer: Any) -> None:
        public_id = self.kwargs.get("id") or answer["id"]
        get_object_or_404(self.get_queryset(), public_id=public_id)

    @extend_schema(request=NewBulkRunSerializer, responses={201: BulkRunSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let a macro run on the tickets that are meant now and that you may change."""
        new = self._new()
        macro = new.validated_data["macro"]
        tickets, chosen = new.narrowed(changeable(Ticket, self.caller))
        actor = f"{self.caller.name} → {macro}"
        person, within = self.caller.person, new.validated_data.get("filter")
        try:
            run = start_bulk(
                macro, tickets, chosen=chosen, actor=actor, started_by=person, within=within
            )
        except ValidationError as error:
            raise serializers.ValidationError({"params": error.messages}) from error
        return self._shown(run, status.HTTP_201_CREATED)

    @extend_schema(request=NewBulkRunSerializer, responses={200: TriedInBulkSerializer})
    @action(detail=False, methods=["post"], serializer_class=NewBulkRunSerializer)
    def rehearse(self, request: Request, **kwargs: Any) -> Response:
        """Try the macro on the first tickets that are meant: nothing of it stays."""
        new = self._new()
        macro = new.validated_data["macro"]
        tickets, chosen = new.narrowed(changeable(Ticket, self.caller))
        tried = try_in_bulk(macro, tickets, self.caller)
        told = {
            "macro": macro.pk,
            "chosen": chosen,
            "total": tickets.count(),
            "runs": [each.run for each in tried.runs],
            "digests": tried.digests,
        }
        return self.rehearsed(tried.runs, told, TriedInBulkSerializer)

    def _new(self) -> NewBulkRunSerializer:
        new = NewBulkRunSerializer(data=self.request.data, context=self.get_serializer_context())
        new.is_valid(raise_exception=True)
        return new

    @extend_schema(request=None, responses={200: BulkRunSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **kwargs: Any) -> Response:
        """End the run: what was done stays done, the rest is left alone."""
        run: BulkRun = self.get_object()
        self._only(may_cancel(run, self.caller))
        cancel(run)
        return self._shown(run)

    @extend_schema(request=UndoSerializer, responses={200: BulkRunSerializer})
    @action(detail=True, methods=["post"], serializer_class=UndoSerializer)
    def undo(self, request: Request, **kwargs: Any) -> Response:
        """Take back what the run did, by a bulk run of its own, which is the answer."""
        run: BulkRun = self.get_object()
        self._only(may_change(run, self.caller))
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        even = given.validated_data.get("even", [])
        try:
            undo = undo_bulk(run, by=self.caller.name, even=even)
        except ValidationError as error:
            raise Conflict(" ".join(error.messages)) from error
        return self._shown(undo)

    def _only(self, allowed: bool) -> None:
        if not allowed:
            raise PermissionDenied("You may not do this here: ask who manages the project.")

    def _shown(self, run: BulkRun, code: int = status.HTTP_200_OK) -> Response:
        row = self.get_queryset().get(pk=run.pk)
        told = BulkRunSerializer(row, context=self.get_serializer_context())
        return Response(told.data, status=code)
