"""A project's rules as a tree of plain values: names instead of numbers, and no secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django_filters import Filter

from automation.actions import ACTIONS
from automation.actions.fields import RowsOfProject, SecretField
from automation.listener_form import ListenerForm
from automation.models import ExternalListener, Macro, MacroAction
from automation.rules.names import Names, TypeNames, Unnamed
from automation.rules.yaml_text import as_yaml
from feedback.filters import RowsFilter, as_list, filters_named, takes_several
from feedback.models import (
    FeedbackType,
    FormField,
    Project,
    SavedFilter,
    Status,
    Team,
    Workflow,
)
from feedback.numbers import row_id

VERSION = 1
SECRETS = ("new_secret", "remove_secret")
LISTENER = ["key", *(name for name in ListenerForm.Meta.fields if name not in ("key", *SECRETS))]
FIELD = [
    *("label", "kind", "public_label", "choices", "archived_choices", "highest"),
    *("required", "help", "public", "archived"),
]
Tree = dict[str, Any]


@dataclass(frozen=True)
class Rules:
    tree: Tree
    left_out: list[str]  # what no longer works and so cannot be written, with why

    @property
    def text(self) -> str:
        return as_yaml(self.tree, [f"Left out: {each}" for each in self.left_out])


def rules_of(project: Project) -> Rules:
    names, left_out = Names(project), list[str]()
    tree = {
        "version": VERSION,
        "project": project_tree(project),
        "teams": [team_tree(team) for team in project.teams.order_by("pk")],
        "tags": sorted((tag.name for tag in project.tags.all()), key=by_letters),
        "workflows": [
            workflow_tree(workflow)
            for workflow in project.workflows.order_by("pk").prefetch_related("statuses")
        ],
        "feedback_types": [
            {**type_tree(kind), **_below(kind, TypeNames(names, kind), left_out)}
            for kind in _types(project)
        ],
    }
    return Rules({name: part for name, part in tree.items() if part}, left_out)


def _types(project: Project) -> Iterable[FeedbackType]:
    return (
        project.feedback_types.order_by("pk")
        .select_related("default_workflow")
        .prefetch_related("form_fields", "saved_filters", "macros__actions", "listeners__macro")
        .prefetch_related("listeners__filter", "listeners__status_rows__macro")
        .prefetch_related("listeners__protected_statuses")
    )


def by_letters(name: str) -> tuple[str, str]:
    return name.lower(), name


def project_tree(project: Project) -> Tree:
    return {"key": project.key, "name": project.name, **_archived(project)}


def team_tree(team: Team) -> Tree:
    return {"name": team.name, "kind": team.kind, **_archived(team)}


def workflow_tree(workflow: Workflow) -> Tree:
    statuses = [status_tree(status) for status in workflow.statuses.all()]
    return {"name": workflow.name, **_archived(workflow), "statuses": statuses}


def status_tree(status: Status) -> Tree:
    return {"name": status.name, "category": status.category, **_archived(status)}


def type_tree(kind: FeedbackType) -> Tree:
    return {
        "prefix": kind.prefix,
        "name": kind.name,
        "default_workflow": kind.default_workflow.name,
        **_archived(kind),
    }


def field_tree(field: FormField) -> Tree:
    values = {name: getattr(field, name) for name in FIELD}
    given = {name: value for name, value in values.items() if value != default_of(name, FormField)}
    return {"key": field.key, **given}


def filter_tree(saved: SavedFilter, names: Names) -> Tree:
    groups = [_group(group, saved.feedback_type, names) for group in saved.groups]
    return {"name": saved.name, **_archived(saved), "groups": groups}


def macro_tree(macro: Macro, names: Names) -> Tree:
    actions = [_action(action, names) for action in macro.actions.all()]
    options = {
        name: getattr(macro, name)
        for name in Macro.OPTIONS
        if getattr(macro, name) != option_default(name)
    }
    return {"name": macro.name, **options, **_archived(macro), "actions": actions}


def option_default(name: str) -> bool:
    default: bool = Macro._meta.get_field(name).get_default()  # type: ignore[union-attr]
    return default


def listener_tree(listener: ExternalListener, names: Names) -> Tree:
    values = {
        name: LISTS[name](listener, names) if name in LISTS else getattr(listener, name)
        for name in LISTENER
    }
    return {
        name: str(value) if isinstance(value, models.Model) else unix(value)
        for name, value in values.items()
        if value != default_of(name)
    }


def _status_table(listener: ExternalListener, names: Names) -> list[Tree]:
    rows = [
        {"status": row.status, "resolution": row.resolution, "macro": row.macro and row.macro.name}
        for row in listener.status_rows.all()
    ]
    return [{name: text for name, text in row.items() if text} for row in rows]


def _protected_statuses(listener: ExternalListener, names: Names) -> list[str]:
    return [names.name_of(status) for status in listener.protected_statuses.all()]


LISTS: dict[str, Callable[[ExternalListener, Names], list[Any]]] = {
    "status_table": _status_table,
    "protected_statuses": _protected_statuses,
}


def unix(value: Any) -> Any:
    """Text as browsers send it, with the line ends that a file has."""
    return value.replace("\r\n", "\n") if isinstance(value, str) else value


def default_of(name: str, model: type[models.Model] = ExternalListener) -> Any:
    if name in LISTS:
        return []
    field: Any = model._meta.get_field(name)
    return field.get_default()


def _archived(row: Any) -> Tree:
    return {"archived": True} if row.archived else {}


def _below(kind: FeedbackType, names: Names, left_out: list[str]) -> Tree:
    """What a type holds. A listener never goes without its filter or its macro."""

    def written(
        rows: Iterable[Any], tree_of: Callable[..., Tree], by: str = "name"
    ) -> dict[int, Tree]:
        trees = {}
        for row in sorted(rows, key=lambda row: by_letters(getattr(row, by))):
            try:
                trees[row.pk] = tree_of(row, names)
            except (Unnamed, AttributeError, TypeError, LookupError) as error:
                noun = row._meta.verbose_name
                left_out.append(f"the {noun} “{row}” of {kind.prefix} no longer works ({error}).")
        return trees

    filters = written(kind.saved_filters.all(), filter_tree)
    macros = written(kind.macros.all(), macro_tree)
    whole = [each for each in kind.listeners.all() if _stands(each, filters, macros)]
    listeners = written(whole, listener_tree, by="key")
    left_out += [
        f"the listener “{listener}”, which needs one of these."
        for listener in kind.listeners.all()
        if listener not in whole
    ]
    parts = {
        "fields": [field_tree(field) for field in kind.fields],
        "filters": list(filters.values()),
        "macros": list(macros.values()),
        "listeners": list(listeners.values()),
    }
    return {name: part for name, part in parts.items() if part}


def _stands(
    listener: ExternalListener, filters: Mapping[int, Tree], macros: Mapping[int, Tree]
) -> bool:
    """Whether the filter and the macros that it uses are written."""
    used = {listener.macro_id, *(row.macro_id for row in listener.status_rows.all())}
    return listener.filter_id in {None, *filters} and used <= {None, *macros}


def _group(group: Any, kind: FeedbackType, names: Names) -> Tree:
    there = filters_named(group, kind)
    if unknown := [name for name in group if name not in there]:
        raise Unnamed(f"there is no field “{unknown[0]}”")
    return {
        name: _filter_value(field, as_list(group[name]), names)
        for name, field in there.items()
        if name in group
    }


def _filter_value(field: Filter, values: list[Any], names: Names) -> Any:
    if isinstance(field, RowsFilter):
        values = [_name_of(field.queryset.model, value, names) for value in values]
        values.sort(key=by_letters)
    return values if takes_several(field) else values[0]


def _action(row: MacroAction, names: Names) -> Tree:
    return {
        row.kind: {
            name: _param(field, row.params[name], names)
            for name, field in params_of(row.kind).items()
            if row.params.get(name) not in (None, "", [])
        }
    }


def params_of(kind: str) -> dict[str, Any]:
    """The fields of an action that a file may hold: no secrets."""
    fields = ACTIONS[kind].Form.base_fields
    return {name: field for name, field in fields.items() if not isinstance(field, SecretField)}


def _param(field: Any, value: Any, names: Names) -> Any:
    if not isinstance(field, RowsOfProject):
        return unix(value)
    if field.several:
        return sorted((_name_of(field.model, each, names) for each in value), key=by_letters)
    return _name_of(field.model, value, names)


def _name_of(model: type[models.Model], pk: Any, names: Names) -> str:
    number = row_id(str(pk))
    row = names.with_id(model, number) if number else None
    if row is None:
        raise Unnamed(f"{model._meta.verbose_name} {pk} is gone")
    return names.name_of(row)
