"""The feedback types of a file, with their filters, macros and what starts these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from automation.actions import ACTIONS
from automation.actions.fields import RowsOfProject, YesNoField
from automation.macro_secrets import with_secrets_of
from automation.macros import ActionsRefused, lacking, save_macro
from automation.models import Macro
from automation.rules.apply import Work, in_order, is_as_before, row_named, save
from automation.rules.apply_listeners import ListenerWork, named_in
from automation.rules.apply_starts import StartWork
from automation.rules.circles import in_order_of_running
from automation.rules.document import LIST, MAPPING, TRUTH, Node
from automation.rules.export import (
    FIELD,
    LISTENER,
    SCHEDULE,
    TRIGGER,
    default_of,
    field_tree,
    filter_tree,
    macro_tree,
    option_default,
    params_of,
    type_tree,
)
from automation.rules.items import Item, choice_problem, text_of
from automation.rules.names import Called, Names, TypeNames
from feedback.admin_forms import FeedbackTypeForm
from feedback.field_kinds import KINDS
from feedback.filters import Filters, RowsFilter, filters_of, takes_several
from feedback.form_fields import put_in_order, save_form_field
from feedback.models import FeedbackType, FormField, SavedFilter, Workflow
from feedback.saved_filters import save_filter
from feedback.value_filters import none_of

OWN = ("prefix", "name", "default_workflow", "archived")
TYPE = (*OWN, "fields", "filters", "macros", "listeners", "triggers", "schedules")
MACRO = ("name", *Macro.OPTIONS, "archived", "actions")
FILTER = ("name", "archived", "groups")


def apply_types(whole: Item, work: Work) -> None:
    if "feedback_types" not in whole.nodes:
        return
    names = Names(work.project)
    there = Called(work.project.feedback_types.select_related("default_workflow"), "prefix")
    types = [
        (item, _type(there.get(prefix), prefix, item, work, names))
        for prefix, item in whole.items("feedback_types", TYPE, by="prefix")
    ]
    work.outcome.missing(there, [kind for _, kind in types])
    for item, kind in types:
        if kind is not None:
            TypeWork(kind, item, work, names).apply()


def _type(
    kind: FeedbackType | None, prefix: str, item: Item, work: Work, names: Names
) -> FeedbackType | None:
    own = {name: node.plain() for name, node in item.nodes.items() if name in OWN}
    if kind and own == type_tree(kind):
        return kind
    item.require("name", "default_workflow")
    data = {
        "project": work.project.pk,
        "prefix": prefix,
        "name": item.text("name"),
        "default_workflow": _row(Workflow, item, "default_workflow", work, names),
        "archived": item.flag("archived"),
    }
    form = FeedbackTypeForm(data, instance=kind or FeedbackType(project=work.project))
    for name in ("name", "default_workflow"):
        form.fields[name].required = False  # said already
    kept: FeedbackType | None = save(item, form, work)
    return kept


def _row(model: type[models.Model], item: Item, name: str, work: Work, names: Names) -> Any:
    """The id of the row that the value called ``name`` names, if there is such a row."""
    return row_named(model, item.nodes[name], item, work, names) if name in item.nodes else ""


class TypeWork:
    """One feedback type of the file, whose row is there already."""

    def __init__(self, kind: FeedbackType, item: Item, work: Work, names: Names) -> None:
        self.kind, self.item, self.work = kind, item, work
        self.names = TypeNames(names, kind)

    @cached_property
    def filters(self) -> Filters:
        """What groups may name once the file's form fields are there."""
        return filters_of(self.kind)

    def apply(self) -> None:
        fields = list(self.kind.form_fields.all())
        named = self._each("fields", ("key", *FIELD), fields, self._field, by="key")
        if named:
            self._order(fields, named)
        vars(self.kind).pop("fields", None)
        self.names.forget(FormField)
        macros = self.kind.macros.prefetch_related("actions")
        listeners = self.kind.listeners.select_related("macro", "filter").order_by("key")
        listeners = listeners.prefetch_related("status_rows__macro", "protected_statuses")
        work = ListenerWork(self.kind, self.item, self.work, self.names)
        self._each("filters", FILTER, self.kind.saved_filters.all(), self._filter)
        self._each("macros", MACRO, macros, self._macro)
        self._each("listeners", LISTENER, listeners, work.keep, by="key")
        starts = StartWork(self.kind, self.item, self.work, self.names)
        triggers, schedules = (
            rows.select_related("macro", "filter").order_by("name")
            for rows in (self.kind.triggers, self.kind.schedules)
        )
        self._each("triggers", TRIGGER, triggers, starts.trigger)
        self._each("schedules", SCHEDULE, schedules, starts.schedule)

    def _each(
        self, section: str, keys: Iterable[str], rows: Any, make: Any, by: str = "name"
    ) -> list[Any]:
        """What became of each part of the section; nothing where there is no such section."""
        if section not in self.item.nodes:
            return []
        there = Called(rows, by)
        for row in there.exact.values():
            row.feedback_type = self.kind
        parts = list(self.item.items(section, tuple(keys), by))
        parts = in_order_of_running(parts) if section == "macros" else parts
        named = [make(there.get(name), name, item) for name, item in parts]
        self.work.outcome.missing(there, named, self.kind.prefix)
        return named

    def _field(self, field: FormField | None, key: str, item: Item) -> FormField | None:
        if field and is_as_before(item, lambda: field_tree(field)):
            return field
        item.require("label", "kind")
        kind = item.text("kind")
        if kind and kind not in KINDS:
            item.note("kind", " ".join(none_of(kind, KINDS).messages))
        elif kind and field and kind != field.kind:
            item.note("kind", f"The kind of a field never changes: it stays {field.kind}.")
        kept = field or FormField(feedback_type=self.kind, key=key)
        for name in FIELD:
            setattr(kept, name, item.value(name, default_of(name, FormField)))
        return self._keep(item, kept, lambda: save_form_field(kept), "choices") or field

    def _order(self, before: list[FormField], named: list[FormField | None]) -> None:
        rows = in_order(before, [field for field in named if field])
        if rows != before:
            put_in_order(rows)
        if [field for field in rows if field in before] != before:
            self.work.outcome.changed.append(f"order of the form fields of {self.kind.prefix}")

    def _filter(self, saved: SavedFilter | None, name: str, item: Item) -> SavedFilter | None:
        if saved and is_as_before(item, lambda: filter_tree(saved, self.names)):
            return saved
        item.require("groups")
        groups = [self._group(node, item) for node in item.parts("groups")]
        kept = saved or SavedFilter(feedback_type=self.kind)
        kept.name, kept.archived, kept.groups = name, item.flag("archived"), groups
        actor = self.work.allowed.actor
        return self._keep(item, kept, lambda: save_filter(kept, actor=actor), "groups") or saved

    def _group(self, node: Node, item: Item) -> dict[str, Any]:
        group = Item(node, tuple(self.filters), self.work.problems)
        values = {
            name: self._values(name, value, item)
            for name, value in group.nodes.items()
            if name in self.filters
        }
        return values

    def _values(self, name: str, node: Node, item: Item) -> list[Any]:
        field = self.filters[name]
        several = takes_several(field)
        nodes = node.value if node.kind == LIST and several else [node]
        if isinstance(field, RowsFilter):
            model = field.queryset.model
            return [row_named(model, each, item, self.work, self.names) for each in nodes]
        given = [self._value(field.field, each) for each in nodes]
        problem = choice_problem(field.field, [value for value in given if value])
        try:
            field.field.clean(given if several else given[0])
        except ValidationError as error:
            self.work.problems.note(node, problem or " ".join(error.messages))
        return given

    def _value(self, field: Any, node: Node) -> Any:
        """What a form's field is given; a date or a truth value may stand without quotes."""
        if node.kind in (LIST, MAPPING) or isinstance(field, forms.CharField):
            return text_of(node, self.work.problems)
        plain = node.plain()
        return str(plain).lower() if isinstance(plain, bool) else plain

    def _macro(self, macro: Macro | None, name: str, item: Item) -> Macro | None:
        if macro and is_as_before(item, lambda: macro_tree(macro, self.names)):
            return macro
        item.require("actions")
        given = [self._action(node, item) for node in item.parts("actions")]
        actions = [(kind, params) for kind, params, _ in given]
        kept = macro or Macro(feedback_type=self.kind)
        kept.name, kept.archived = name, item.flag("archived")
        for option in Macro.OPTIONS:
            setattr(kept, option, item.flag(option, option_default(option)))
        actions = with_secrets_of(kept, actions)

        def store() -> Macro:
            return save_macro(kept, actions, wholly=False, actor=self.work.allowed.actor)

        try:
            row = self._keep(item, kept, store, "actions")
        except ActionsRefused as refused:
            for (_, _, part), problems in zip(given, refused.by_action, strict=True):
                _note_action(part, problems)
            row = None
        if row:
            self.names.forget(Macro)
            self.work.outcome.unfinished += [
                f"Macro “{row}” of {self.kind.prefix} does not work yet. {each}"
                for each in lacking(row)
            ]
        return row or macro

    def _action(self, node: Node, item: Item) -> tuple[str, dict[str, Any], Item]:
        """Kind and params of one action, and where they stand."""
        outer = Item(node, tuple(ACTIONS), self.work.problems)
        if len(node.value) != 1 and node.kind == MAPPING:
            self.work.problems.note(node, "One action a line: “- ” before the name of each.")
        if node.kind != MAPPING or not outer.whole:
            return "", {}, outer
        [kind] = node.value
        fields = params_of(kind)
        if kind not in outer.nodes:
            node = Node(node.line, MAPPING, {}, (*node.path, kind))
        inner = Item(outer.nodes.get(kind, node), tuple(fields), self.work.problems)
        params = {
            name: self._param(field, inner.nodes[name], item)
            if name in inner.nodes
            else field.initial
            for name, field in fields.items()
        }
        return kind, params, inner

    def _param(self, field: Any, node: Node, item: Item) -> Any:
        """What an action's form is given."""
        if isinstance(field, RowsOfProject):
            rows = [self._row(field.model, each, item) for each in self._several(field, node)]
            return [row for row in rows if row] if field.several else rows[0]
        if isinstance(field, YesNoField):
            if node.kind != TRUTH:
                self.work.problems.note(node, "Write true or false here.")
            return node.plain()
        if isinstance(field, forms.CharField):
            return text_of(node, self.work.problems)
        if isinstance(field, forms.MultipleChoiceField) and node.kind != LIST:
            self.work.problems.note(node, "Here belongs a list: a line with “- ” for each.")
            return []
        if problem := choice_problem(field, node.plain()):
            self.work.problems.note(node, problem)
        return node.plain()

    def _several(self, field: RowsOfProject, node: Node) -> list[Node]:
        return node.value if field.several and node.kind == LIST else [node]

    def _row(self, model: type[models.Model], node: Node, item: Item) -> int | str:
        in_file = named_in(self.item, "macros") if model is Macro else ()
        return row_named(model, node, item, self.work, self.names, in_file)

    def _keep(self, item: Item, row: Any, store: Any, part: str) -> Any:
        """What ``store`` kept; None where ``item`` was refused, now or before."""
        created = row.pk is None
        if not item.whole:
            return None
        try:
            store()
        except ActionsRefused:
            raise
        except ValidationError as error:
            errors = error.message_dict if hasattr(error, "error_dict") else {part: error.messages}
            item.refuse(
                {part if name == "__all__" else name: each for name, each in errors.items()}
            )
            return None
        self.work.outcome.note(row, created, self.kind.prefix)
        return row


def _note_action(part: Item, problems: Mapping[str, Any]) -> None:
    """What the forms say about one action, at the lines of its settings."""
    for what in problems.values():
        part.refuse(what if isinstance(what, dict) else {"": what})
