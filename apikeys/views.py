"""The REST resources of API keys."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from access.rules import may_change
from apikeys.admin import is_named_in_a_log
from apikeys.models import APICall, APIKey
from apikeys.serializers import APICallSerializer, APIKeySerializer, NewAPIKeySerializer
from rest.filters import IdFilter, NameFilter, TimeFilter, TruthFilter
from rest.views import DeletableResource, Resource


class APIKeyFilterSet(filters.FilterSet):
    name = NameFilter()
    prefix = NameFilter()
    project = NameFilter("project__key")
    enabled = TruthFilter()


class APICallFilterSet(filters.FilterSet):
    api_key_id = IdFilter("api_key")  # “api_key=” would be the key itself
    status_code = IdFilter("status_code")
    received_after = TimeFilter("received_at", lookup_expr="gte")
    received_before = TimeFilter("received_at", lookup_expr="lt")


class APIKeyView(DeletableResource):
    """API keys, for community managers. No key makes or changes keys: sign in for that."""

    model = APIKey
    serializer_class = APIKeySerializer
    filterset_class = APIKeyFilterSet
    related = ("project",)
    ordering_fields = {
        "id": "pk",
        "name": "name",
        "prefix": "prefix",
        "created_at": "created_at",
        "last_used_at": "last_used_at",
    }
    secrets = ("key",)
    instead = "Switch it off instead: it then opens nothing."

    @extend_schema(responses={201: NewAPIKeySerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The answer has the whole ``key``, this once; a repeat with the same Idempotency-Key
        has null there."""
        return super().create(request, *args, **kwargs)

    def told_once(self, row: Any) -> dict[str, Any]:
        return {"key": row.whole_key}

    @extend_schema(request=None, responses={200: NewAPIKeySerializer})
    @action(detail=True, methods=["post"], url_path="replace-secret")
    def replace_secret(self, request: Request, **kwargs: Any) -> Response:
        """A new secret; the old one is unknown from now on."""
        key = self.get_object()
        self._only(may_change(key, self.caller))
        return Response({"key": key.issue()} | self.get_serializer(key).data)

    def users_of(self, row: APIKey) -> list[str]:
        return ["the log of its requests"] if is_named_in_a_log(row) else []


class APICallView(Resource):
    """Requests to this API that showed a key, newest first; those to listeners are deliveries."""

    model = APICall
    serializer_class = APICallSerializer
    filterset_class = APICallFilterSet
    ordering = ("-pk",)
    ordering_fields = {"id": "pk", "received_at": "received_at"}
