"""What starts a macro or narrows by a saved filter, so that pages can say it and refuse by it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.text import capfirst

from automation.models import ExternalListener, Macro, Schedule, StatusRow, Trigger
from automation.pages import address_of
from feedback.protection import MOST, Use

Paths = Mapping[type[Model], tuple[str, ...]]  # how the rows of a model name what they use
OF_MACROS: Paths = {
    ExternalListener: ("macro", "status_rows__macro"),
    Trigger: ("macro",),
    Schedule: ("macro",),
    Macro: ("actions__uses__macro",),
}
OF_FILTERS: Paths = {ExternalListener: ("filter",), Trigger: ("filter",), Schedule: ("filter",)}
NOUNS = {ExternalListener: "listener", Trigger: "trigger", Schedule: "schedule", Macro: "macro"}


@dataclass(frozen=True)
class Count:
    number: int
    noun: str


def count_users(rows: Iterable[Model], paths: Paths) -> dict[Any, list[Count]]:
    """How many rows of each model use each of ``rows``, by its id: a query for each path."""
    counts = defaultdict(list)
    for model, named in paths.items():
        pairs = {pair for path in named for pair in _pairs(model, path, rows)}
        for used, number in Counter(used for _, used in pairs).items():
            counts[used].append(Count(number, NOUNS[model]))
    return counts


def _pairs(model: type[Model], path: str, rows: Iterable[Model]) -> Iterable[tuple[Any, Any]]:
    using = model._default_manager.filter(**{f"{path}__in": [row.pk for row in rows]})
    return using.order_by().values_list("pk", path)


def users_of_macro(macro: Macro) -> list[Use]:
    """Everything that runs ``macro``, a page of each kind."""
    tables = defaultdict(list)
    for row in StatusRow.objects.filter(macro=macro):
        tables[row.listener_id].append(row)
    return [
        _as_use(user, tables.get(user.pk, []) if isinstance(user, ExternalListener) else [])
        for model, paths in OF_MACROS.items()
        for user in _users(model, paths, macro)
    ]


def _users(model: type[Model], paths: tuple[str, ...], used: Model) -> list[Any]:
    found = {user for path in paths for user in _named(model, path, used)}
    return sorted(found, key=lambda user: user.name)[:MOST]


def _named(model: type[Model], path: str, used: Model) -> Any:
    using = model._default_manager.filter(**{path: used}).select_related("feedback_type__project")
    return using.order_by("name").distinct()[:MOST]


def _as_use(user: Any, rows: list[StatusRow]) -> Use:
    table = f" (its status table: {'; '.join(map(str, rows))})" if rows else ""
    return Use(f"{capfirst(NOUNS[type(user)])} “{user}”{table}", user.get_absolute_url())


def records_of_macro(macro: Macro) -> list[Use]:
    """What is kept of its runs, for which the database keeps the macro too."""
    runs = macro.executions.count()
    address = address_of("runs", macro.feedback_type) + f"?macro={macro.pk}"
    kept = [Use(f"the record of its runs on tickets ({runs})", address)] if runs else []
    bulk = macro.bulk_runs.first()
    return [*kept, Use(f"the bulk run “{bulk}”", bulk.get_absolute_url())] if bulk else kept
