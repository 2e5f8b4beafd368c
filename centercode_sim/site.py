"""The shell of every page: the admin site, open to whoever is signed in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.forms import AuthenticationForm as UnfoldAuthenticationForm
from unfold.sites import UnfoldAdminSite

from centercode_sim.palette import palette


class SignInForm(UnfoldAuthenticationForm):
    confirm_login_allowed = AuthenticationForm.confirm_login_allowed  # staff or not


class HubSite(UnfoldAdminSite):
    """Lets every active user in: pages, models and rows each ask whom they are for."""

    login_form = SignInForm
    index_title = "Overview"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active)

    def get_urls(self) -> list[Any]:
        """Without the address that leads from any row's number to its page, and so tells of it."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]

    def search(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The command palette. The theme's own keeps results, also of what was taken away since."""
        term = request.GET.get("s", "").replace("\0", "").strip()
        if not term:
            return HttpResponse()
        found = {"results": palette(request, term)}
        template = "unfold/helpers/command_results.html"
        return TemplateResponse(request, template, found, headers={"HX-Trigger": "search"})
