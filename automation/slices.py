from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

ROWS = 50

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """Some rows of a long log, newest first, found by their ids: nothing is ever counted."""

    rows: list[Row]
    newer: int | None  # show what is newer than this row
    older: int | None


def slice_of(log: QuerySet[Row], newer: int | None, older: int | None) -> Slice[Row]:
    if newer is not None:
        rows = list(log.filter(pk__gt=newer).order_by("pk")[: ROWS + 1])
        more, rows = len(rows) > ROWS, rows[:ROWS][::-1]
        return Slice(rows, rows[0].pk if more else None, rows[-1].pk if rows else None)
    if older is not None:
        log = log.filter(pk__lt=older)
    rows = list(log.order_by("-pk")[: ROWS + 1])
    more, rows = len(rows) > ROWS, rows[:ROWS]
    return Slice(
        rows, rows[0].pk if rows and older is not None else None, rows[-1].pk if more else None
    )
