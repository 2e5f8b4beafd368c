"""The reference of the API, open to everybody: it is no secret."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.views.generic import TemplateView

from rest.address import site_address
from rest.reference import reference
from rest.shell import shell


class ReferencePage(TemplateView):
    template_name = "rest/reference.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        found = {
            "title": "REST API",
            "reference": reference(),
            "site_address": site_address(self.request),
        }
        return shell(self.request) | found | super().get_context_data(**context)


class ResourcePage(ReferencePage):
    template_name = "rest/resource.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        resource = reference().resources.get(self.kwargs["name"])
        if resource is None:
            raise Http404
        title = resource.name.replace("-", " ").capitalize()
        return super().get_context_data(title=title, resource=resource, **context)
