"""What all resources have in common: who may, paging, names that are unknown, ETags, repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import ProtectedError, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django_filters import MultipleChoiceFilter
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from access.callers import Caller
from access.rules import makes_alone, may_change, may_delete, may_make, seen
from rest.errors import InUse
from rest.etags import check_unchanged, etag_of, is_known
from rest.once import once
from rest.params import check_query
from rest.parsing import take_chunks
from rest.permissions import caller_of
from rest.rendering import Browsable, Negotiation

ID = "[0-9]{1,18}"


class Resource(GenericViewSet):
    """Rows of ``model`` that the caller may see, to look at."""

    model: ClassVar[type[models.Model]]
    related: Sequence[str] = ()
    many_related: Sequence[str] = ()
    lookup_value_regex = ID
    renderer_classes = (JSONRenderer, Browsable)
    content_negotiation_class = Negotiation
    ordering: Sequence[str] = ("pk",)
    ordering_fields: Mapping[str, str] = {"id": "pk"}
    secrets: Sequence[str] = ()  # fields that a repeated POST does not tell again
    without_effect: Sequence[str] = ()  # actions that a repeated POST does anew

    @cached_property
    def caller(self) -> Caller:
        return caller_of(self.request)

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return self.model._default_manager.none()
        rows = seen(self.model, self.caller).select_related(*self.related)
        return rows.prefetch_related(*self.many_related)

    def offered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of ``rows`` that the caller may name."""
        return rows & seen(rows.model, self.caller)

    def known_parameters(self) -> set[str]:
        if self.detail or self.request.method not in ("GET", "HEAD"):
            return set()
        filters = getattr(self, "filterset_class", None)
        return {"page", "page_size", "ordering", *(filters.base_filters if filters else ())}

    def repeatable_parameters(self) -> set[str]:
        filters = getattr(self, "filterset_class", None)
        several = filters.base_filters if filters else {}
        return {name for name, each in several.items() if isinstance(each, MultipleChoiceFilter)}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        take_chunks(request._request)
        if str(request.method).lower() in self.action_map:  # else 405, whatever it asks for
            check_query(request.query_params, self.known_parameters(), self.repeatable_parameters())
        keeps = self.action not in self.without_effect
        if request.method == "POST" and hasattr(self, "post") and keeps:
            self.post: Any = once(
                self.post, self.caller, secrets=self.secrets, check_told=self.check_told
            )

    def check_told(self, answer: Any) -> None:
        """Raise Http404 where a repeated answer is about what the caller may no longer see."""
        if self.detail:
            self.get_object()
        else:
            get_object_or_404(seen(self.model, self.caller), pk=answer["id"])

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_object()
        shown = self.get_serializer(row).data
        etag = etag_of(shown, self.unshown(row))
        if is_known(request, etag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
        return Response(shown, headers={"ETag": etag})

    def unshown(self, row: Any) -> str:
        """What of ``row`` can be written but is never shown."""
        return ""


class WritableResource(Resource):
    """The same, to make and change too."""

    def project_of(self, values: Mapping[str, Any]) -> models.Model | None:
        """The project that a new row of these values belongs to."""
        raise NotImplementedError

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if makes_alone(self.model):
            self._only(may_make(self.model, self.caller))
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        if not makes_alone(self.model):
            project = self.project_of(serializer.validated_data)
            self._only(may_make(self.model, self.caller, project))
        with transaction.atomic():
            row = serializer.save()
            shown = self.get_serializer(self.again(row)).data
        return Response(
            shown | self.told_once(row),
            status=status.HTTP_201_CREATED,
            headers={"ETag": etag_of(shown, self.unshown(row))},
        )

    def told_once(self, row: Any) -> dict[str, Any]:
        return {}

    def update(
        self, request: Request, *args: Any, partial: bool = False, **kwargs: Any
    ) -> Response:
        body = request.data  # read before anything is locked
        with transaction.atomic():
            row = self.locked()
            self._only(may_change(row, self.caller))
            check_unchanged(request, self.etag(row))
            serializer = self.get_serializer(row, data=body, partial=partial)
            serializer.is_valid(raise_exception=True)
            row = serializer.save()
            shown = self.get_serializer(self.again(row)).data
        return Response(shown, headers={"ETag": etag_of(shown, self.unshown(row))})

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, partial=True, **kwargs)

    def locked(self) -> Any:
        """The row of the address, which nobody else changes until the transaction ends."""
        seen_row = self.get_object()
        self.model._default_manager.select_for_update(of=("self",)).filter(pk=seen_row.pk).first()
        return self.get_object()

    def etag(self, row: Any) -> str:
        return etag_of(self.get_serializer(row).data, self.unshown(row))

    def again(self, row: Any) -> Any:
        """As others will read it, with its related rows."""
        return self.get_queryset().get(pk=row.pk)

    def _only(self, allowed: bool) -> None:
        if not allowed:
            raise PermissionDenied("You may not do this here: ask who manages it.")


class DeletableResource(WritableResource):
    """The same, to delete too what nothing else uses."""

    instead = "Archive it instead."

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            row = self.locked()
            self._only(may_delete(row, self.caller))
            check_unchanged(request, self.etag(row))
            if users := self.users_of(row):
                raise InUse(f"“{row}” is used by {', '.join(users)}. {self.instead}")
            try:
                self.delete_row(row)
            except ProtectedError as error:
                users = sorted({str(each) for each in error.protected_objects})[:20]
                raise InUse(f"“{row}” is used by {', '.join(users)}. {self.instead}") from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    def delete_row(self, row: Any) -> None:
        row.delete()

    def users_of(self, row: Any) -> list[str]:
        """What else uses ``row``, beside what the database itself protects."""
        return []
