from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from access.admin import AsksAccess
from apikeys.authentication import scopes_for
from apikeys.forms import APIKeyForm
from apikeys.models import APIKey
from rest.address import site_address

STATES = {"On": "success", "Off": "danger", "Expired": "warning"}


@admin.register(APIKey)
class APIKeyAdmin(AsksAccess, ModelAdmin):
    """For community managers. A key's secret is shown in one answer, and kept nowhere."""

    form = APIKeyForm
    view_on_site = False  # the site has no such address
    list_display = [
        "name",
        "prefix",
        "state",
        "scope_names",
        "project",
        "network_list",
        "last_used_at",
        "expires_at",
        "log",
    ]
    list_select_related = ["project"]
    search_fields = ["name", "prefix", "description"]
    fields = APIKeyForm.Meta.fields
    actions = None  # no deleting in bulk
    actions_detail = ["open_log", "replace_secret"]
    list_fullwidth = True

    class Media:
        css = {"all": ["automation.css"]}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["prefix", "last_used_at"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*self.fields, "last_used_at"] if obj else self.fields

    @display(description="State", label=STATES)
    def state(self, key: APIKey) -> str:
        if not key.enabled:
            return "Off"
        return "Expired" if key.expired else "On"

    @display(description="Scopes")
    def scope_names(self, key: APIKey) -> str:
        return ", ".join(APIKey.Scope(scope).label for scope in key.scopes)

    @display(description="Networks", empty_value="any")
    def network_list(self, key: APIKey) -> str | None:
        return ", ".join(key.networks.split()) or None

    @display(description="Log")
    def log(self, key: APIKey) -> SafeString:
        return format_html(
            '<a class="hub-button hub-button-small key-log" href="{}">'
            '<span class="material-symbols-outlined" aria-hidden="true">receipt_long</span>Log'
            '<span class="hub-visually-hidden"> of {}</span></a>',
            key.get_log_url(),
            key.name,
        )

    def save_model(self, request: HttpRequest, obj: APIKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            request.whole_key = obj.issue()  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: APIKey, post_url_continue: Any = None
    ) -> HttpResponse:
        return self.show_once(request, obj, request.whole_key)  # type: ignore[attr-defined]

    def show_once(self, request: HttpRequest, key: APIKey, whole_key: str) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": f"API key “{key}”",
            "key": key,
            "whole_key": whole_key,
            "listens": APIKey.Scope.LISTEN in key.scopes,
            "example": example_call(request, key, whole_key),
        }
        return TemplateResponse(
            request, "apikeys/shown_once.html", context, headers={"Cache-Control": "no-store"}
        )

    @action(description="Log", url_path="log", icon="receipt_long")
    def open_log(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("api_key_log", object_id)

    @action(description="Replace the secret", url_path="replace-secret", icon="autorenew")
    def replace_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        key = get_object_or_404(APIKey, pk=object_id)
        if request.method == "POST":
            whole_key = key.issue()
            self.log_change(request, key, "Replaced the secret.")
            return self.show_once(request, key, whole_key)
        context = self.admin_site.each_context(request) | {
            "title": f"Replace the secret of “{key}”",
            "key": key,
        }
        return TemplateResponse(request, "apikeys/replace_secret.html", context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        key = self.get_object(request, object_id)
        if key is None or not self.has_delete_permission(request) or not is_named_in_a_log(key):
            return super().delete_view(request, object_id, extra_context)
        messages.error(
            request,
            f"API key “{key}” was used: its log would lose its owner, so it is not deleted. "
            "Switch it off instead, by the tick “On”: it then opens nothing.",
        )
        return redirect(reverse("admin:apikeys_apikey_change", args=[key.pk]))


def example_call(request: HttpRequest, key: APIKey, whole_key: str) -> str:
    """A first REST call to paste into a terminal; empty for a key that may make none."""
    if not {*key.scopes} & {*scopes_for("GET")}:
        return ""
    address = f"{site_address(request)}/api/v1/projects/"
    return f'curl -H "Authorization: Bearer {whole_key}" {address}'


def is_named_in_a_log(key: APIKey) -> bool:
    """Whether any request record, of whichever app, is of this key."""
    relations: list[Any] = APIKey._meta.get_fields(include_hidden=True)
    return any(
        relation.related_model._base_manager.filter(**{relation.remote_field.name: key}).exists()
        for relation in relations
        if relation.one_to_many
    )
