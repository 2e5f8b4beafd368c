from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apikeys.models import APICall, APIKey
from rest.fields import NameField, StrictCharField, StrictChoiceField
from rest.serializers import RowSerializer


class NetworksField(serializers.ListField):
    child = StrictCharField(max_length=50)

    def to_representation(self, data: Any) -> list[str]:
        return str(data).split()


class APIKeySerializer(RowSerializer):
    fixed = ("prefix",)
    example = {"name": "Scripts", "scopes": ["read", "write"], "project": "beta"}
    prefix = StrictCharField(max_length=20, required=False, help_text="How logs name the key.")
    networks = NetworksField(
        required=False,
        max_length=100,
        help_text="Addresses or networks that may use it; empty: any address.",
    )
    scopes = serializers.ListField(
        child=StrictChoiceField(choices=APIKey.Scope.choices), allow_empty=False, required=False
    )
    project = NameField(
        slug_field="key",
        queryset=APIKey._meta.get_field("project").related_model._default_manager.all(),
        required=False,
        allow_null=True,
    )

    class Meta:
        model = APIKey
        fields = [
            "id",
            "name",
            "description",
            "prefix",
            "networks",
            "scopes",
            "project",
            "expires_at",
            "mail_on_use",
            "enabled",
            "created_at",
            "last_used_at",
        ]
        read_only_fields = ["created_at", "last_used_at"]

    def validate_scopes(self, scopes: list[str]) -> list[str]:
        return [scope for scope in APIKey.Scope.values if scope in scopes]

    def keep(self, row: APIKey, values: dict[str, Any]) -> APIKey:
        if "networks" in values:
            values["networks"] = "\n".join(values["networks"])
        for name, value in values.items():
            setattr(row, name, value)
        row.scopes = row.scopes or [APIKey.Scope.LISTEN]
        row.full_clean(exclude=["digest"])
        if row.pk:
            row.save()
        else:
            row.whole_key = row.issue()  # type: ignore[attr-defined]
        return row


class NewAPIKeySerializer(APIKeySerializer):
    key = serializers.CharField(
        read_only=True, allow_null=True, help_text="The whole key. It is never shown again."
    )

    class Meta(APIKeySerializer.Meta):
        fields = [*APIKeySerializer.Meta.fields, "key"]


class APICallSerializer(RowSerializer):
    class Meta:
        model = APICall
        fields = [
            "id",
            "received_at",
            "api_key",
            "address",
            "method",
            "path",
            "status_code",
            "reason",
        ]
