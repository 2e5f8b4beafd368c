from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BrowsableAPIRenderer

from rest.shell import shell

WITH_BODY = ("POST", "PATCH")  # what PUT does PATCH does too


class Browsable(BrowsableAPIRenderer):
    """An answer as a page in the frame of all pages, and forms for JSON to send there.

    There is no form of filters, whose choices would be all the rows that there are.
    """

    template = "rest/browse.html"
    renderer_context: dict[str, Any]

    def get_filter_form(self, data: Any, view: Any, request: Any) -> None:
        return None

    def get_raw_data_form(self, data: Any, view: Any, method: str, request: Any) -> Any:
        failed = self.renderer_context["response"].status_code >= 400
        return None if failed else super().get_raw_data_form(data, view, method, request)

    def get_context(self, data: Any, *args: Any) -> dict[str, Any]:
        context = super().get_context(data, *args)
        forms = {method: context[f"raw_data_{method.lower()}_form"] for method in WITH_BODY}
        page = data if isinstance(data, dict) else {}
        return {
            **shell(context["request"]._request),
            **context,
            "title": context["name"],
            "bodies": [
                (method, form.fields["_content"].initial or "")
                for method, form in forms.items()
                if form
            ],
            "newer": page.get("previous"),
            "older": page.get("next"),
            "resource": getattr(context["view"], "basename", ""),
        }


class Negotiation(DefaultContentNegotiation):
    def filter_renderers(self, renderers: Any, format: Any) -> Any:
        known = [renderer.format for renderer in renderers]
        if format not in known:
            problem = f"There is no format “{format[:50]}”: ask for one of {', '.join(known)}."
            raise ValidationError({"format": [problem]})
        return super().filter_renderers(renderers, format)
