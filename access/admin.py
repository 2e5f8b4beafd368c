"""The admin site asks the table, too."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from access.callers import Caller
from access.rules import changeable, may_change, may_delete, may_make_somewhere


class AsksAccess:
    """The admin's pages of a model are for those who make such rows; each row for who changes it.

    Of every other row it looks as if there were none.
    """

    model: type[Any]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return rows.filter(pk__in=changeable(self.model, Caller.of(request.user)).values("pk"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._asked(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._asked(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._asked(request, obj)

    has_change_permission = has_view_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._asked(request, obj, may_delete)

    def _get_obj_does_not_exist_redirect(self, *args: Any) -> Any:
        raise Http404

    def _asked(self, request: HttpRequest, row: Model | None = None, may: Any = may_change) -> bool:
        """Once for each row: a page of the admin asks dozens of times."""
        caller = Caller.of(request.user)
        answers = request.__dict__.setdefault("access", {})
        if self.model not in answers:
            answers[self.model] = may_make_somewhere(self.model, caller)
        if row is None or row.pk is None or not answers[self.model]:
            return bool(answers[self.model])
        question = (type(row), row.pk, may)
        if question not in answers:
            answers[question] = may(row, caller)
        return bool(answers[question])
