from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

from rest.nearest import nearest
from rest.params import ALWAYS

MOST = 200


class Paging(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = MOST
    invalid_page_message = "There is no page {page_number}: begin with 1 and follow “next”."
    page_query_description = "Which page of the results, from 1."
    page_size_query_description = f"How many results a page has, 1 to {MOST}."

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> Any:
        for name, most in ((self.page_query_param, None), (self.page_size_query_param, MOST)):
            given = request.query_params.get(name, "1")
            number = int(given) if re.fullmatch("[0-9]{1,9}", given) else 0
            if not 1 <= number <= (most or number):
                limit = f" to {most}" if most else " on"
                raise ValidationError({name: [f"“{given[:50]}” is no number from 1{limit}."]})
        return super().paginate_queryset(queryset, request, view)

    def get_next_link(self) -> str | None:
        return _without_key(super().get_next_link())

    def get_previous_link(self) -> str | None:
        return _without_key(super().get_previous_link())

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            parameter["schema"] |= {"minimum": 1, "maximum": 10**9 - 1}
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"maximum": MOST, "default": self.page_size}
        return parameters


def _without_key(link: str | None) -> str | None:
    """A key in the address was struck out on the way in: what is left of it opens nothing."""
    if link is None:
        return None
    parts = urlsplit(link)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in ALWAYS
    ]
    return urlunsplit(parts._replace(query=urlencode(kept)))


class Ordering(OrderingFilter):
    """``ordering=name,-id``; the id decides between equals, so that pages never overlap."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> Any:
        given = request.query_params.get(self.ordering_param)
        if given is None:
            return view.ordering
        fields = given.split(",")
        known = {sign + name: sign + path for name, path in self._paths(view) for sign in ("", "-")}
        for name in fields:
            if name not in known:
                problem = f"These cannot be sorted by “{name[:100]}”.{nearest(name, known)}"
                raise ValidationError({self.ordering_param: [problem]})
        if len({name.lstrip("-") for name in fields}) < len(fields):
            raise ValidationError({self.ordering_param: ["Name each field once."]})
        return [*(known[name] for name in fields), "pk"]

    def _paths(self, view: Any) -> list[tuple[str, str]]:
        return list(view.ordering_fields.items())

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        names = [sign + name for name, _ in self._paths(view) for sign in ("", "-")]
        items = {"type": "string", "enum": names}
        return [
            {
                "name": self.ordering_param,
                "in": "query",
                "required": False,
                "description": "Fields to sort by; “-” before a field turns its order round.",
                "schema": {"type": "array", "items": items, "minItems": 1, "uniqueItems": True},
                "style": "form",
                "explode": False,
            }
        ]
