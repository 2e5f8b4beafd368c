"""The versions of a row by REST: how it was, and the way back."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from access.rules import Right, may, may_change
from feedback.models import Version
from feedback.serializers import VersionSerializer
from feedback.versions import delete_row, go_back, versions_of
from rest.errors import Conflict
from rest.etags import check_unchanged, etag_of
from rest.views import ID

NUMBER = OpenApiParameter("number", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH)


class Versioned:
    """A row of which every saved change is kept."""

    @extend_schema(responses=VersionSerializer(many=True), filters=False)
    @action(detail=True, serializer_class=VersionSerializer)
    def versions(self: Any, request: Request, **kwargs: Any) -> Response:
        """How it was after each save that changed something, the newest first."""
        row = self.get_object()
        self._only(may(self.caller, Right.MANAGE, row.project))
        shown = self.get_serializer(self.paginate_queryset(versions_of(row)), many=True).data
        return self.get_paginated_response(shown)

    def known_parameters(self: Any) -> set[str]:
        known: set[str] = super().known_parameters()  # type: ignore[misc]
        return {"page", "page_size"} if self.action == "versions" else known

    @extend_schema(request=None, parameters=[NUMBER])
    @action(detail=True, methods=["post"], url_path=f"versions/(?P<number>{ID})/restore")
    def restore(self: Any, request: Request, number: str, **kwargs: Any) -> Response:
        """Go back to a version, which makes a new one of it: what is there now stays, too."""
        with transaction.atomic():
            row = self.locked()
            self._only(may_change(row, self.caller))
            check_unchanged(request, self.etag(row))
            version = get_object_or_404(versions_of(row), number=number)
            try:
                row, _ = go_back(row, version, self.go_back)
            except ValidationError as error:
                raise Conflict(" ".join(error.messages)) from error
            shown = self.get_serializer(self.again(row)).data
        return Response(shown, headers={"ETag": etag_of(shown, self.unshown(row))})

    def delete_row(self: Any, row: Any) -> None:
        delete_row(row, actor=self.caller.name)

    def go_back(self: Any, row: Any, version: Version) -> Any:
        """The row as ``version`` had it; raises ValidationError for what no longer fits."""
        raise NotImplementedError
