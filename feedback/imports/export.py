"""The tickets of the list as CSV, in the columns that the import reads."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from feedback.imports.cells import lines_of, ticket_columns
from feedback.models import FeedbackType, Ticket
from feedback.ticket_list import ORDERS, TicketsPage

AT_ONCE = 500
BOM = "\ufeff"  # tells spreadsheets that it is UTF-8


class ExportPage(TicketsPage):
    """For those who see every ticket. A filter that cannot be understood exports nothing."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.insider:
            raise Http404
        tickets, errors, _ = self.narrowed()
        if errors:  # the list says what is wrong with it
            return redirect(f"{self.feedback_type.get_absolute_url()}?{request.GET.urlencode()}")
        several = self.project.workflows.count() > 1
        name = f"{self.project.key}-{self.feedback_type.prefix}-{timezone.localdate()}.csv"
        ordered = tickets.order_by(*ORDERS[self.order][1])
        return as_csv(name, _lines(ordered, self.feedback_type, several))


def as_csv(name: str, lines: Iterable[list[str]]) -> Any:
    answer: HttpResponseBase = StreamingHttpResponse(
        _written(lines), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _lines(
    tickets: QuerySet[Ticket], feedback_type: FeedbackType, several: bool
) -> Iterator[list[str]]:
    columns = ticket_columns(feedback_type)
    related = tickets.select_related("feedback_type", "status__workflow", "team", "submitter")
    yield list(columns)
    for ticket in related.prefetch_related("tags", "links").iterator(chunk_size=AT_ONCE):
        yield from lines_of(ticket, feedback_type.fields, columns, several=several)


class _Passing:
    """A file that hands each line on instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _written(lines: Iterable[list[str]]) -> Iterator[str]:
    writer = csv.writer(_Passing())
    yield BOM
    for line in lines:
        yield writer.writerow(line)
